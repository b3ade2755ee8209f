//! SQLite: one thread that writes, a few that read, all off the async threads.

mod connection;
mod error;
mod open;
mod pool;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::lock::Lock;
use super::queue::{Jobs, Queue};
use super::{Connection as _, Purpose};
use crate::core::Result;
use connection::Connection;
use pool::Pool;
use writer::Writer;

pub(in crate::store) use error::on_open;
pub(super) use error::unusable_path;

/// How long a caller waits for its answer. A slow SD card can take seconds for one sync.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// The threads of one open database file.
///
/// They end in the order of the fields. The writer's connection is the last to close: of two that close at the same
/// moment each takes the other for one that goes on, and the write-ahead log stays beside the file.
pub(super) struct Engine {
    readers: Pool,
    writer: Pool,
    commits: Arc<AtomicU64>,
    /// Held while a coordinator runs; free when the file is closed.
    _lock: Option<Lock>,
}

impl Engine {
    pub fn open(path: &Path, purpose: Purpose) -> Result<Engine> {
        let (connection, lock) = open::open(path, purpose)?;
        let commits = Arc::default();
        let counted = Arc::clone(&commits);
        let reading = (0..reader_count(purpose)).map(|_| open::reader(path)).collect::<Result<_>>()?;
        let readers =
            Pool::start("database reader", reading, |connection, jobs| read_loop(connection, &jobs))?;
        let write = |connection, jobs| Writer::new(connection, jobs, counted).run();
        let writer = Pool::start("database writer", vec![connection], write)?;
        Ok(Engine { readers, writer, commits, _lock: lock })
    }

    pub fn readers(&self) -> &Queue {
        self.readers.queue()
    }

    pub fn writer(&self) -> &Queue {
        self.writer.queue()
    }

    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

fn reader_count(purpose: Purpose) -> usize {
    match purpose {
        Purpose::Administer => 1,
        Purpose::Serve => std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4)),
    }
}

/// One reader: each piece of work sees one snapshot.
fn read_loop(mut connection: Connection, jobs: &Jobs) {
    while let Some(mut job) = jobs.next() {
        let begun = connection.execute("BEGIN", &[]);
        let ran = begun.and_then(|_| job.run(&mut connection));
        connection.leave();
        job.answer(ran);
    }
}
