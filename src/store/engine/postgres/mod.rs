//! PostgreSQL: a few threads with a connection each, which come and go with the server.

mod connection;
mod error;
mod session;
mod settings;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::queue::{Jobs, Queue, queue};
use super::unavailable;
use crate::core::{Error, Result};
use crate::store::migrate;
use session::{Server, Session};

pub use settings::Settings;

/// How long a caller waits for its answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long opening may take, with a schema that is up to date.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);

const MIGRATION_PATIENCE: Duration = Duration::from_secs(600);

const READERS: usize = 4;
const WRITERS: usize = 8;

/// The threads of one database. They end when it is dropped.
pub(super) struct Engine {
    readers: Queue,
    writers: Queue,
    commits: Arc<AtomicU64>,
}

impl Engine {
    pub fn open(settings: &Settings) -> Result<Engine> {
        let server = Arc::new(Server::new(settings.clone())?);
        prepare(&server)?;
        let (readers, read_jobs) = queue();
        let (writers, write_jobs) = queue();
        let commits = Arc::<AtomicU64>::default();
        for _ in 0..READERS {
            let session =
                Session::new(Arc::clone(&server), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
            spawn("database reader", session, read_jobs.clone(), Arc::default())?;
        }
        for _ in 0..WRITERS {
            let session = Session::new(Arc::clone(&server), "BEGIN ISOLATION LEVEL READ COMMITTED");
            spawn("database writer", session, write_jobs.clone(), Arc::clone(&commits))?;
        }
        Ok(Engine { readers, writers, commits })
    }

    pub fn readers(&self) -> &Queue {
        &self.readers
    }

    pub fn writers(&self) -> &Queue {
        &self.writers
    }

    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

fn spawn(name: &str, mut session: Session, jobs: Jobs, commits: Arc<AtomicU64>) -> Result<()> {
    let body = move || {
        while let Some(mut job) = jobs.next() {
            let end = session.run(&mut *job);
            if end.is_ok() {
                commits.fetch_add(1, Ordering::Relaxed);
            }
            job.answer(end);
        }
    };
    let spawned = std::thread::Builder::new().name(name.into()).spawn(body);
    spawned.map(drop).map_err(|e| Error::bug("the system gives no thread").source(e))
}

/// Connects once, and migrates if need be.
fn prepare(server: &Arc<Server>) -> Result<()> {
    let looker = Arc::clone(server);
    let behind = on_thread(OPEN_PATIENCE, move || {
        let mut client = looker.connect()?;
        migrate::postgres_is_behind(&mut client, &looker.to_string())
    })?;
    let migrator = Arc::clone(server);
    match behind {
        true => on_thread(MIGRATION_PATIENCE, move || migrator.migrate()),
        false => Ok(()),
    }
}

/// Runs `work` off the async threads, which the client must not block, and waits at most `patience`: a
/// server that accepts and then says nothing must not keep the caller.
fn on_thread<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, answer) = mpsc::channel();
    // Nobody listens any more when the caller's patience is over.
    let body = move || drop(sender.send(work()));
    let spawned = std::thread::Builder::new().name("database opener".into()).spawn(body);
    spawned.map_err(|e| Error::bug("the system gives no thread").source(e))?;
    answer.recv_timeout(patience).unwrap_or_else(|_| Err(unavailable("the database does not answer")))
}
