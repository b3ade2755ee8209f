//! The life of a server: accepts until a signal, then lets what it began come to an end.

use axum::Router;
use axum::middleware::from_fn;
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tower_http::catch_panic::CatchPanicLayer;

use super::listen::Listener;
use super::pages::trouble;
use super::request;
use super::tls::Certificate;
use crate::core::{Error, Kind, Result};
use crate::runtime::Supervisor;

/// How long requests have to come to an end. With [`LAST`] no more than containers are given to stop by themselves.
const DRAIN: Duration = Duration::from_secs(6);
/// How long sessions and background tasks have after that: they write what is not written yet.
const LAST: Duration = Duration::from_secs(4);

/// Everything that runs between the ready line and the end.
pub struct Frame {
    pub listener: Listener,
    pub router: Router,
    /// To be read again on SIGHUP.
    pub certificate: Option<Certificate>,
    /// Sessions of devices, relay, sweepers: they stop when no request is under way any more.
    pub tasks: Supervisor,
    /// Why this coordinator may not go on, once it may not.
    pub lost: BoxFuture<'static, Error>,
}

/// Puts around all routes what every request meets.
pub fn dress(routes: Router) -> Router {
    routes
        .fallback(request::no_route)
        .method_not_allowed_fallback(request::no_method)
        .layer(CatchPanicLayer::custom(request::panicked))
        .layer(from_fn(trouble::for_browsers))
        .layer(from_fn(request::trace))
}

impl Frame {
    /// Serves until SIGTERM or SIGINT, and drains. A second signal ends it at once. Fails when it has to stop by
    /// itself.
    pub async fn run(self, mut signals: Signals) -> Result<()> {
        let connections = Supervisor::new();
        connections.spawn("listener", self.listener.serve(self.router, connections.clone()));
        let ended = tokio::select! {
            () = signals.stop(self.certificate.as_ref()) => Ok(()),
            lost = self.lost => Err(lost),
        };
        tracing::info!(
            "stopping: requests under way have {} s; another signal ends it at once",
            DRAIN.as_secs()
        );
        tokio::select! {
            () = drain(&connections, &self.tasks) => tracing::info!("stopped"),
            () = signals.stop(None) => tracing::warn!("stopped at once: what was under way is cut off"),
        }
        ended
    }
}

/// Ends what `connections` look after, and then what `tasks` do.
pub async fn drain(connections: &Supervisor, tasks: &Supervisor) {
    connections.stop();
    let quiet = connections.drained(DRAIN).await;
    tasks.stop();
    if !(tasks.drained(LAST).await && quiet) {
        tracing::warn!("some requests or tasks did not come to an end in time");
    }
}

/// The signals that the coordinator listens to. Made before the ready line, so that none is missed.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub fn listen() -> Result<Self> {
        let listen = |kind: SignalKind| {
            signal(kind).map_err(|e| {
                Error::new(Kind::Local, "no_signals", "the system gives no signals to this process").source(e)
            })
        };
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal to stop; a SIGHUP before it reads the certificate again.
    async fn stop(&mut self, certificate: Option<&Certificate>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => reload(certificate),
            }
        }
    }
}

fn reload(certificate: Option<&Certificate>) {
    match certificate.map(Certificate::reload) {
        Some(Ok(())) => tracing::info!("the certificate was read again"),
        Some(Err(e)) => tracing::error!(hint = e.hint_text(), "the old certificate stays: {e}"),
        None => tracing::info!("SIGHUP: there is no certificate to read again"),
    }
}
