//! Threads that work for one queue, each with a connection of its own.

use std::thread::JoinHandle;

use super::super::queue::{Jobs, Queue, queue};
use crate::core::{Error, Result};

pub(super) struct Pool {
    name: &'static str,
    queue: Queue,
    jobs: Jobs,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Without a thread yet. `name` is what the system calls them.
    pub fn new(name: &'static str) -> Self {
        let (queue, jobs) = queue();
        Pool { name, queue, jobs, threads: Vec::new() }
    }

    pub fn add(&mut self, body: impl FnOnce(Jobs) + Send + 'static) -> Result<()> {
        let jobs = self.jobs.clone();
        let spawned = std::thread::Builder::new().name(self.name.into()).spawn(move || body(jobs));
        let thread = spawned.map_err(|e| Error::bug("the system gives no thread").source(e))?;
        self.threads.push(thread);
        Ok(())
    }

    pub fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl Drop for Pool {
    /// Waits for the threads, so that their connections are closed when this returns.
    fn drop(&mut self) {
        self.queue.close();
        let here = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|t| t.thread().id() != here) {
            // A thread that panicked has ended, which is all that is asked here.
            let _ = thread.join();
        }
    }
}
