//! SQLite: one thread that writes, a few that read, all off the async threads.

mod connection;
mod error;
mod open;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::lock::Lock;
use super::queue::{Jobs, Queue, queue};
use super::{Connection as _, Purpose};
use crate::core::{Error, Result};
use connection::Connection;

pub(in crate::store) use error::on_open;
pub(super) use error::unusable_path;

/// How long a caller waits for its answer. A slow SD card can take seconds for one sync.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// The threads of one open database file.
pub(super) struct Engine {
    readers: Queue,
    writer: Queue,
    threads: Vec<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
    /// Held while a coordinator runs; dropped after the threads have ended.
    _lock: Option<Lock>,
}

impl Engine {
    pub fn open(path: &Path, purpose: Purpose) -> Result<Engine> {
        let (connection, lock) = open::open(path, purpose)?;
        let (writer, write_jobs) = queue();
        let (readers, read_jobs) = queue();
        let mut engine =
            Engine { readers, writer, threads: Vec::new(), commits: Arc::default(), _lock: lock };
        for _ in 0..reader_count(purpose) {
            let (connection, jobs) = (open::reader(path)?, read_jobs.clone());
            engine.spawn("database reader", move || read_loop(connection, &jobs))?;
        }
        let mut writer = writer::Writer::new(connection, write_jobs, Arc::clone(&engine.commits));
        engine.spawn("database writer", move || writer.run())?;
        Ok(engine)
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
        let spawned = std::thread::Builder::new().name(name.into()).spawn(body);
        let thread = spawned.map_err(|e| Error::bug("the system gives no thread").source(e))?;
        self.threads.push(thread);
        Ok(())
    }

    pub fn readers(&self) -> &Queue {
        &self.readers
    }

    pub fn writer(&self) -> &Queue {
        &self.writer
    }

    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

impl Drop for Engine {
    /// Waits for the threads, so that the file is closed and its lock free when this returns.
    fn drop(&mut self) {
        self.readers.close();
        self.writer.close();
        let here = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|t| t.thread().id() != here) {
            // A thread that panicked has ended, which is all that is asked here.
            let _ = thread.join();
        }
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
