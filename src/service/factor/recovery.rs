//! Recovery codes: made with the first factor, told once, made anew when their owner wants.

use super::are_needed;
use super::proof::Proven;
use crate::auth::factor::recovery;
use crate::core::action::Action;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Change};
use crate::store::factor::recovery_code;
use crate::store::{Tx, user};

/// Gives the account other codes; those from before are worth nothing.
pub async fn renew(app: &App, proven: Proven) -> Result<Vec<Secret>> {
    let now = app.now();
    app.store()
        .write(move |tx| {
            user::hold(tx, proven.user())?;
            match are_needed(tx, proven.user())? {
                true => make(tx, &proven, now),
                false => Err(nothing_to_recover()),
            }
        })
        .await
}

fn nothing_to_recover() -> Error {
    Error::new(Kind::Conflict, "no_second_factor", "your account has no second factor, so it needs no codes")
        .hint("switch one on first: the codes come with it")
}

pub(super) fn make(tx: &mut Tx<'_>, proven: &Proven, now: Timestamp) -> Result<Vec<Secret>> {
    let codes: Vec<Secret> = (0..recovery::COUNT).map(|_| recovery::generate()).collect();
    let hashes: Vec<_> = codes.iter().map(|code| recovery::hash(proven.user(), code)).collect();
    recovery_code::replace(tx, proven.user(), &hashes)?;
    let change = Change::new(Action::RecoveryCodeCreate, proven.user(), proven.email());
    audit::record(tx, now, proven.actor(), change)?;
    Ok(codes)
}
