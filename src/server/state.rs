//! What every route holds: the application, and where this coordinator is to be found.

use axum::extract::FromRequestParts;
use futures_util::future::BoxFuture;
use http::request::Parts;
use std::convert::Infallible;
use std::sync::Arc;

use crate::api;
use crate::config::server::Dns;
use crate::core::Result;
use crate::core::id::RealmId;
use crate::core::url::BaseUrl;
use crate::service::app::App;

/// Asks one part whether it could serve now.
pub type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// What a route holds. Cheap to clone; a handler takes it as an argument.
#[derive(Clone)]
pub struct State {
    pub app: App,
    site: Arc<Site>,
}

/// Where this coordinator is to be found, and what it consists of.
pub struct Site {
    /// The URL that devices use.
    pub url: BaseUrl,
    pub dns: Dns,
    /// What `/readyz` asks beside the database, by name.
    pub probes: Vec<(&'static str, Probe)>,
}

impl State {
    pub fn new(app: App, site: Site) -> Self {
        State { app, site: Arc::new(site) }
    }

    pub fn url(&self) -> &BaseUrl {
        &self.site.url
    }

    pub fn probes(&self) -> &[(&'static str, Probe)] {
        &self.site.probes
    }

    /// A realm, as the API shows it.
    pub fn realm(&self, id: RealmId, label: &str) -> api::Realm {
        api::Realm { id, domain: format!("{label}.{}", self.site.dns.base_domain) }
    }
}

impl FromRequestParts<State> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &State) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}
