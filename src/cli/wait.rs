//! From the command line, which is synchronous, into what is not. Called by `serve` and `user`.

use crate::core::{Error, Kind, Result};

/// Runs `work` to its end, on every core.
pub fn wait<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Error::new(Kind::Local, "no_threads", format!("this system gives no threads: {error}"))
            .hint("look at its limits (ulimit -u)")
            .source(error)
    })?;
    runtime.block_on(work)
}
