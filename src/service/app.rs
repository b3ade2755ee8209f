//! What every use case needs: the database, the time, and the settings. Made once at start; `server` and the
//! commands of local administration hold it.

use std::sync::Arc;

use super::join::JoinLimit;
use super::log_in_limits::LogInLimits;
use crate::auth::password::Passwords;
use crate::config::server::Dns;
use crate::core::url::BaseUrl;
use crate::core::{Result, Timestamp};
use crate::runtime::{Clock, Supervisor};
use crate::store::{DatabaseUrl, Purpose, Store};

/// What the configuration says to the use cases.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people and devices reach this coordinator.
    pub url: BaseUrl,
    pub dns: Dns,
}

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    store: Store,
    clock: Clock,
    supervisor: Supervisor,
    settings: Settings,
    passwords: Passwords,
    log_in_limits: LogInLimits,
    join_limit: JoinLimit,
}

impl App {
    pub fn new(store: Store, clock: Clock, supervisor: Supervisor, settings: Settings) -> Self {
        let (passwords, log_in_limits) = (Passwords::default(), LogInLimits::default());
        let join_limit = JoinLimit::default();
        App(Arc::new(Parts { store, clock, supervisor, settings, passwords, log_in_limits, join_limit }))
    }

    /// For a command on the coordinator's host, beside a running coordinator or without one.
    pub fn local(database: &DatabaseUrl) -> Result<Self> {
        let store = Store::open(database, Purpose::Administer)?;
        // Nothing that such a command makes names the coordinator.
        let settings = Settings { url: "http://localhost".parse()?, dns: Dns::default() };
        Ok(App::new(store, Clock::system(), Supervisor::new(), settings))
    }

    pub fn store(&self) -> &Store {
        &self.0.store
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

    pub(super) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(super) fn join_limit(&self) -> &JoinLimit {
        &self.0.join_limit
    }

    pub(super) fn log_in_limits(&self) -> &LogInLimits {
        &self.0.log_in_limits
    }
}
