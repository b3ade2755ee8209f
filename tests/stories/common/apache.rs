//! Apache with a configuration that a story wrote. Dropped, it is told to stop: killed, it would leave its workers behind.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::process::Process;
use super::wait::wait_until;

const BINARY: &str = "/usr/sbin/apache2";

pub struct Apache(Process);

impl Apache {
    /// Runs with `conf` of the directory, which makes it listen on that port of 127.0.0.1; what it says is in `log` there.
    pub fn start(directory: &Path, port: u16) -> Apache {
        assert!(Path::new(BINARY).exists(), "apache2 is missing: run scripts/install-peers");
        let mut command = Command::new(BINARY);
        command.arg("-f").arg(directory.join("conf")).arg("-DFOREGROUND");
        let process = Process::start(&mut command, &directory.join("log"), false);
        wait_until(
            &format!("Apache listens: {}", directory.join("log").display()),
            Duration::from_secs(20),
            || TcpStream::connect(("127.0.0.1", port)).is_ok(),
        );
        Apache(process)
    }

    /// A line of its configuration for each module.
    pub fn load(modules: &[&str]) -> String {
        let line = |name: &&str| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
        modules.iter().map(line).collect()
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        self.0.stop();
    }
}
