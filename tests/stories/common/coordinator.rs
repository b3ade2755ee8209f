//! A coordinator: the built binary, on a port and in a data directory of its own.

use rustix::process::{Signal, geteuid};
use serde_json::Value;
use std::cell::RefCell;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tempfile::TempDir;

use super::netns::{self, NetNs};
use super::postgres::Server;
use super::process::Process;
use super::wonder::{Run, Wonder, clean_environment};

/// How long it may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// Debian's `nobody` and `nogroup`.
const NOBODY: u32 = 65534;

thread_local! {
    /// Where the story of this thread has its coordinators keep their data: a server, or SQLite.
    static SERVER: RefCell<Option<Arc<Server>>> = const { RefCell::new(None) };
}

/// From now on, coordinators that this thread starts are on PostgreSQL.
pub fn on_postgres() {
    SERVER.set(Some(Server::shared()));
}

/// From now on, they are on SQLite: with `--test-threads=1` all stories are of one thread.
pub fn on_sqlite() {
    SERVER.set(None);
}

/// Whether they are.
pub fn is_on_postgres() -> bool {
    SERVER.with_borrow(Option::is_some)
}

/// Runs each story of the calling module with its coordinators on SQLite, and once more on PostgreSQL; `async` before
/// stories that await. What they start stays on their own thread.
#[macro_export]
macro_rules! coordinators_on_both_engines {
    (async $($story:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                $crate::common::coordinator::on_sqlite();
                super::$story().await
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                $crate::common::coordinator::on_postgres();
                super::$story().await
            })*
        }
    };
    ($($story:ident)*) => {
        mod sqlite {
            $(#[test]
            fn $story() {
                $crate::common::coordinator::on_sqlite();
                super::$story()
            })*
        }
        mod postgres {
            $(#[test]
            fn $story() {
                $crate::common::coordinator::on_postgres();
                super::$story()
            })*
        }
    };
}

/// How a coordinator is to be started.
pub struct Options {
    args: Vec<String>,
    environment: Vec<(String, String)>,
    namespace: Option<String>,
    listen: String,
    run_by_nobody: bool,
    on_a_terminal: bool,
}

impl Options {
    /// More arguments of `wonder serve`.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The address to listen on; port 0 for any.
    pub fn listen(mut self, listen: &str) -> Self {
        listen.clone_into(&mut self.listen);
        self
    }

    /// Runs in `namespace`, listening on this address of it.
    pub fn inside(mut self, namespace: &NetNs, listen: &str) -> Self {
        self.namespace = Some(namespace.name().to_owned());
        self.listen(listen)
    }

    /// Runs as a user of its own, as an installed one does, where the tests run as root.
    pub fn run_by_nobody(mut self) -> Self {
        self.run_by_nobody = geteuid().is_root();
        self
    }

    /// Its log goes to a terminal, and so is written for people. What is signalled is the terminal, which passes on
    /// SIGTERM alone.
    pub fn on_a_terminal(mut self) -> Self {
        self.on_a_terminal = true;
        self
    }

    /// Starts it, and waits until it is ready; a panic with its words if it does not get there.
    pub fn start(self) -> Coordinator {
        let directory = tempfile::Builder::new().prefix("wonder-coordinator-").tempdir().unwrap();
        if self.run_by_nobody {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let (process, ready) = self.launch(directory.path());
        Coordinator { process, ready, options: self, directory }
    }

    fn launch(&self, directory: &Path) -> (Process, Value) {
        let binary = env!("CARGO_BIN_EXE_wonder");
        let mut command = match &self.namespace {
            Some(namespace) => netns::command_in(namespace, binary),
            None if self.run_by_nobody => run_by_nobody(binary),
            None if self.on_a_terminal => on_a_terminal(binary),
            None => Command::new(binary),
        };
        clean_environment(&mut command);
        command.args(["serve", "--json", "--listen", &self.listen]);
        command.arg("--data-dir").arg(directory.join("data")).args(&self.args);
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        let mut process = Process::start(&mut command, &directory.join("log"), true);
        let ready = ready_line(&mut process);
        (process, ready)
    }
}

/// A running coordinator; dropped, it is ended and its data removed.
pub struct Coordinator {
    process: Process,
    /// The line that it printed when it was ready: `{"url","listen","derp","stun","pid"}`.
    pub ready: Value,
    options: Options,
    directory: TempDir,
}

impl Coordinator {
    /// On a free port of 127.0.0.1.
    pub fn options() -> Options {
        let listen = "127.0.0.1:0".to_owned();
        let database = SERVER.with_borrow(|server| server.as_ref().map(|server| server.database()));
        let args = database.into_iter().flat_map(|url| ["--database".to_owned(), url]).collect();
        let (environment, namespace) = (Vec::new(), None);
        Options { args, environment, namespace, listen, run_by_nobody: false, on_a_terminal: false }
    }

    pub fn url(&self) -> &str {
        self.ready["url"].as_str().expect("the ready line names the URL")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// A local administration command on this coordinator's data.
    pub fn admin(&self, args: &[&str], input: &str) -> Run {
        let data = self.data_dir();
        let mut all = [args, &["--data-dir", data.to_str().unwrap()]].concat();
        let database = self.options.args.iter().skip_while(|arg| *arg != "--database").take(2);
        all.extend(database.map(String::as_str));
        Wonder::new().run_with(&all, input)
    }

    /// SIGTERM, and the status with which it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.stop()
    }

    /// The status with which it ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Sends a signal (SIGSTOP: it hangs; SIGCONT: it goes on).
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Ends it, if it runs, and starts it again on the same data and the port that it had: devices know
    /// it by that.
    pub fn restart(&mut self) {
        self.process.stop();
        self.ready["listen"].as_str().expect("the ready line names it").clone_into(&mut self.options.listen);
        (self.process, self.ready) = self.options.launch(self.directory.path());
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    pub fn log_tail(&self) -> String {
        self.process.log_tail()
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.process.stop();
    }
}

fn run_by_nobody(binary: &str) -> Command {
    let mut command = Command::new("setpriv");
    let nobody = NOBODY.to_string();
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", binary]);
    command
}

/// Its stdout stays what it is; its stderr is a terminal, whose screen is our stderr.
fn on_a_terminal(binary: &str) -> Command {
    const SCRIPT: &str = r#"printf -v line ' %q' "$@"; exec script -qefc "exec$line >&3" /dev/null 3>&1 >&2"#;
    let mut command = Command::new("bash");
    command.args(["-c", SCRIPT, "bash", binary]).env("SHELL", "/bin/bash");
    command
}

fn ready_line(process: &mut Process) -> Value {
    let (tell, told) = mpsc::sync_channel(1);
    let stdout = process.stdout();
    // Reads on to the end, so that the coordinator never waits for a full pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = tell.try_send(line);
        }
    });
    match told.recv_timeout(READY) {
        Ok(line) => serde_json::from_str(&line).unwrap_or_else(|e| panic!("the ready line: {e}: {line}")),
        Err(_) => panic!("the coordinator is not ready ({:?})\n{}", process.ended(), process.log_tail()),
    }
}
