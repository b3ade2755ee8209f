//! Codes by time: begun with a secret, which is shown until its owner confirms it by a code, and sealed all the time.

use std::time::Duration;

use super::proof::Proven;
use super::{added, code, forget_totp, removed, wrong_code};
use crate::auth::factor::totp::{self as codes, TotpSecret};
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::id::UserId;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};
use crate::service::app::App;
use crate::service::audit::{self, Change};
use crate::service::{limits, sealed};
use crate::store::Tx;
use crate::store::factor::totp::{self as totps, Totp};
use crate::store::sealed_secret;

/// How long a secret waits for its first code.
const WAITS: Duration = Duration::from_secs(15 * 60);

pub(super) fn secret_name(user: UserId) -> String {
    format!("codes by time of {user}")
}

/// The codes of an account, confirmed or not, with their secret; none where either is not there.
pub(super) async fn open(app: &App, user: UserId) -> Result<Option<(Totp, TotpSecret)>> {
    let name = secret_name(user);
    let both = app
        .store()
        .read(move |read| Ok(totps::of_user(read, user)?.zip(sealed_secret::by_name(read, &name)?)));
    let Some((totp, secret)) = both.await? else { return Ok(None) };
    Ok(Some((totp, TotpSecret::from_bytes(&sealed::open(app, &secret)?)?)))
}

/// Makes a secret, in place of one that was never confirmed. Where one is, that is a conflict.
pub async fn begin(app: &App, proven: &Proven) -> Result<()> {
    let (user, now) = (proven.user(), app.now());
    let secret = sealed::seal(app, &secret_name(user), TotpSecret::generate().as_bytes())?;
    let keep = move |tx: &mut Tx<'_>| {
        if !totps::begin(tx, user, now)? {
            return Err(on_already());
        }
        sealed::replace(tx, &secret)
    };
    app.store().write(keep).await
}

/// The secret that waits to be confirmed.
pub async fn pending(app: &App, proven: &Proven) -> Result<TotpSecret> {
    waiting(app, proven).await.map(|(_, secret)| secret)
}

async fn waiting(app: &App, proven: &Proven) -> Result<(Totp, TotpSecret)> {
    let (totp, secret) = open(app, proven.user()).await?.ok_or_else(none_waits)?;
    match totp.confirmed_at.is_none() && app.now().since(totp.created_at) < WAITS {
        true => Ok((totp, secret)),
        false => Err(none_waits()),
    }
}

/// Switches the codes on with the first of them. Gives recovery codes where this is the account's first factor.
pub async fn confirm(app: &App, proven: Proven, typed: &Secret) -> Result<Option<Vec<Secret>>> {
    let (user, now) = (proven.user(), app.now());
    let (totp, secret) = waiting(app, &proven).await?;
    limits::take(app, Allowance::FactorAccount, user)?;
    let code = codes::read(typed).ok_or_else(wrong_code)?;
    let step = secret.step_of(&code, now).ok_or_else(wrong_code)?;
    let switch_on = move |tx: &mut Tx<'_>| {
        added(tx, &proven, now, |tx| {
            if !totps::confirm(tx, &totp, step, now)? {
                return Err(none_waits());
            }
            audit::record(tx, now, proven.actor(), Change::new(Action::TotpEnable, user, proven.email()))
        })
    };
    let codes = app.store().write(switch_on).await?;
    code::was_right(app, user);
    Ok(codes)
}

/// Takes the codes off the account.
pub async fn disable(app: &App, proven: Proven) -> Result<()> {
    let now = app.now();
    let switch_off = move |tx: &mut Tx<'_>| {
        removed(tx, &proven, now, |tx| {
            if !forget_totp(tx, proven.user())? {
                return Err(Error::new(
                    Kind::NotFound,
                    "totp_not_found",
                    "your account has no codes by time",
                )
                .hint("there is nothing to take away"));
            }
            let change = Change::new(Action::TotpDisable, proven.user(), proven.email());
            audit::record(tx, now, proven.actor(), change)
        })
    };
    app.store().write(switch_off).await
}

fn on_already() -> Error {
    Error::new(Kind::Conflict, "totp_on_already", "codes by time are on already")
        .hint("for another app, switch them off first")
}

fn none_waits() -> Error {
    Error::new(Kind::NotFound, "totp_not_begun", "no authenticator app is being added")
        .hint("begin again in your settings: a secret waits a quarter of an hour for its first code")
}
