//! How somebody can log in: what counts as a way is decided here alone. Whoever takes one from an account (an
//! identity, a passkey) asks here first whether another one is left.

use super::app::App;
use super::factor::passkey;
use super::oidc::provider;
use crate::core::id::{PasskeyId, UserId};
use crate::core::{Error, Kind, Result};
use crate::store::Read;
use crate::store::factor::passkey as passkeys;
use crate::store::oidc::identity::{self, Identity};
use crate::store::user;

/// One way in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Way {
    Password,
    /// At a provider that is offered here.
    Identity(Identity),
    /// One that browsers may show here: it stands for both factors.
    Passkey(PasskeyId),
}

/// What somebody can log in with now.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways(Vec<Way>);

/// The ways of an account. Whoever goes on to take one away holds the account. Codes are no way by themselves: they
/// follow a password.
pub(super) fn of(read: &mut Read<'_>, app: &App, user: UserId) -> Result<Ways> {
    let mut ways = Vec::new();
    if app.settings().local_accounts && user::has_password(read, user)? {
        ways.push(Way::Password);
    }
    let offered = provider::offered(read, app.settings())?;
    let is_offered = |identity: &Identity| offered.iter().any(|p| p.issuer.as_str() == identity.issuer);
    ways.extend(identity::of_user(read, user)?.into_iter().filter(is_offered).map(Way::Identity));
    if passkey::site(app).is_some() {
        ways.extend(passkeys::of_user(read, user)?.into_iter().map(|own| Way::Passkey(own.id)));
    }
    Ok(Ways(ways))
}

impl Ways {
    /// Refuses to take the last one.
    pub(super) fn spare(&self, gone: &Way) -> Result<()> {
        match self.0.as_slice() {
            [last] if last == gone => Err(last_way_in()),
            _ => Ok(()),
        }
    }
}

fn last_way_in() -> Error {
    Error::new(Kind::Conflict, "last_way_in", "nothing else opens your account, so this stays")
        .hint("connect another provider or add a passkey first, or have whoever runs this coordinator give you a password")
}
