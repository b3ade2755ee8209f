//! PostgreSQL: a few threads with a connection each, which come and go with the server.

mod claim;
mod connection;
mod error;
mod session;
mod settings;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::queue::{Jobs, Queue, queue};
use super::{Purpose, start_thread};
use crate::core::{Error, Result};
use claim::Claim;
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
    /// Of a coordinator.
    claim: Option<Claim>,
}

impl Engine {
    pub fn open(settings: &Settings, purpose: Purpose) -> Result<Engine> {
        let claim = claim::open(settings, purpose)?;
        let claim = (purpose == Purpose::Serve).then_some(claim);
        let server = Arc::new(Server::new(settings.clone())?);
        let (readers, read_jobs) = queue();
        let (writers, write_jobs) = queue();
        let commits = Arc::<AtomicU64>::default();
        for _ in 0..READERS {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            let session = Session::new(Arc::clone(&server), begin, None);
            spawn("database reader", session, read_jobs.clone(), Arc::default())?;
        }
        for _ in 0..WRITERS {
            let begin = "BEGIN ISOLATION LEVEL READ COMMITTED";
            let session = Session::new(Arc::clone(&server), begin, claim.clone());
            spawn("database writer", session, write_jobs.clone(), Arc::clone(&commits))?;
        }
        Ok(Engine { readers, writers, commits, claim })
    }

    /// Waits until another coordinator has taken the database.
    pub async fn lost(&self) -> Error {
        match &self.claim {
            Some(claim) => claim.lost().await,
            None => std::future::pending().await,
        }
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
    start_thread(name, body).map(drop)
}
