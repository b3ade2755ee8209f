//! Work on its way to a database thread: a bounded queue of closures, and the answer to each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

use super::{Connection, unavailable};
use crate::core::{Error, Result};

/// How many pieces of work may wait. More would only wait beyond their deadline.
const CAPACITY: usize = 1024;

/// One piece of work, its types erased.
pub(super) trait Job: Send {
    /// Runs the closure once, within a transaction that the caller has begun. A panic is an error.
    fn run(&mut self, connection: &mut dyn Connection) -> Result<()>;
    /// Tells the caller how it ended. `Ok` gives the closure's value, so it comes after the commit.
    fn answer(self: Box<Self>, end: Result<()>);
    /// Whether it is not worth starting: nobody waits any more, or the deadline is over.
    fn is_stale(&self) -> bool;
}

struct Call<F, T> {
    work: Option<F>,
    value: Option<T>,
    caller: oneshot::Sender<Result<T>>,
    deadline: Instant,
}

impl<F, T> Job for Call<F, T>
where
    F: FnOnce(&mut dyn Connection) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &mut dyn Connection) -> Result<()> {
        let work = self.work.take().ok_or_else(|| Error::bug("a database job was run twice"))?;
        let outcome = catch_unwind(AssertUnwindSafe(|| work(connection)));
        self.value = Some(outcome.unwrap_or_else(|_| Err(Error::bug("a database job panicked")))?);
        Ok(())
    }

    fn answer(self: Box<Self>, end: Result<()>) {
        let value = self.value.ok_or_else(|| Error::bug("a database job has no value"));
        // Nobody listens any more when the caller has gone away.
        let _ = self.caller.send(end.and(value));
    }

    fn is_stale(&self) -> bool {
        self.caller.is_closed() || Instant::now() > self.deadline
    }
}

/// The sending end of a queue.
pub(super) struct Queue(Option<SyncSender<Box<dyn Job>>>);

/// The receiving end, shared by the threads of a pool.
#[derive(Clone)]
pub(super) struct Jobs(Arc<Mutex<Receiver<Box<dyn Job>>>>);

pub(super) fn queue() -> (Queue, Jobs) {
    let (sender, receiver) = sync_channel(CAPACITY);
    (Queue(Some(sender)), Jobs(Arc::new(Mutex::new(receiver))))
}

impl Queue {
    /// Queues `work` and waits for its answer, at most `patience`.
    pub async fn submit<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&mut dyn Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let job = Call { work: Some(work), value: None, caller, deadline: Instant::now() + patience };
        self.push(Box::new(job))?;
        match tokio::time::timeout(patience, answer).await {
            Ok(answered) => {
                answered.unwrap_or_else(|_| Err(unavailable("the database did not start this work")))
            }
            Err(_) => Err(unavailable("the database does not answer; it may or may not have done this")),
        }
    }

    fn push(&self, job: Box<dyn Job>) -> Result<()> {
        let closed = || unavailable("the database is closed");
        self.0.as_ref().ok_or_else(closed)?.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => unavailable("too much work waits for the database"),
            TrySendError::Disconnected(_) => closed(),
        })
    }

    /// Takes no more work; what waits is still done.
    pub fn close(&mut self) {
        self.0 = None;
    }
}

impl Jobs {
    /// The next piece of work that somebody waits for; nothing when the store is closed.
    pub fn next(&self) -> Option<Box<dyn Job>> {
        let receiver = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.iter().find(|job| !job.is_stale())
    }

    /// Up to `limit` pieces that wait already.
    pub fn waiting(&self, limit: usize) -> Vec<Box<dyn Job>> {
        let receiver = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.try_iter().filter(|job| !job.is_stale()).take(limit).collect()
    }
}
