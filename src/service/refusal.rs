//! What was not allowed, in the audit trail: log-ins, rights, tokens, keys. Bounded, so that nobody fills the disk
//! with refusals: those for which there is no room are counted, and the next one that is written says how
//! many there were.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::app::App;
use super::audit::{self, Actor, Change};
use super::limits::network;
use crate::auth::limit::Limit;
use crate::core::action::Action;
use crate::core::{Error, Kind, Result};

/// What one coordinator writes of refusals.
pub struct Refusals {
    /// By action and network: a source that knocks on and on is written now and then.
    source: Limit,
    /// All together: about 3,000 a day, a megabyte.
    all: Limit,
    unwritten: AtomicI64,
}

impl Default for Refusals {
    fn default() -> Self {
        Refusals {
            source: Limit::new(20, Duration::from_secs(60)),
            all: Limit::new(1_000, Duration::from_secs(30)),
            unwritten: AtomicI64::new(0),
        }
    }
}

/// Writes that `change` was refused to `actor`, if the failure is a refusal and there is room. The caller's own
/// answer does not depend on it.
pub async fn write(app: &App, actor: Actor, change: Change, failure: &Error) {
    if matches!(failure.kind(), Kind::Denied | Kind::Unauthenticated | Kind::RateLimited) {
        put(app, actor, change, failure).await;
    }
}

/// The same where whatever failed counts, unless it was this coordinator: a provider that is away turns people
/// away too.
pub async fn write_failure(app: &App, actor: Actor, change: Change, failure: &Error) {
    if !matches!(failure.kind(), Kind::Bug | Kind::Local) {
        put(app, actor, change, failure).await;
    }
}

async fn put(app: &App, actor: Actor, change: Change, failure: &Error) {
    app.metrics().refusal(change.action().as_str());
    let refusals = app.refusals();
    let (source, now) = ((change.action(), network(actor.origin())), app.now());
    if refusals.source.take(source, now).and_then(|()| refusals.all.take((), now)).is_err() {
        refusals.unwritten.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let unwritten = refusals.unwritten.swap(0, Ordering::Relaxed);
    let mut event = audit::event(now, actor, change);
    (event.refused, event.unwritten) = (Some(failure.code().to_owned()), unwritten);
    if let Err(e) = app.store().write(move |tx| crate::store::audit::insert(tx, &event)).await {
        refusals.unwritten.fetch_add(unwritten + 1, Ordering::Relaxed);
        tracing::warn!("a refusal was not written down: {e}");
    }
}

/// Passes an outcome on, and writes it down where it is a refusal.
pub async fn note<T>(
    app: &App,
    actor: impl FnOnce() -> Actor,
    action: Action,
    what: &str,
    outcome: Result<T>,
) -> Result<T> {
    if let Err(failure) = &outcome {
        write(app, actor(), Change::nameless(action, what), failure).await;
    }
    outcome
}
