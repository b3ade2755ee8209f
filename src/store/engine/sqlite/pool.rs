//! Threads that work for one queue, each with a connection of its own.

use std::thread::JoinHandle;

use super::super::queue::{Jobs, Queue, queue};
use super::super::start_thread;
use super::connection::Connection;
use crate::core::Result;

pub(super) struct Pool {
    queue: Queue,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// A thread for each connection; `name` is what the system calls them. They alone take from the queue: when all have
    /// ended it is closed.
    pub fn start(
        name: &str,
        connections: Vec<Connection>,
        work: impl FnOnce(Connection, Jobs) + Clone + Send + 'static,
    ) -> Result<Pool> {
        let (queue, jobs) = queue();
        let mut pool = Pool { queue, threads: Vec::new() };
        for connection in connections {
            let (work, jobs) = (work.clone(), jobs.clone());
            pool.threads.push(start_thread(name, move || work(connection, jobs))?);
        }
        Ok(pool)
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
