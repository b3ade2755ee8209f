//! A real device made with the Rust implementation of the protocol: the program in `tests/peers/tailscale-rs`.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use tempfile::TempDir;

use super::netns::NetNs;
use super::tailscaled::peers;

/// The version of the crate.
pub const VERSION: &str = "0.6.1";
/// Where each gives back what it is sent.
pub const ECHO: u16 = 7007;
/// How long an answer may take; the program itself gives up earlier.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a device is to be started.
pub struct Options<'a> {
    url: &'a str,
    hostname: &'a str,
    namespace: Option<&'a NetNs>,
    args: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Runs in `namespace`.
    pub fn inside(mut self, namespace: &'a NetNs) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// More arguments of the program.
    pub fn args(mut self, args: &[&'a str]) -> Self {
        self.args.extend(args);
        self
    }

    /// Joins with an auth key; a panic with its words if it does not get there.
    pub fn join(self, auth_key: &str) -> RustPeer {
        let mut peer = self.start(Some(auth_key));
        peer.wait_until_in();
        peer
    }

    /// Without a key: the device, and the URL that it shows to a person.
    pub fn begin_log_in(self) -> (RustPeer, String) {
        let peer = self.start(None);
        let shown = peer.answer();
        let url = shown["auth_url"].as_str().unwrap_or_else(|| panic!("{shown}\n{}", peer.log()));
        (peer, url.to_owned())
    }

    fn start(self, auth_key: Option<&str>) -> RustPeer {
        let directory = tempfile::Builder::new().prefix("wonder-rs-").tempdir().unwrap();
        let mut command = self.namespace.map_or_else(|| Command::new(binary()), |ns| ns.command(binary()));
        command.args(["--control", self.url, "--hostname", self.hostname, "--echo", &ECHO.to_string()]);
        command.args(self.args).env_remove("TS_AUTH_KEY").envs(auth_key.map(|key| ("TS_AUTH_KEY", key)));
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let stdin = child.stdin.take();
        RustPeer { child, stdin, lines, ready: Value::Null, directory }
    }
}

/// A running device; dropped, it is killed.
pub struct RustPeer {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Who it said it was when it came into the network: `{"name","domain","ipv4","ipv6","node_key","tags"}`.
    pub ready: Value,
    directory: TempDir,
}

impl RustPeer {
    /// A device that asks this coordinator for this name.
    pub fn options<'a>(url: &'a str, hostname: &'a str) -> Options<'a> {
        Options { url, hostname, namespace: None, args: Vec::new() }
    }

    /// Waits until it is in the network; a panic with its words if it does not get there.
    pub fn wait_until_in(&mut self) {
        self.ready = self.answer();
        assert!(self.ready["ipv4"].is_string(), "{}\n{}", self.ready, self.log());
    }

    pub fn address(&self) -> &str {
        self.ready["ipv4"].as_str().expect("a device has an address")
    }

    /// Gives a command (the program says which there are) and waits for the answer.
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
