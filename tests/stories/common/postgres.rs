//! A real PostgreSQL for tests: Debian's package, in a directory of its own, on a Unix socket. It ends with
//! the last test that uses it, and with the process, however that ends.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// A running server.
pub struct Server {
    /// Holds data and socket; gone with the server.
    directory: tempfile::TempDir,
    keeper: Mutex<Option<Keeper>>,
    databases: AtomicU32,
    /// Of the socket, and of 127.0.0.1 if the server listens there.
    pub port: u16,
    settings: Vec<String>,
}

/// The thread that the server is a child of: the kernel ends the server when this thread ends, and so also
/// when the test program is killed.
struct Keeper {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
    pid: Pid,
}

impl Server {
    /// The server that the tests of this program share; it lives as long as one of them holds it.
    pub fn shared() -> Arc<Server> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// A server of one's own: for tests that stop it.
    pub fn start() -> Server {
        let server = Server::prepare(5432, Vec::new());
        server.resume();
        server
    }

    /// A server of one's own that also listens on 127.0.0.1, with this certificate and key (PEM).
    pub fn start_with_tls(certificate: &str, key: &str) -> Server {
        let port = super::port::own();
        let settings = ["listen_addresses=127.0.0.1", "ssl=on"].map(str::to_owned).to_vec();
        let server = Server::prepare(port, settings);
        server.put("data/server.crt", certificate);
        server.put("data/server.key", key);
        server.resume();
        server
    }

    fn prepare(port: u16, settings: Vec<String>) -> Server {
        let directory = tempfile::Builder::new().prefix("wonder-pg-").tempdir_in("/tmp").unwrap();
        give_to_postgres(directory.path());
        let data = directory.path().join("data");
        let initdb = as_postgres(directory.path(), &program("initdb"))
            .args(["--no-sync", "--username=wonder", "--auth=trust", "--encoding=UTF8", "--no-locale", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(initdb.status.success(), "initdb: {}", text(&initdb));
        Server { directory, port, settings, keeper: Mutex::new(None), databases: AtomicU32::new(0) }
    }

    /// The URL of a new empty database.
    pub fn database(&self) -> String {
        let name = format!("db{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a database by name.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://wonder@/{name}?host={}&port={}", self.directory.path().display(), self.port)
    }

    /// Runs SQL as its owner would with psql; gives what it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let output = Command::new(program("psql"))
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "wonder", "-d", database, "-c", sql, "-h"])
            .arg(self.directory.path())
            .args(["-p", &self.port.to_string()])
            .output()
            .unwrap();
        assert!(output.status.success(), "psql: {}", text(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Puts a file into the server's directory, for its eyes alone; gives its path.
    pub fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        give_to_postgres(&path);
        path
    }

    /// Ends the server at once, as a crash would (SIGQUIT: "immediate shutdown").
    pub fn crash(&self) {
        let keeper = self.keeper.lock().unwrap().take();
        if let Some(keeper) = keeper {
            keeper.signal(Signal::QUIT);
            drop(keeper.stop);
            keeper.thread.join().unwrap();
        }
    }

    /// Starts the server, or starts it again, and waits until it answers.
    pub fn resume(&self) {
        *self.keeper.lock().unwrap() = Some(Keeper::start(self));
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.answers() {
            assert!(Instant::now() < deadline, "PostgreSQL does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        let mut ask = Command::new(program("pg_isready"));
        ask.args(["-q", "-p", &self.port.to_string(), "-h"]).arg(self.directory.path());
        ask.status().unwrap().success()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.crash();
    }
}

impl Keeper {
    fn start(server: &Server) -> Keeper {
        let directory = server.directory.path();
        let mut command = as_postgres(directory, &program("postgres"));
        command.arg("-D").arg(directory.join("data")).arg("-k").arg(directory);
        command.args(["-p", &server.port.to_string()]);
        let common = ["listen_addresses=", "fsync=off", "max_connections=200"];
        for setting in common.into_iter().chain(server.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let log = fs::File::options().create(true).append(true).open(directory.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let (stop, stopped) = mpsc::channel::<()>();
        let (started, pid) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut child: Child = command.spawn().unwrap();
            started.send(child.id()).unwrap();
            // Ends when the sender is dropped.
            let _ = stopped.recv();
            child.wait().unwrap();
        });
        let pid = Pid::from_raw(i32::try_from(pid.recv().unwrap()).unwrap()).unwrap();
        Keeper { stop, thread, pid }
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }
}

/// PostgreSQL refuses to run as root: then its own user runs it. `--pdeathsig` ends it with its keeper.
fn as_postgres(directory: &Path, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.current_dir(directory).args(["--pdeathsig", "SIGQUIT"]);
    if geteuid().is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]);
    }
    command.arg(program);
    command
}

fn give_to_postgres(path: &Path) {
    if geteuid().is_root() {
        let id = |flag: &str| {
            let output = Command::new("id").args([flag, "postgres"]).output().unwrap();
            text(&output).trim().parse::<u32>().ok()
        };
        chown(path, id("-u"), id("-g")).unwrap();
    }
}

/// A program of the newest PostgreSQL that is installed.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|v| v.path().join("bin").join(name)).collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| panic!("{name} is missing: `apt-get install postgresql` brings it"))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}
