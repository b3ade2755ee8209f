//! Whoever changes how their account is opened has shown within minutes who they are: by logging in, or once more by
//! password or factor. Somebody at a browser that was left alone changes nothing.

use std::time::Duration;

use super::code;
use crate::core::action::Action;
use crate::core::evidence::Evidence;
use crate::core::id::{SessionId, UserId};
use crate::core::secret::Secret;
use crate::core::user::Email;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change};
use crate::service::authority::{Caller, Person};
use crate::service::{refusal, session as log_ins};
use crate::store::factor::{passkey, recovery_code, totp};
use crate::store::{Tx, session, user};

/// How long a proof counts.
pub const FRESH: Duration = Duration::from_secs(10 * 60);

/// The code of what is refused for want of a new proof.
const NEEDED: &str = "proof_needed";

/// Whether it is only for want of a new proof that something was refused: who shows it may try again.
pub fn is_needed(error: &Error) -> bool {
    error.code() == NEEDED
}

/// Authority to change what opens one's own account: who has it has just shown who they are.
#[derive(Clone, Debug)]
pub struct Proven {
    user: UserId,
    email: Email,
    session: SessionId,
    actor: Actor,
}

impl Proven {
    /// Fails with `proof_needed` where the last proof is too old.
    pub fn check(app: &App, caller: &Caller) -> Result<Proven> {
        let person = caller.person()?;
        let session = person.log_in()?;
        match app.now().since(person.proven_at) < FRESH {
            true => {
                Ok(Proven { user: person.user, email: person.email.clone(), session, actor: caller.actor() })
            }
            false => Err(Error::new(Kind::Denied, NEEDED, "show once more that it is you")
                .hint("log in again (`wonder login`, or log out and in again in the browser), and do it within ten minutes")),
        }
    }

    pub fn user(&self) -> UserId {
        self.user
    }

    pub fn email(&self) -> &Email {
        &self.email
    }

    /// The log-in that stays when the others end.
    pub(super) fn session(&self) -> SessionId {
        self.session
    }

    pub(in crate::service) fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// What somebody can show who is logged in. Where a password alone logs nobody in, it shows nothing here either: who
/// has it and a browser that was left open would take the second factor off.
#[derive(Clone, Debug)]
pub struct Proofs {
    pub password: bool,
    pub totp: bool,
    pub passkey: bool,
    pub recovery_code: bool,
}

impl Proofs {
    /// What the caller can show.
    pub async fn of(app: &App, caller: &Caller) -> Result<Self> {
        let (user, local) = (caller.person()?.user, app.settings().local_accounts);
        app.store()
            .read(move |read| {
                let (totp, passkey) = (totp::counts(read, user)?, passkey::any_exists(read, user)?);
                Ok(Proofs {
                    password: local && !totp && !passkey && user::has_password(read, user)?,
                    totp,
                    passkey,
                    recovery_code: recovery_code::left(read, user)? > 0,
                })
            })
            .await
    }
}

/// Shows the password once more, where it is all that the account has: else `factor_needed`. Wrong guesses count as those at a log-in do.
pub async fn by_password(app: &App, caller: &Caller, password: Secret) -> Result<()> {
    let shown = try_password(app, caller, password).await;
    keep(app, caller, shown, |_, _, _| Ok(())).await
}

async fn try_password(app: &App, caller: &Caller, password: Secret) -> Result<Evidence> {
    log_ins::require_local_accounts(app)?;
    let user = caller.person()?.user;
    if app.store().read(move |read| super::are_needed(read, user)).await? {
        return Err(factor_needed());
    }
    let account = caller.person()?.email.to_string();
    log_ins::take_tries(app, &account, caller.origin())?;
    log_ins::verify(app, &account, password).await?;
    log_ins::give_tries_back(app, &account, caller.origin());
    Ok(Evidence::Password)
}

fn factor_needed() -> Error {
    Error::new(Kind::Denied, "factor_needed", "this account has a second factor, so a password is not enough")
        .hint("show your passkey, a code of your app, or a recovery code")
}

/// Shows a code by time, or a recovery code.
pub async fn by_code(app: &App, caller: &Caller, typed: &Secret) -> Result<()> {
    let id = caller.person()?.user;
    let shown = code::judge(app, id, typed).await;
    let candidate = shown.as_ref().ok().cloned();
    let spend = move |tx: &mut Tx<'_>, actor: &Actor, now: Timestamp| {
        let user = user::by_id(tx, id)?.ok_or_else(super::wrong_code)?;
        candidate.map_or(Ok(()), |candidate| code::spend(tx, &user, &candidate, actor, now).map(drop))
    };
    let shown = shown.map(|candidate| Evidence::Factor(candidate.factor()));
    keep(app, caller, shown, spend).await?;
    code::was_right(app, id);
    Ok(())
}

/// Notes what was shown, once `spend` has used it up, or that it was refused.
pub(super) async fn keep(
    app: &App,
    caller: &Caller,
    shown: Result<Evidence>,
    spend: impl FnOnce(&mut Tx<'_>, &Actor, Timestamp) -> Result<()> + Send + 'static,
) -> Result<()> {
    let Person { user, email, .. } = caller.person()?.clone();
    let (session, actor, now) = (caller.person()?.log_in()?, caller.actor(), app.now());
    let name = email.clone();
    let note = move |tx: &mut Tx<'_>, by: Evidence| {
        spend(tx, &actor, now)?;
        session::note_proof(tx, session, now)?;
        audit::record(tx, now, &actor, Change::new(Action::FactorProve, user, format!("{name}, by {by}")))
    };
    let outcome = match shown {
        Ok(by) => app.store().write(move |tx| note(tx, by)).await,
        Err(error) => Err(error),
    };
    if let Err(refused) = &outcome {
        let change = Change::new(Action::FactorRefuse, user, email);
        refusal::write(app, caller.actor(), change, refused).await;
    }
    outcome
}
