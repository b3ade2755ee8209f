//! What somebody types as a second factor: a code by time, or a recovery code. Judged before a transaction, where it is
//! slow, and used up within the one that it is shown for, so that it counts once whoever else shows it meanwhile.

use super::totp;
use super::wrong_code;
use crate::auth::factor::{recovery, totp as codes};
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::evidence::Factor;
use crate::core::id::UserId;
use crate::core::secret::{Secret, SecretHash};
use crate::core::{Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change};
use crate::service::limits;
use crate::store::Tx;
use crate::store::factor::recovery_code;
use crate::store::factor::totp::{self as totps, Totp};
use crate::store::user::User;

/// What was typed could be this.
#[derive(Clone, Debug)]
pub(in crate::service) enum Candidate {
    /// The code of a step.
    Step(Totp, i64),
    Recovery(SecretHash),
}

impl Candidate {
    pub(in crate::service) fn factor(&self) -> Factor {
        match self {
            Candidate::Step(..) => Factor::Code,
            Candidate::Recovery(_) => Factor::RecoveryCode,
        }
    }
}

/// Takes a try of the account, and looks what `typed` could be. Too many tries are `too_many_attempts`.
pub(in crate::service) async fn judge(app: &App, user: UserId, typed: &Secret) -> Result<Candidate> {
    limits::take(app, Allowance::FactorAccount, user)?;
    if let Some(code) = recovery::read(typed) {
        return Ok(Candidate::Recovery(recovery::hash(user, &code)));
    }
    let code = codes::read(typed).ok_or_else(wrong_code)?;
    let (totp, secret) = totp::open(app, user).await?.ok_or_else(wrong_code)?;
    let step = secret.step_of(&code, app.now()).ok_or_else(wrong_code)?;
    Ok(Candidate::Step(totp, step))
}

/// The try was right, and does not count.
pub(in crate::service) fn was_right(app: &App, user: UserId) {
    limits::give_back(app, Allowance::FactorAccount, user);
}

/// Uses it up, or refuses with `wrong_code`. Tells how many recovery codes are left, where it was one.
pub(in crate::service) fn spend(
    tx: &mut Tx<'_>,
    user: &User,
    candidate: &Candidate,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<i64>> {
    match candidate {
        Candidate::Step(totp, step) if totps::spend(tx, totp, *step)? => Ok(None),
        Candidate::Recovery(hash) if recovery_code::spend(tx, user.id, *hash, now)? => {
            audit::record(tx, now, actor, Change::new(Action::RecoveryCodeUse, user.id, &user.email))?;
            recovery_code::left(tx, user.id).map(Some)
        }
        Candidate::Step(..) | Candidate::Recovery(_) => Err(wrong_code()),
    }
}
