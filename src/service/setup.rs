//! The first account of a new coordinator: made with a one-time code that the coordinator's start prints.

use super::app::App;
use super::audit::{Actor, Origin};
use super::{limits, refusal, user};
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::secret::Secret;
use crate::core::user::Email;
use crate::core::{Error, Kind, Result};
use crate::store::user::User;
use crate::store::{setup_code, user as users};

/// How every set-up code begins.
const PREFIX: &str = "wsc_";

/// The set-up code of a coordinator that has no account, to be shown once; none where there is one. Each
/// start makes another code, and the one before is good no more.
pub async fn offer(app: &App) -> Result<Option<Secret>> {
    let now = app.now();
    app.store()
        .write(move |tx| {
            if users::any_exists(tx)? {
                return Ok(None);
            }
            let code = Secret::random(PREFIX);
            setup_code::replace(tx, code.hash(), now)?;
            Ok(Some(code))
        })
        .await
}

/// Whether there is no account yet.
pub async fn is_needed(app: &App) -> Result<bool> {
    app.store().read(|read| Ok(!users::any_exists(read)?)).await
}

/// Who sets a coordinator up.
#[derive(Clone, Debug)]
pub struct SetUp {
    pub code: Secret,
    pub email: String,
    pub password: Secret,
}

/// Makes the first account, which administers the coordinator, and uses the code up, or does neither.
pub async fn redeem(app: &App, set_up: SetUp, origin: Origin) -> Result<User> {
    let code = set_up.code.hash();
    // Before the password costs anything: most wrong codes end here.
    if !app.store().read(move |read| setup_code::is_current(read, code)).await? {
        let refused = limits::judge(app, Allowance::SetupAddress, &origin, |_| true, Err(wrong_code()));
        let actor = || Actor::nobody(origin);
        return refusal::note(app, actor, Action::SetupRefuse, "set-up code", refused).await;
    }
    let email: Email = set_up.email.parse()?;
    let hash = app.passwords().hash(set_up.password).await?;
    let (actor, now) = (Actor::coordinator(origin), app.now());
    app.store()
        .write(move |tx| match setup_code::take(tx, code)? {
            true => user::insert(tx, &actor, now, (email, hash), true),
            false => Err(wrong_code()),
        })
        .await
}

fn wrong_code() -> Error {
    Error::new(Kind::Denied, "setup_code_invalid", "this set-up code is not, or no longer, good")
        .hint("the coordinator prints one at its start, as long as it has no account")
}
