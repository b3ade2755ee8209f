//! What every use case needs: the database, the time, and the settings. Made once at start; `server` and the
//! commands of local administration hold it.

use ipnet::IpNet;
use std::sync::Arc;
use std::time::Duration;

use super::limits::Limits;
use super::mail::Mailer;
use super::mesh::Mesh;
use super::oidc::Oidc;
use super::refusal::Refusals;
use crate::auth::password::Passwords;
use crate::auth::stamp::StampKey;
use crate::auth::vault::Vault;
use crate::config::server::{Dns, Limits as Rates};
use crate::core::provider::Configured;
use crate::core::url::BaseUrl;
use crate::core::{Result, Timestamp};
use crate::mesh::native::realm as mesh_realm;
use crate::mesh::native::wire::RelayMaps;
use crate::runtime::metrics::Metrics;
use crate::runtime::{Clock, Supervisor};
use crate::store::{DatabaseUrl, Purpose, Store};

/// What the configuration says to the use cases.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people and devices reach this coordinator.
    pub url: BaseUrl,
    pub dns: Dns,
    pub relays: RelayMaps,
    /// How long an ephemeral node may be away before it is deleted.
    pub ephemeral_grace: Duration,
    /// How long events of the audit trail are kept; none: for ever.
    pub audit_retention: Option<Duration>,
    /// For the stamps on the audit chain; none: nobody stamps it here.
    pub stamp_key: Option<StampKey>,
    pub limits: Rates,
    /// `None`: this coordinator sends no mail.
    pub mailer: Option<Mailer>,
    /// Where people log in elsewhere, by the settings file.
    pub providers: Vec<Configured>,
    /// Where providers that were added on a page may be, beside the Internet.
    pub provider_networks: Vec<IpNet>,
    /// Whether people log in with passwords that are kept here.
    pub local_accounts: bool,
    /// For what is sealed and must be read back; none: nothing of that is needed here.
    pub master: Option<Arc<Vault>>,
}

impl Settings {
    /// For a coordinator without a relay, at this URL, with the default of everything else.
    pub fn at(url: BaseUrl) -> Self {
        let ephemeral_grace = Duration::from_secs(120);
        Settings {
            url,
            dns: Dns::default(),
            relays: RelayMaps::none(),
            ephemeral_grace,
            audit_retention: None,
            stamp_key: None,
            limits: Rates::default(),
            mailer: None,
            providers: Vec::new(),
            provider_networks: Vec::new(),
            local_accounts: true,
            master: None,
        }
    }

    fn mesh(&self) -> mesh_realm::Settings {
        mesh_realm::Settings {
            dns: self.dns.clone(),
            relays: self.relays.clone(),
            offline_grace: OFFLINE_GRACE,
            ephemeral_grace: self.ephemeral_grace,
        }
    }
}

/// How long a device may be away before its peers are told: a reconnect is no news.
const OFFLINE_GRACE: Duration = Duration::from_secs(5);

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    store: Store,
    clock: Clock,
    supervisor: Supervisor,
    settings: Settings,
    passwords: Passwords,
    limits: Limits,
    refusals: Refusals,
    metrics: Metrics,
    oidc: Oidc,
    mesh: Mesh,
}

impl App {
    pub fn new(store: Store, clock: Clock, supervisor: Supervisor, settings: Settings) -> Self {
        let (passwords, limits) = (Passwords::default(), Limits::new(&settings.limits));
        let oidc = Oidc::new(&settings.provider_networks);
        let mesh = Mesh::new(&store, &settings.url, settings.mesh(), clock.clone(), supervisor.clone());
        App(Arc::new(Parts {
            store,
            clock,
            supervisor,
            settings,
            passwords,
            limits,
            refusals: Refusals::default(),
            metrics: Metrics::default(),
            oidc,
            mesh,
        }))
    }

    /// For a command on the coordinator's host, beside a running coordinator or without one.
    pub fn local(database: &DatabaseUrl) -> Result<Self> {
        let store = Store::open(database, Purpose::Administer)?;
        App::local_with(store, None)
    }

    /// The same for a command that seals what it keeps.
    pub fn local_with(store: Store, master: Option<Arc<Vault>>) -> Result<Self> {
        // Nothing that such a command makes names the coordinator.
        let settings = Settings { master, ..Settings::at("http://localhost".parse()?) };
        Ok(App::new(store, Clock::system(), Supervisor::new(), settings))
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub fn supervisor(&self) -> &Supervisor {
        &self.0.supervisor
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn mesh(&self) -> &Mesh {
        &self.0.mesh
    }

    pub(super) fn oidc(&self) -> &Oidc {
        &self.0.oidc
    }

    pub(super) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(super) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }
}
