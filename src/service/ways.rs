//! How somebody can log in: what counts as a way is decided here alone. Whoever takes one from an account (an
//! identity, a passkey) asks here first whether another one is left.

use super::app::Settings;
use super::oidc::provider;
use crate::core::id::UserId;
use crate::core::{Error, Kind, Result};
use crate::store::Read;
use crate::store::oidc::identity::{self, Identity};
use crate::store::user;

/// What somebody can log in with now.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    pub password: bool,
    /// At providers that are offered here.
    pub identities: Vec<Identity>,
}

/// The ways of an account. Whoever goes on to take one away holds the account.
pub(super) fn of(read: &mut Read<'_>, settings: &Settings, user: UserId) -> Result<Ways> {
    let offered = provider::offered(read, settings)?;
    let is_offered = |identity: &Identity| offered.iter().any(|p| p.issuer.as_str() == identity.issuer);
    let mut identities = identity::of_user(read, user)?;
    identities.retain(is_offered);
    Ok(Ways { password: settings.local_accounts && user::has_password(read, user)?, identities })
}

impl Ways {
    /// Refuses to take the last one.
    pub(super) fn spare(&self, gone: &Identity) -> Result<()> {
        let another = self.password || self.identities.iter().any(|other| other != gone);
        match another || !self.identities.contains(gone) {
            true => Ok(()),
            false => Err(last()),
        }
    }
}

fn last() -> Error {
    Error::new(Kind::Conflict, "last_way_in", "nothing else opens your account, so this stays")
        .hint("connect another provider first, or have whoever runs this coordinator give you a password")
}
