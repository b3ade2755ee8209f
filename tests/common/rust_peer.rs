//! A real device made with the Rust implementation of the protocol: the program in `tests/peers/tailscale-rs`.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use tempfile::TempDir;

use super::tailscaled::peers;

/// The version of the crate.
pub const VERSION: &str = "0.6.1";
/// How long an answer may take; the program itself gives up earlier.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running device; dropped, it is killed.
pub struct RustPeer {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// What it said when it was in the network: `{"name","ipv4","ipv6"}`.
    pub ready: Value,
    directory: TempDir,
}

impl RustPeer {
    /// Joins with an auth key, and echoes on `echo`; a panic with its words if it does not get there.
    pub fn join(url: &str, auth_key: &str, hostname: &str, echo: u16, extra: &[&str]) -> RustPeer {
        let peer = RustPeer::start(url, auth_key, hostname, echo, extra);
        assert!(peer.ready["ipv4"].is_string(), "{}\n{}", peer.ready, peer.log());
        peer
    }

    /// Starts it; its first line tells what came of it.
    pub fn start(url: &str, auth_key: &str, hostname: &str, echo: u16, extra: &[&str]) -> RustPeer {
        let directory = tempfile::Builder::new().prefix("wonder-rs-").tempdir().unwrap();
        let mut command = Command::new(binary());
        command.args(["--control", url, "--hostname", hostname, "--echo", &echo.to_string()]).args(extra);
        command.env("TS_AUTH_KEY", auth_key).env("TS_RS_EXPERIMENT", "this_is_unstable_software");
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let stdin = child.stdin.take();
        let mut peer = RustPeer { child, stdin, lines, ready: Value::Null, directory };
        peer.ready = peer.answer();
        peer
    }

    pub fn address(&self) -> &str {
        self.ready["ipv4"].as_str().expect("a device has an address")
    }

    /// Gives a command (`ping ADDRESS PORT`, `peer NAME`) and waits for the answer.
    pub fn ask(&mut self, command: &str) -> Value {
        writeln!(self.stdin.as_mut().expect("it runs"), "{command}").unwrap();
        self.answer()
    }

    fn answer(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|e| panic!("tailscale-rs says nothing: {e}\n{}", self.log()));
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("tailscale-rs: {e}: {line}"))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for RustPeer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> PathBuf {
    let path = peers().join(format!("tailscale-rs-{VERSION}/tailscale-rs"));
    assert!(path.is_file(), "{} is missing: run scripts/install-peers", path.display());
    path
}
