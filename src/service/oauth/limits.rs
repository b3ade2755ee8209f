//! How often apps and devices may ask.

use std::time::Duration;

use crate::auth::limit::Limit;
use crate::core::id::{AppId, GrantId, UserId};
use crate::core::{Result, Timestamp};
use crate::service::audit::Origin;
use crate::service::log_in_limits::network;

/// The limits of one coordinator.
pub struct OauthLimits {
    /// Clients that did not prove who they are, by address.
    clients: Limit,
    /// Tokens that one app is given.
    tokens: Limit,
    /// Device grants that one address begins.
    devices: Limit,
    /// Codes that one person types.
    user_codes: Limit,
    /// Joins that one grant makes.
    joins: Limit,
}

impl Default for OauthLimits {
    fn default() -> Self {
        OauthLimits {
            clients: Limit::new(60, Duration::from_secs(2)),
            tokens: Limit::new(600, Duration::from_millis(200)),
            devices: Limit::new(30, Duration::from_secs(20)),
            user_codes: Limit::new(10, Duration::from_secs(30)),
            joins: Limit::new(30, Duration::from_secs(20)),
        }
    }
}

impl OauthLimits {
    /// Before a client proves who it is.
    pub(super) fn client(&self, origin: &Origin, now: Timestamp) -> Result<()> {
        self.clients.take(network(origin), now)
    }

    /// It did.
    pub(super) fn client_proved(&self, origin: &Origin) {
        self.clients.give_back(network(origin));
    }

    pub(super) fn token(&self, app: AppId, now: Timestamp) -> Result<()> {
        self.tokens.take(app, now)
    }

    pub(super) fn device(&self, origin: &Origin, now: Timestamp) -> Result<()> {
        self.devices.take(network(origin), now)
    }

    /// Before a code is looked up: it could be a guess.
    pub(super) fn user_code(&self, user: UserId, now: Timestamp) -> Result<()> {
        self.user_codes.take(user, now)
    }

    pub(super) fn user_code_known(&self, user: UserId) {
        self.user_codes.give_back(user);
    }

    pub(in crate::service) fn join(&self, by: Option<GrantId>, user: UserId, now: Timestamp) -> Result<()> {
        self.joins.take((by, user), now)
    }
}
