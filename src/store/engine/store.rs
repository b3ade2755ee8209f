//! The store: opens a database, and runs closures against it.

use std::sync::Arc;
use std::time::Instant;

use super::{DatabaseUrl, Read, Tx, postgres, sqlite};
use crate::core::{Error, Result};
use crate::runtime::metrics::{Counted, Histogram};

/// Who opens the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The coordinator: at most one on a database at a time.
    Serve,
    /// A command of local administration, which works beside a running coordinator.
    Administer,
}

/// The database. Cheap to clone; it closes, and answers what it was given before, when the last clone goes.
#[derive(Clone)]
pub struct Store(Arc<Open>);

/// An open database, and how long work on it has taken.
struct Open {
    engine: Engine,
    reads: Histogram,
    writes: Histogram,
}

enum Engine {
    Sqlite(sqlite::Engine),
    Postgres(postgres::Engine),
}

impl Store {
    /// Opens the database and brings its schema up to date. Blocks for that long; call it before serving.
    /// A database that cannot be used (newer, corrupt, read-only, in use by another coordinator) is a
    /// `Kind::Local` error that names it, and is left as it was.
    pub fn open(url: &DatabaseUrl, purpose: Purpose) -> Result<Store> {
        let engine = match url {
            DatabaseUrl::Sqlite(path) => Engine::Sqlite(sqlite::Engine::open(path, purpose)?),
            DatabaseUrl::Postgres(settings) => Engine::Postgres(postgres::Engine::open(settings, purpose)?),
        };
        Ok(Store(Arc::new(Open { engine, reads: Histogram::default(), writes: Histogram::default() })))
    }

    /// Runs `work` on a consistent view of the database. `Kind::Unavailable` when the database is away or
    /// behind; the wait is bounded.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Read<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (queue, patience) = match &self.0.engine {
            Engine::Sqlite(engine) => (engine.readers(), sqlite::PATIENCE),
            Engine::Postgres(engine) => (engine.readers(), postgres::PATIENCE),
        };
        let started = Instant::now();
        let done = queue.submit(patience, |connection| work(&mut Read::new(connection))).await;
        self.0.reads.observe(started.elapsed());
        done
    }

    /// Runs `work` as one transaction. When this returns `Ok`, the change survives a power cut. When it
    /// returns `Kind::Unavailable`, the change may have happened all the same: the answer can be lost.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (queue, patience) = match &self.0.engine {
            Engine::Sqlite(engine) => (engine.writer(), sqlite::PATIENCE),
            Engine::Postgres(engine) => (engine.writers(), postgres::PATIENCE),
        };
        let transaction = |connection: &mut dyn super::Connection| {
            let mut tx = Tx::new(connection);
            let value = work(&mut tx)?;
            tx.check().map(|()| value)
        };
        let started = Instant::now();
        let done = queue.submit(patience, transaction).await;
        self.0.writes.observe(started.elapsed());
        done
    }

    /// Waits until another coordinator has taken the database, which may be when a server was away: this one must
    /// not go on. A SQLite file cannot be lost.
    pub async fn lost(&self) -> Error {
        match &self.0.engine {
            Engine::Sqlite(_) => std::future::pending().await,
            Engine::Postgres(engine) => engine.lost().await,
        }
    }

    /// How long reads and writes have taken, with their wait for the database.
    pub fn times(&self) -> (Counted, Counted) {
        (self.0.reads.read(), self.0.writes.read())
    }

    /// How many commits the engine has made since it was opened. Fewer than the writes, where SQLite
    /// grouped them.
    pub fn commits(&self) -> u64 {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.commits(),
            Engine::Postgres(engine) => engine.commits(),
        }
    }
}
