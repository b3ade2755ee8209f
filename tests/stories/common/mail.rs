//! A real SMTP server (aiosmtpd, a process of its own), and the settings of a coordinator that sends through it.

use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use wonder::mesh::native::derp::Certificate;
use wonder::runtime::Clock;

use super::process::Process;
use super::tailscaled::peers;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running mail server; dropped, it is ended.
pub struct MailServer {
    pub port: u16,
    messages: mpsc::Receiver<Value>,
    directory: tempfile::TempDir,
    _process: Process,
}

fn python() -> PathBuf {
    let path = peers().join("aiosmtpd-1.4.6/bin/python");
    assert!(path.exists(), "{} is missing: scripts/install-peers brings it", path.display());
    path
}

impl MailServer {
    pub fn start(flags: &[&str]) -> MailServer {
        let directory = tempfile::tempdir().unwrap();
        let certificate = Certificate::self_signed(&["localhost".to_owned()], Clock::system().now()).unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let chain = file("certificate.pem", &certificate.certificate_pem);
        let key = file("key.pem", certificate.key_pem.reveal());
        let mut command = Command::new(python());
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/mail.py")).args(flags);
        command.arg("--certificate").arg(chain).arg("--key").arg(key);
        let mut process = Process::start(&mut command, &directory.path().join("log"), true);
        let (tell, messages) = mpsc::channel();
        let lines = BufReader::new(process.stdout()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str::<Value>(&line).unwrap());
            }
        });
        let Ok(first) = messages.recv_timeout(PATIENCE) else { panic!("{}", process.log_tail()) };
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        MailServer { port, messages, directory, _process: process }
    }

    /// `[mail]` for a coordinator that sends through it, with further lines.
    pub fn settings(&self, more: &str) -> String {
        settings(
            self.port,
            &format!("ca-file = '{}/certificate.pem'\n{more}", self.directory.path().display()),
        )
    }

    /// The next message that came.
    pub fn next(&self) -> Value {
        self.messages.recv_timeout(PATIENCE).expect("a message arrives")
    }

    /// Whether none is left that came.
    pub fn is_empty(&self) -> bool {
        self.messages.try_recv().is_err()
    }

    /// Where it keeps its files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// `[mail]` for a coordinator that sends through `localhost`.
pub fn settings(port: u16, more: &str) -> String {
    format!("[mail]\nhost = 'localhost'\nport = {port}\nfrom = 'Our mesh <mesh@example.org>'\n{more}")
}
