//! A log-in between the password and the second factor: known to one browser by its cookie, for five minutes. It is worth
//! nothing by itself, and ends with a new password, a changed factor, or the account's end.

use std::time::Duration;

use super::code;
use crate::auth::session::Beginning;
use crate::core::action::Action;
use crate::core::evidence::{Evidence, Factor};
use crate::core::secret::Secret;
use crate::core::session::SessionKind;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change, Origin};
use crate::service::session::{self, LoggedIn};
use crate::store::factor::half_log_in::{self, HalfLogIn};
use crate::store::factor::{passkey, totp};
use crate::store::user::User;
use crate::store::{Tx, user};

/// How long it waits.
pub const LASTS: Duration = Duration::from_secs(5 * 60);
/// How many others of an account may wait beside a new one.
const MOST_OTHERS: i64 = 4;

/// A log-in that waits, and what it waits for.
#[derive(Clone, Debug)]
pub struct Half {
    row: HalfLogIn,
    pub user: User,
    /// Whether codes by time finish it.
    pub totp: bool,
    /// Whether a passkey does.
    pub passkey: bool,
}

/// Begins one, after the password was right; the secret for the browser's cookie is told once.
pub(in crate::service) fn begin(
    tx: &mut Tx<'_>,
    user: &User,
    label: String,
    actor: &Actor,
    now: Timestamp,
) -> Result<Secret> {
    let token = Secret::random("whl_");
    let row = HalfLogIn {
        token_hash: token.hash(),
        user: user.id,
        label,
        created_at: now,
        expires_at: now.plus(LASTS),
    };
    half_log_in::insert(tx, &row, MOST_OTHERS)?;
    audit::record(tx, now, actor, Change::new(Action::SessionAsk, user.id, &user.email))?;
    Ok(token)
}

/// The log-in that waits for this browser; `log_in_over` where none does.
pub async fn look(app: &App, token: &Secret) -> Result<Half> {
    let (hash, now) = (token.hash(), app.now());
    app.store()
        .read(move |read| {
            let row = half_log_in::find(read, hash, now)?.ok_or_else(over)?;
            let user = user::by_id(read, row.user)?.ok_or_else(over)?;
            let (totp, passkey) = (totp::counts(read, user.id)?, passkey::any_exists(read, user.id)?);
            Ok(Half { row, user, totp, passkey })
        })
        .await
}

fn over() -> Error {
    Error::new(Kind::Unauthenticated, "log_in_over", "this log-in has taken too long, or has ended otherwise")
        .hint("begin again with your password")
}

/// Ends it with a code by time, or a recovery code: the log-in is whole. Tells how many recovery codes are left, where it
/// was one.
pub async fn finish_by_code(
    app: &App,
    half: Half,
    typed: &Secret,
    origin: Origin,
) -> Result<(LoggedIn, Option<i64>)> {
    let (account, id) = (half.user.email.to_string(), half.user.id);
    let tried = async {
        let candidate = code::judge(app, id, typed).await?;
        let with = candidate.factor();
        let spend = move |tx: &mut Tx<'_>, user: &User, actor: &Actor, now: Timestamp| {
            code::spend(tx, user, &candidate, actor, now)
        };
        finish(app, half, with, origin.clone(), spend).await
    };
    let finished = tried.await;
    match &finished {
        Ok(_) => code::was_right(app, id),
        Err(refused) => session::note_refusal(app, &account, origin, refused).await,
    }
    finished
}

/// Ends it `with` what was shown, once `spend` has used that up.
pub(super) async fn finish<T: Send + 'static>(
    app: &App,
    half: Half,
    with: Factor,
    origin: Origin,
    spend: impl FnOnce(&mut Tx<'_>, &User, &Actor, Timestamp) -> Result<T> + Send + 'static,
) -> Result<(LoggedIn, T)> {
    let now = app.now();
    let Half { row, user, .. } = half;
    let by = Evidence::PasswordAnd(with);
    let beginning = Beginning { kind: SessionKind::Browser, label: row.label, address: origin.address, by };
    let finish = move |tx: &mut Tx<'_>| {
        if !half_log_in::take(tx, row.token_hash)? {
            return Err(over());
        }
        if !user::begin_proven_log_in(tx, user.id, now)? {
            return Err(session::disabled());
        }
        let actor = Actor::user(user.id, &user.email, origin.clone());
        let spent = spend(tx, &user, &actor, now)?;
        Ok((session::open(tx, user, beginning, origin, now)?, spent))
    };
    app.store().write(finish).await
}
