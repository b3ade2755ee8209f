//! What accounts have beside a password: codes by time ([`totp`]), passkeys ([`passkey`]), recovery codes ([`recovery`]). [`code`] judges
//! what somebody types, [`half`] holds a log-in until its second factor is there, [`proof`] makes sure that whoever
//! changes any of this has just shown who they are. Who logs in at a provider is not asked: that is its business.

pub(super) mod code;
pub mod half;
pub mod passkey;
pub mod proof;
pub mod recovery;
pub mod totp;

use std::time::Duration;

use self::proof::Proven;
use super::app::App;
use super::audit::{self, Actor, Change};
use crate::core::action::Action;
use crate::core::id::UserId;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::factor::passkey::Passkey;
use crate::store::factor::totp::Totp;
use crate::store::factor::{challenge, half_log_in, passkey as passkeys, recovery_code, totp as totps};
use crate::store::user::User;
use crate::store::{Read, Tx, sealed_secret, session, user};

/// How long codes by time that nobody confirms are kept.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);
/// How many of them are forgotten at a time.
const MOST_AT_ONCE: i64 = 500;

/// What an account has beside its password.
#[derive(Clone, Debug)]
pub struct Factors {
    /// Codes by time that count.
    pub totp: Option<Totp>,
    pub passkeys: Vec<Passkey>,
    /// Recovery codes that are left.
    pub codes_left: i64,
}

impl Factors {
    pub(super) fn of(read: &mut Read<'_>, user: UserId) -> Result<Self> {
        let totp = totps::of_user(read, user)?.filter(|totp| totp.confirmed_at.is_some());
        let passkeys = passkeys::of_user(read, user)?;
        Ok(Factors { totp, passkeys, codes_left: recovery_code::left(read, user)? })
    }

    /// Whether a password alone is not enough.
    pub fn are_needed(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }
}

/// The factors of who has just shown who they are.
pub async fn list(app: &App, proven: &Proven) -> Result<Factors> {
    let user = proven.user();
    app.store().read(move |read| Factors::of(read, user)).await
}

/// Whether the account's password alone is not enough.
pub(super) fn are_needed(read: &mut Read<'_>, user: UserId) -> Result<bool> {
    Ok(totps::counts(read, user)? || passkeys::any_exists(read, user)?)
}

/// Adds a factor by `add`. The first one ends the account's other log-ins, which were begun without it, and brings
/// recovery codes: told this once.
fn added(
    tx: &mut Tx<'_>,
    proven: &Proven,
    now: Timestamp,
    add: impl FnOnce(&mut Tx<'_>) -> Result<()>,
) -> Result<Option<Vec<Secret>>> {
    user::hold(tx, proven.user())?;
    let is_first = !are_needed(tx, proven.user())?;
    add(tx)?;
    if !is_first {
        return Ok(None);
    }
    end_others(tx, proven, now)?;
    recovery::make(tx, proven, now).map(Some)
}

/// Removes a factor by `remove`. What was begun with it ends; after the last one nothing is left to recover.
fn removed(
    tx: &mut Tx<'_>,
    proven: &Proven,
    now: Timestamp,
    remove: impl FnOnce(&mut Tx<'_>) -> Result<()>,
) -> Result<()> {
    user::hold(tx, proven.user())?;
    remove(tx)?;
    if !are_needed(tx, proven.user())? {
        recovery_code::delete_of(tx, proven.user())?;
    }
    end_others(tx, proven, now)
}

fn end_others(tx: &mut Tx<'_>, proven: &Proven, now: Timestamp) -> Result<()> {
    session::revoke_others(tx, proven.user(), proven.session(), now)?;
    half_log_in::delete_of(tx, proven.user())
}

/// Forgets all factors of an account: what is sealed of them goes with no row of its own.
pub(super) fn forget(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    forget_totp(tx, user)?;
    passkeys::delete_of(tx, user)?;
    recovery_code::delete_of(tx, user)
}

/// Takes all factors off an account whose owner is locked out, within a transaction.
pub(super) fn reset(tx: &mut Tx<'_>, user: &User, actor: &Actor, now: Timestamp) -> Result<()> {
    forget(tx, user.id)?;
    audit::record(tx, now, actor, Change::new(Action::FactorReset, user.id, &user.email))
}

/// Forgets the codes by time of an account, with their secret; tells whether there were any.
fn forget_totp(tx: &mut Tx<'_>, user: UserId) -> Result<bool> {
    sealed_secret::delete(tx, &totp::secret_name(user))?;
    totps::delete(tx, user)
}

/// Forgets log-ins that were not finished, and what was begun and never confirmed. For the coordinator's own housekeeping.
pub async fn sweep(app: &App) -> Result<()> {
    let now = app.now();
    let kept = i64::try_from(LEFT_BEHIND.as_millis()).unwrap_or(i64::MAX);
    let before = Timestamp::from_millis(now.as_millis().saturating_sub(kept));
    app.store()
        .write(move |tx| {
            half_log_in::delete_over(tx, now)?;
            challenge::delete_over(tx, now)?;
            for totp in totps::left_behind(tx, before, MOST_AT_ONCE)? {
                if totps::leave(tx, &totp)? {
                    sealed_secret::delete(tx, &totp::secret_name(totp.user))?;
                }
            }
            Ok(())
        })
        .await
}

/// Whatever was wrong with it.
pub(super) fn wrong_code() -> Error {
    Error::new(Kind::Unauthenticated, "wrong_code", "this code is wrong, or was used already")
        .hint("take the one that your app shows now, or a recovery code")
}
