//! What every route holds: the application, and what `/readyz` asks.

use axum::extract::FromRequestParts;
use futures_util::future::BoxFuture;
use http::request::Parts;
use std::convert::Infallible;
use std::sync::Arc;

use crate::api;
use crate::core::Result;
use crate::core::id::RealmId;
use crate::core::url::BaseUrl;
use crate::service::app::App;

/// Asks one part of the coordinator whether it could serve now.
pub type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// What a route holds. Cheap to clone; a handler takes it as an argument.
#[derive(Clone)]
pub struct State {
    pub app: App,
    probes: Arc<[(&'static str, Probe)]>,
}

impl State {
    /// `probes`: what `/readyz` asks beside the database, by name.
    pub fn new(app: App, probes: Vec<(&'static str, Probe)>) -> Self {
        State { app, probes: probes.into() }
    }

    /// The URL that devices use.
    pub fn url(&self) -> &BaseUrl {
        &self.app.settings().url
    }

    pub fn probes(&self) -> &[(&'static str, Probe)] {
        &self.probes
    }

    /// A realm, as the API shows it.
    pub fn realm(&self, id: RealmId, label: &str) -> api::Realm {
        api::Realm { id, domain: self.app.settings().dns.domain_of(label) }
    }
}

impl FromRequestParts<State> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &State) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}
