//! How often apps and devices may ask.

use super::client::Client;
use crate::core::Result;
use crate::core::allowance::Allowance;
use crate::core::id::{AppId, GrantId, UserId};
use crate::service::app::App;
use crate::service::audit::Origin;
use crate::service::limits::{give_back, network, take};

/// Before a client proves who it is.
pub(super) fn client(app: &App, origin: &Origin) -> Result<()> {
    take(app, Allowance::OauthClientAddress, network(origin))
}

/// It did.
pub(super) fn client_proved(app: &App, origin: &Origin) {
    give_back(app, Allowance::OauthClientAddress, network(origin));
}

/// A client asks for tokens, or ends some. Whoever shows the secret of an app is that app; for a public client
/// anybody may speak, so that each network counts for itself and nobody locks the others out.
pub(super) fn token(app: &App, client: &Client, origin: &Origin) -> Result<()> {
    match client {
        Client::App(row) if row.secret.is_some() => take(app, Allowance::TokenApp, row.id),
        Client::App(row) => take(app, Allowance::TokenApp, (Some(row.id), network(origin))),
        Client::CommandLine => take(app, Allowance::TokenApp, (None::<AppId>, network(origin))),
    }
}

pub(super) fn device(app: &App, origin: &Origin) -> Result<()> {
    take(app, Allowance::DeviceAddress, network(origin))
}

/// Before a code is looked up: it could be a guess.
pub(super) fn user_code(app: &App, user: UserId) -> Result<()> {
    take(app, Allowance::UserCodeAccount, user)
}

pub(super) fn user_code_known(app: &App, user: UserId) {
    give_back(app, Allowance::UserCodeAccount, user);
}

/// A platform's machine is given credentials, for a grant or for a person.
pub(in crate::service) fn join(app: &App, by: Option<GrantId>, user: UserId) -> Result<()> {
    take(app, Allowance::DeployerJoin, (by, user))
}
