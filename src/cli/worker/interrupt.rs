//! Work that a person may break off, when something has to be put back then. Called by `join`.

use tokio::signal::unix::{SignalKind, signal};

use crate::core::{Error, Kind, Result};

/// Runs `work`; none where SIGINT, SIGTERM or SIGHUP came before it was done. It then goes on by itself until
/// the process ends, which is to be soon.
pub fn unless_interrupted<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<Option<T>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(local)?;
    let outcome = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(local)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(local)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(local)?;
        let work = tokio::task::spawn_blocking(work);
        tokio::select! {
            done = work => done.map(Some).map_err(|error| Error::bug("a join ended in a panic").source(error)),
            _ = interrupt.recv() => Ok(None),
            _ = terminate.recv() => Ok(None),
            _ = hang_up.recv() => Ok(None),
        }
    });
    runtime.shutdown_background();
    outcome
}

fn local(error: std::io::Error) -> Error {
    Error::new(Kind::Local, "no_signals", format!("this system gives no signals: {error}")).source(error)
}
