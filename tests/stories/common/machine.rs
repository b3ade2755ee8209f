//! A whole machine for a person to type at: its own network, host name, `/etc`, `/run`, `/usr/local` and `/var`,
//! a tailscaled on TUN that listens where an installed one does, and a terminal.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

use super::netns::NetNs;
use super::process::Process;
use super::tailscaled::{self, Tailscaled};
use super::wait::wait_until;
use super::wonder::clean_environment;

/// How long a question may take to come to its terminal.
const PATIENCE: Duration = Duration::from_secs(30);
/// Seconds after which what was typed counts as hung.
const HUNG: &str = "120";

/// In the machine's mount namespace: what is written there is gone with it.
const OWN_DIRECTORIES: &str = r#"
for own in usr/local var; do
    mkdir -p "$1/$own" && mount -t tmpfs tmpfs "$1/$own" && mkdir "$1/$own/upper" "$1/$own/work" &&
    mount -t overlay overlay -o "lowerdir=/$own,upperdir=$1/$own/upper,workdir=$1/$own/work" "/$own" || exit
done
mount -t tmpfs tmpfs /run && mkdir /run/tailscale && ln -s "$2" /run/tailscale/tailscaled.sock"#;

/// `sudo` of somebody who is root already; `-u` alone makes somebody else of them.
const SUDO: &str = r#"#!/bin/sh
[ "$1" = -u ] || exec "$@"
user=$2 && shift 2 && exec setpriv --reuid "$user" --regid "$user" --init-groups "$@"
"#;

const PASSWORD: &str = "a long enough password";
/// What a new account and a log-in ask for.
pub const QUESTIONS: [(&str, &str); 3] =
    [("New password", PASSWORD), ("The same again", PASSWORD), ("Password", PASSWORD)];

/// The terminal's name is told first; then the block alone counts.
const TYPE: &str = r#"tty >"$TERMINAL"; bash -euo pipefail -c "$BLOCK""#;

/// A running machine; dropped, it is switched off and what was written on it is gone.
pub struct Machine<'a> {
    pub daemon: Tailscaled,
    /// Outlives it.
    _host: &'a NetNs,
    directory: TempDir,
}

/// A home network: a router, and hosts with the addresses 192.168.1.10, .14, .18 …
pub fn home(hosts: &[&NetNs]) -> NetNs {
    let router = NetNs::new();
    router.forward();
    for (i, host) in hosts.iter().enumerate() {
        let own = 10 + 4 * i;
        host.link(&format!("192.168.1.{own}/30"), &router, &format!("192.168.1.{}/30", own - 1));
        host.default_route(&format!("192.168.1.{}", own - 1));
    }
    router
}

impl<'a> Machine<'a> {
    pub fn start(host: &'a NetNs, hostname: &str) -> Machine<'a> {
        let daemon = Tailscaled::options().tun(host).hostname(hostname).start();
        let directory = tempfile::Builder::new().prefix("wonder-machine-").tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let machine = Machine { daemon, _host: host, directory };
        for part in ["bin", "home", "here"] {
            std::fs::create_dir(machine.path(part)).unwrap();
        }
        let mut mount = machine.daemon.command("sh");
        mount.args(["-c", OWN_DIRECTORIES, "sh"]).arg(machine.directory.path()).arg(machine.daemon.socket());
        let mounted = mount.output().unwrap();
        assert!(mounted.status.success(), "{mounted:?}");
        machine.program("sudo", SUDO);
        symlink(tailscaled::binary(tailscaled::CURRENT, "tailscale"), machine.path("bin/tailscale")).unwrap();
        machine
    }

    /// A path in the machine's directory: `here` is where commands are typed.
    pub fn path(&self, part: &str) -> std::path::PathBuf {
        self.directory.path().join(part)
    }

    /// Installs a program: a script, or a stand-in for what no test can do.
    pub fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Installs the built `wonder`.
    pub fn install_wonder(&self) {
        symlink(env!("CARGO_BIN_EXE_wonder"), self.path("bin/wonder")).unwrap();
    }

    /// Starts a command that stays.
    pub fn begin(&self, block: &str) -> Process {
        let mut command = self.command("bash");
        command.args(["-c", block]);
        Process::start(&mut command, &self.path("log"), false)
    }

    /// Types a block at the terminal, and the answers to the questions that come: what is shown. It must succeed.
    pub fn types(&self, block: &str, answers: &[(&str, &str)]) -> String {
        let terminal = self.path("terminal");
        let mut command = self.command("timeout");
        command.args([HUNG, "script", "-qefc", TYPE, "/dev/null"]);
        command.env("BLOCK", block).env("TERMINAL", &terminal);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("timeout(1) is there");
        let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (mut shown, mut read, mut answers) = (Vec::new(), [0; 4096], answers.iter().peekable());
        let mut from = 0;
        loop {
            let length = screen.read(&mut read).unwrap();
            if length == 0 {
                break;
            }
            shown.extend_from_slice(&read[..length]);
            let text = String::from_utf8_lossy(&shown[from..]).into_owned();
            if let Some((_, answer)) = answers.next_if(|(question, _)| text.contains(question)) {
                from = shown.len();
                wait_until("the terminal is silent", PATIENCE, || is_silent(&terminal));
                writeln!(keyboard, "{answer}").unwrap();
            }
        }
        let (ended, shown) = (child.wait().unwrap(), plain(&String::from_utf8_lossy(&shown)));
        assert!(ended.success(), "{block}: {ended}\n{shown}");
        assert_eq!(answers.next(), None, "was not asked:\n{shown}");
        shown
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.daemon.command("env");
        clean_environment(&mut command);
        command.arg(format!("--chdir={}", self.path("here").display())).arg(program);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", self.path("bin").display());
        command.env("PATH", path).env("HOME", self.path("home"));
        command.env("SHELL", "/bin/bash").env("NO_COLOR", "1").env_remove("XDG_CONFIG_HOME");
        command
    }
}

/// Whether whoever asks at this terminal has switched its echo off, and so reads the answer.
fn is_silent(terminal: &Path) -> bool {
    let name = std::fs::read_to_string(terminal).unwrap();
    let stty = Command::new("stty").args(["-F", name.trim(), "-a"]).output().unwrap();
    String::from_utf8_lossy(&stty.stdout).split_whitespace().any(|word| word == "-echo")
}

/// What is shown, without what moves the cursor (ECMA-48 section 5.4).
fn plain(shown: &str) -> String {
    let mut parts = shown.split('\u{1b}');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| ('@'..='~').contains(&c) && c != '[').map_or(part.len(), |at| at + 1);
        text.push_str(&part[end..]);
    }
    text.replace('\r', "\n")
}
