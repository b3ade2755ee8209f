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

use std::time::Duration;

use crate::config::server::Settings;
use crate::core::Result;
use crate::runtime::{Clock, memory};
use crate::service::app::App;
use crate::service::chain;

/// How long the last links of the audit trail may take.
const LAST_LINKS: Duration = Duration::from_secs(2);

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
    started.frame.run(signals).await?;
    link_the_last(&started.app).await;
    Ok(())
}

/// What was done last has its link in the audit trail before the coordinator is gone; where that cannot be now, its next
/// start makes it.
async fn link_the_last(app: &App) {
    match tokio::time::timeout(LAST_LINKS, chain::link(app)).await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::warn!(code = e.code(), "the newest events have no link yet: {e}"),
        Err(_) => tracing::warn!("the newest events have no link yet: the database takes too long"),
    }
}
