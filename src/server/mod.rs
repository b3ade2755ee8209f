//! The coordinator over HTTP. Extracts, checks authority, calls `service`, answers; no SQL, no rules.
//! `cli` calls [`serve`]; the rest is public for the stories that are told about it.

mod backchannel;
mod chores;
pub mod control;
mod crowd;
pub mod extract;
mod forwarded;
pub mod frame;
pub mod listen;
pub mod log;
mod metrics;
pub mod oauth;
pub mod pages;
pub mod problem;
mod read_ahead;
pub mod ready;
mod relay;
mod relay_maps;
pub mod request;
pub mod routes;
pub mod socket;
pub mod start;
pub mod state;
pub mod tls;

#[cfg(test)]
mod stories;

use crate::config::server::Settings;
use crate::core::Result;
use crate::runtime::{Clock, memory};

/// Runs a coordinator until SIGTERM or SIGINT. `announce` is called once, when it can be reached.
pub async fn serve(settings: Settings, announce: impl FnOnce(&ready::Ready) -> Result<()>) -> Result<()> {
    memory::set_up();
    let signals = frame::Signals::listen()?;
    let started = start::start(settings, Clock::system()).await?;
    let url = &started.ready.url;
    if !url.is_dependable() {
        tracing::warn!(%url, "devices leave plain http at a name or public address for https on port 443: use https");
    }
    announce(&started.ready)?;
    memory::give_back();
    started.frame.run(signals).await
}
