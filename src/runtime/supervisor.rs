//! Tasks that are looked after: a panic is logged with the task's name and ends that task alone; at
//! shutdown every task is told to stop, and waited for.

use futures_util::FutureExt as _;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Spawns tasks and ends them. Cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    stop: watch::Sender<bool>,
    running: Arc<Running>,
}

#[derive(Default)]
struct Running {
    count: AtomicUsize,
    idle: Notify,
}

/// Resolves when the process shuts down. Cheap to clone.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits for the shutdown.
    pub async fn wait(&mut self) {
        // An error means that the supervisor itself is gone, which is a shutdown too.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }

    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Supervisor { stop: watch::Sender::new(false), running: Arc::default() }
    }
}

impl Supervisor {
    pub fn new() -> Self {
        Self::default()
    }

    /// The signal to stop, for a task's own `select!`.
    pub fn stop_signal(&self) -> Stop {
        Stop(self.stop.subscribe())
    }

    /// Runs `task` until it ends. Whoever spawns a task that can wait for ever gives it [`Supervisor::stop_signal`].
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let running = Arc::clone(&self.running);
        running.count.fetch_add(1, Ordering::Relaxed);
        // Boxed, a task takes its own size once; handed on by value, the compiler keeps room for each hand.
        let task = Box::pin(AssertUnwindSafe(task).catch_unwind());
        #[expect(clippy::disallowed_methods, reason = "this is the supervisor")]
        tokio::spawn(async move {
            if task.await.is_err() {
                tracing::error!(task = name, "a task panicked; the others go on");
            }
            if running.count.fetch_sub(1, Ordering::AcqRel) == 1 {
                running.idle.notify_waiters();
            }
        });
    }

    /// Tells every task to stop.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until no task runs, at most `limit`; tells whether all have ended.
    pub async fn drained(&self, limit: Duration) -> bool {
        let wait = async {
            loop {
                let idle = self.running.idle.notified();
                if self.running.count.load(Ordering::Acquire) == 0 {
                    return;
                }
                idle.await;
            }
        };
        tokio::time::timeout(limit, wait).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_own_task_alone() {
        let supervisor = Supervisor::new();
        let mut stop = supervisor.stop_signal();
        supervisor.spawn("breaks", async { panic!("on purpose") });
        supervisor.spawn("waits", async move { stop.wait().await });
        assert!(!supervisor.drained(Duration::from_millis(50)).await);
        supervisor.stop();
        assert!(supervisor.drained(Duration::from_secs(5)).await);
    }
}
