//! A real tailscaled, of a given version, with a directory and a socket of its own.

use serde_json::Value;
use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

use super::netns::NetNs;
use super::process::Process;
use super::wait::{try_wait_for, wait_for};

/// The version that most stories use.
pub const CURRENT: &str = "1.102.3";

/// No logs to the vendor, no port mapping on the network, a panic rather than a word to the vendor's coordinator.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("TS_NO_LOGS_NO_SUPPORT", "true"),
    ("TS_ASSUME_NETWORK_UP_FOR_TEST", "1"),
    ("TS_DISABLE_PORTMAPPER", "1"),
    ("TS_PANIC_IF_HIT_MAIN_CONTROL", "1"),
];

/// In a mount namespace of its own, tailscaled may rewrite /etc/resolv.conf: an overlay takes the changes. With a name,
/// the host has that.
const WITH_OWN_ETC: &str = r#"
if [ "$2" ]; then echo "$2" >/proc/sys/kernel/hostname; fi &&
mount -t tmpfs tmpfs "$1" && mkdir "$1/upper" "$1/work" &&
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc && shift 2 && exec "$@""#;

/// How a daemon is to be started.
#[derive(Clone, Default)]
pub struct Options<'a> {
    version: Option<&'a str>,
    environment: Vec<(String, String)>,
    namespace: Option<&'a NetNs>,
    tun: bool,
    hostname: &'a str,
    state: Option<Vec<u8>>,
    forgetful: bool,
}

impl<'a> Options<'a> {
    pub fn version(mut self, version: &'a str) -> Self {
        self.version = Some(version);
        self
    }

    /// One more environment variable (`TS_DEBUG_…`).
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Runs in `namespace`, in userspace mode.
    pub fn inside(mut self, namespace: &'a NetNs) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Runs on a TUN device in `namespace`, which needs a default route.
    pub fn tun(mut self, namespace: &'a NetNs) -> Self {
        self.tun = true;
        self.inside(namespace)
    }

    /// On a host of this name, where it is on a TUN device.
    pub fn hostname(mut self, hostname: &'a str) -> Self {
        self.hostname = hostname;
        self
    }

    /// Starts with this state file: see `state`.
    pub fn state(mut self, state: Vec<u8>) -> Self {
        self.state = Some(state);
        self
    }

    /// Keeps its state in memory alone, and so asks to be ephemeral.
    pub fn forgetful(mut self) -> Self {
        self.forgetful = true;
        self
    }

    /// Starts it, and waits until it listens.
    pub fn start(self) -> Tailscaled {
        let directory = tempfile::Builder::new().prefix("wonder-ts-").tempdir().unwrap();
        // The socket is there for other users too, as it is on a real system.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        if let Some(state) = &self.state {
            std::fs::write(directory.path().join("tailscaled.state"), state).unwrap();
        }
        let command = self.command(directory.path());
        let cli = binary(self.version.unwrap_or(CURRENT), "tailscale");
        Tailscaled::launch(command, directory, cli)
    }

    fn command(&self, directory: &Path) -> Command {
        let daemon = binary(self.version.unwrap_or(CURRENT), "tailscaled");
        let mut command = match (self.namespace, self.tun) {
            (None, _) => Command::new(&daemon),
            (Some(namespace), false) => namespace.command(&daemon),
            (Some(namespace), true) => {
                let etc = directory.join("etc");
                std::fs::create_dir(&etc).unwrap();
                let mut command = namespace.command("unshare");
                command.args(["--uts", "sh", "-c", WITH_OWN_ETC, "sh"]).arg(etc);
                command.arg(self.hostname).arg(&daemon);
                command
            }
        };
        let device = if self.tun { "tailscale0" } else { "userspace-networking" };
        command.arg(format!("--tun={device}")).args(["--port=0", "--no-logs-no-support"]);
        command.args(self.forgetful.then_some("--state=mem:"));
        command.arg(flag("--statedir=", directory)).arg(flag("--socket=", &directory.join("s.sock")));
        command.envs(ENVIRONMENT).envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }
}

/// A running daemon; dropped, it is killed and its directory removed.
pub struct Tailscaled {
    process: Process,
    command: Command,
    cli: PathBuf,
    directory: TempDir,
}

impl Tailscaled {
    /// The current version, in userspace mode, on the host's network.
    pub fn start() -> Tailscaled {
        Options::default().start()
    }

    pub fn options<'a>() -> Options<'a> {
        Options::default()
    }

    fn launch(mut command: Command, directory: TempDir, cli: PathBuf) -> Tailscaled {
        let process = Process::start(&mut command, &directory.path().join("log"), false);
        let mut daemon = Tailscaled { process, command, cli, directory };
        daemon.wait_until_listening();
        daemon
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("s.sock")
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// `kill -9`; the directory stays, for [`Tailscaled::restart`].
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM, as the service manager does it.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Ends it and starts it again on the same state.
    pub fn restart(&mut self) {
        self.process.stop();
        self.process = Process::start(&mut self.command, &self.directory.path().join("log"), false);
        self.wait_until_listening();
    }

    /// The vendor's own command line, on this daemon.
    pub fn tailscale<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        let mut command = Command::new("timeout");
        command.arg("120").arg(&self.cli).arg(flag("--socket=", &self.socket())).args(args);
        command.output().expect("timeout(1) is there")
    }

    /// Starts a command of the vendor's command line and goes on; what it says is kept.
    pub fn begin(&self, args: &[&str]) -> Process {
        let mut command = Command::new(&self.cli);
        command.arg(flag("--socket=", &self.socket())).args(args);
        let log = tempfile::Builder::new().prefix("cli-").tempfile_in(self.directory.path()).unwrap();
        Process::start(&mut command, &log.into_temp_path().keep().unwrap(), false)
    }

    /// `tailscale up` without `wonder`, as a person does it with the token's auth key.
    pub fn try_up(
        &self,
        login_server: &str,
        key: &str,
        hostname: &str,
        extra: &[&str],
    ) -> Result<(), String> {
        let file = self.directory.path().join("auth-key");
        std::fs::write(&file, key).unwrap();
        let mut args = vec!["up".to_owned(), format!("--login-server={login_server}")];
        args.push(format!("--auth-key=file:{}", file.display()));
        args.push(format!("--hostname={hostname}"));
        args.extend(["--reset".to_owned(), "--timeout=60s".to_owned()]);
        args.extend(extra.iter().map(|&arg| arg.to_owned()));
        let output = self.tailscale(&args);
        if output.status.success() { Ok(()) } else { Err(text(&output)) }
    }

    /// [`Tailscaled::try_up`] that must succeed.
    pub fn up(&self, login_server: &str, key: &str, hostname: &str, extra: &[&str]) {
        if let Err(words) = self.try_up(login_server, key, hostname, extra) {
            panic!("tailscale up: {words}\n{}", self.log_tail());
        }
    }

    /// `tailscale up` without a key: the command, which waits for a person, and the URL that it shows them.
    pub fn begin_log_in(&self, login_server: &str, hostname: &str) -> (Process, String) {
        let (server, name) = (format!("--login-server={login_server}"), format!("--hostname={hostname}"));
        let up = self.begin(&["up", &server, &name, "--timeout=60s"]);
        let url = wait_for("the URL", Duration::from_secs(60), || {
            up.log().split_whitespace().find(|word| word.starts_with(login_server)).map(str::to_owned)
        });
        (up, url)
    }

    /// `tailscale status --json`.
    pub fn status_json(&self) -> Value {
        let output = self.tailscale(["status", "--json"]);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("tailscale status: {}\n{}", text(&output), self.log_tail()))
    }

    /// What this device knows of the peer with this name (its DNS label); `None` if there is none.
    pub fn peer(&self, name: &str) -> Option<Value> {
        let status = self.status_json();
        let is_it =
            |peer: &&Value| peer["DNSName"].as_str().is_some_and(|full| full.split('.').next() == Some(name));
        status["Peer"].as_object()?.values().find(is_it).cloned()
    }

    /// Its state file: keys and log-ins.
    pub fn state_file(&self) -> Value {
        let text = std::fs::read(self.directory.path().join("tailscaled.state")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// "Running", "NeedsLogin", …
    pub fn state(&self) -> String {
        self.status_json()["BackendState"].as_str().unwrap_or_default().to_owned()
    }

    /// The first address of this node (IPv4); a panic if it has none.
    pub fn address(&self) -> String {
        let status = self.status_json();
        let address = status["TailscaleIPs"][0].as_str();
        address.unwrap_or_else(|| panic!("no address yet: {status}")).to_owned()
    }

    /// `tailscale ping` of an address or name: what it said, as an error if no pong came.
    pub fn ping(&self, target: &str) -> Result<String, String> {
        let output = self.tailscale(["ping", "--c=3", "--timeout=5s", "--until-direct=false", target]);
        if output.status.success() { Ok(text(&output)) } else { Err(text(&output)) }
    }

    /// Sends a line over TCP through the mesh to an echo there, and reads it back.
    pub fn echo(&self, address: &str, port: u16) -> Result<(), String> {
        let mut command = Command::new("timeout");
        command.arg("20").arg(&self.cli).arg(flag("--socket=", &self.socket()));
        command.args(["nc", address, &port.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("timeout(1) is there");
        // Its stdin stays open until the echo is there: nc ends with its input.
        let mut stdin = child.stdin.take().unwrap();
        let mut back = [0; 15];
        let mut stdout = child.stdout.take().unwrap();
        let read = stdin.write_all(b"are you there?\n").and_then(|()| stdout.read_exact(&mut back));
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        match read {
            Ok(()) if &back == b"are you there?\n" => Ok(()),
            other => Err(format!("{other:?}: {}", text(&output))),
        }
    }

    /// Waits until `holds`; a panic with the daemon's last words after `within`.
    pub fn wait_until(&self, what: &str, within: Duration, mut holds: impl FnMut(&Tailscaled) -> bool) {
        if try_wait_for(within, || holds(self).then_some(())).is_none() {
            panic!("waited {within:?} in vain for: {what}\n{}", self.log_tail());
        }
    }

    /// `program` in the daemon's own network, mount and host name: there its resolv.conf holds.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.pid())).args(["--net", "--mount", "--uts"]);
        command.args(["--", program]);
        command
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    pub fn log_tail(&self) -> String {
        format!("--- {} ---\n{}", self.directory.path().display(), self.process.log_tail())
    }

    fn wait_until_listening(&mut self) {
        let socket = self.socket();
        let listens = || UnixStream::connect(&socket).ok();
        if try_wait_for(Duration::from_secs(60), listens).is_none() {
            panic!("tailscaled does not listen ({:?})\n{}", self.process.ended(), self.log_tail());
        }
    }
}

/// A program of tailscale's in the cache of real peers.
pub fn binary(version: &str, name: &str) -> PathBuf {
    let path = peers().join(format!("tailscale-{version}")).join(name);
    assert!(path.is_file(), "{} is missing: run scripts/install-peers", path.display());
    path
}

/// The cache that scripts/install-peers fills.
pub fn peers() -> PathBuf {
    match std::env::var_os("WONDER_PEERS") {
        Some(path) => path.into(),
        None => PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/wonder-peers"),
    }
}

fn flag(name: &str, path: &Path) -> String {
    format!("{name}{}", path.display())
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
