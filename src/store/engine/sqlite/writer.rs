//! The one thread that writes. It takes everything that waits, runs each piece in a savepoint of its own, and
//! commits them together: many writers at a time cost one sync, not one each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::Connection as _;
use super::super::queue::{Job, Jobs};
use super::connection::Connection;
use crate::core::{Error, Result};

/// How many pieces of work share a commit at most: bounds the wait of the first for the last.
const GROUP: usize = 128;

pub(super) struct Writer {
    connection: Connection,
    jobs: Jobs,
    commits: Arc<AtomicU64>,
}

/// A piece of work that ran, and waits for the commit to be answered.
type Done = (Box<dyn Job>, Result<()>);

impl Writer {
    pub fn new(connection: Connection, jobs: Jobs, commits: Arc<AtomicU64>) -> Self {
        Writer { connection, jobs, commits }
    }

    pub fn run(&mut self) {
        while let Some(first) = self.jobs.next() {
            let mut group = vec![first];
            group.extend(self.jobs.waiting(GROUP - 1));
            self.write(group);
        }
    }

    fn write(&mut self, group: Vec<Box<dyn Job>>) {
        let mut end = self.connection.execute("BEGIN IMMEDIATE", &[]).map(drop);
        let mut done: Vec<Done> = Vec::with_capacity(group.len());
        for mut job in group {
            let mut outcome = Ok(());
            if end.is_ok() {
                outcome = self.run_alone(&mut *job);
                if self.connection.is_outside() {
                    // The whole transaction is gone, and the work of all before with it.
                    end = outcome.and_then(|()| Err(Error::bug("a database job left its transaction")));
                    outcome = Ok(());
                }
            }
            done.push((job, outcome));
        }
        let end = end.and_then(|()| self.commit(&done));
        for (job, outcome) in done {
            // What failed by itself says why; the rest shares the fate of the commit.
            job.answer(outcome.and_then(|()| share(&end)));
        }
    }

    /// Runs one piece so that its failure undoes nothing of the others.
    fn run_alone(&mut self, job: &mut dyn Job) -> Result<()> {
        self.connection.execute("SAVEPOINT job", &[])?;
        let outcome = job.run(&mut self.connection);
        if self.connection.is_outside() {
            return outcome;
        }
        let closed = match outcome {
            Ok(()) => Ok(0),
            Err(_) => self.connection.execute("ROLLBACK TO job", &[]),
        }
        .and_then(|_| self.connection.execute("RELEASE job", &[]));
        if let Err(e) = closed {
            self.connection.leave();
            return Err(e);
        }
        outcome
    }

    fn commit(&mut self, done: &[Done]) -> Result<()> {
        if done.iter().all(|(_, outcome)| outcome.is_err()) {
            self.connection.leave();
            return Ok(());
        }
        let committed = self.connection.execute("COMMIT", &[]);
        self.connection.leave();
        committed.map(|_| {
            self.commits.fetch_add(1, Ordering::Relaxed);
        })
    }
}

/// The failure of a commit, once for each who must be told.
fn share(end: &Result<()>) -> Result<()> {
    match end {
        Ok(()) => Ok(()),
        Err(e) => Err(Error::new(e.kind(), e.code(), e.message()).hint(e.hint_text().unwrap_or_default())),
    }
}
