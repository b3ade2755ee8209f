//! Accounts: local administration on the coordinator's host, where the authority is that one may open the
//! database; and what people do with their own.

use super::app::App;
use super::audit::{self, Actor, Change};
use super::authority::Caller;
use super::factor::proof::Proven;
use super::{factor, refusal, session as log_ins};
use crate::core::action::Action;
use crate::core::id::{UserId, UserNumber};
use crate::core::secret::Secret;
use crate::core::user::Email;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::factor::half_log_in;
use crate::store::user::{self, User};
use crate::store::{Read, Tx, session, setup_code};

/// Authority over all accounts: whoever may open the database on the coordinator's host has it.
#[derive(Clone, Debug)]
pub struct Operator {
    actor: Actor,
}

impl Operator {
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// `name` is the system's user, for the audit trail.
    pub fn local(name: &str) -> Self {
        Operator { actor: Actor::local(name) }
    }
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: Email,
    pub password: Secret,
    /// Administers the coordinator; the first account does in any case.
    pub admin: bool,
}

/// Makes an account. The e-mail address of another one is a conflict.
pub async fn create(app: &App, operator: &Operator, new: NewUser) -> Result<User> {
    let hash = app.passwords().hash(new.password).await?;
    let (actor, now) = (operator.actor.clone(), app.now());
    app.store().write(move |tx| insert(tx, &actor, now, (new.email, Some(hash)), new.admin)).await
}

/// Makes an account of an e-mail address and a password hash (none: they log in elsewhere), within a transaction. The first one
/// administers the coordinator, and ends the time of the set-up code.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (email, hash): (Email, Option<String>),
    admin: bool,
) -> Result<User> {
    let number = crate::store::counter::next_user(tx)?;
    let user = User {
        id: UserId::new(now),
        number,
        email,
        admin: admin || number == UserNumber(1),
        disabled_at: None,
        created_at: now,
        last_login_at: None,
    };
    if !user::insert(tx, &user, hash)? {
        return Err(taken(&user.email));
    }
    setup_code::clear(tx)?;
    audit::record(tx, now, actor, Change::new(Action::UserCreate, user.id, &user.email))?;
    Ok(user)
}

fn taken(email: &Email) -> Error {
    Error::new(Kind::Conflict, "user_exists", format!("there is an account of {email} already"))
        .hint("`wonder user list` shows all accounts")
}

/// At most `limit` accounts after the one with number `after`, oldest first.
pub async fn list(app: &App, _: &Operator, after: UserNumber, limit: u32) -> Result<Vec<User>> {
    app.store().read(move |read| user::list(read, after, limit.into())).await
}

/// Ends the log-ins of an account and allows no more. `who` is an id or an e-mail address.
pub async fn disable(app: &App, operator: &Operator, who: &str) -> Result<User> {
    change(app, operator, who, |tx, actor, now, user| {
        if user::disable(tx, user.id, now)? {
            end_log_ins(tx, user.id, now)?;
            audit::record(tx, now, actor, Change::new(Action::UserDisable, user.id, &user.email))?;
        }
        Ok(())
    })
    .await
}

/// Allows log-ins again.
pub async fn enable(app: &App, operator: &Operator, who: &str) -> Result<User> {
    change(app, operator, who, |tx, actor, now, user| {
        if user::enable(tx, user.id)? {
            audit::record(tx, now, actor, Change::new(Action::UserEnable, user.id, &user.email))?;
        }
        Ok(())
    })
    .await
}

/// Ends the log-ins of an account, and those that are under way.
fn end_log_ins(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    session::revoke_all_of(tx, user, now)?;
    half_log_in::delete_of(tx, user)
}

/// What an account is given whose owner is locked out.
#[derive(Clone, Debug)]
pub struct Reset {
    pub password: Secret,
    /// Its second factors are lost too: they are taken off.
    pub factors: bool,
}

/// Gives an account another password, and ends its log-ins.
pub async fn reset_password(app: &App, operator: &Operator, who: &str, reset: Reset) -> Result<User> {
    let hash = app.passwords().hash(reset.password).await?;
    change(app, operator, who, move |tx, actor, now, user| {
        user::set_password(tx, user.id, &hash)?;
        end_log_ins(tx, user.id, now)?;
        if reset.factors {
            factor::reset(tx, user, actor, now)?;
        }
        audit::record(tx, now, actor, Change::new(Action::UserResetPassword, user.id, &user.email))
    })
    .await
}

/// Changes the caller's own password, and ends their other log-ins. Wrong guesses at the present one count as
/// those at a log-in do, and are in the audit trail. Who has a second factor has just shown it (`proof_needed`): whoever
/// learned the password and found a browser that was left open changes nothing.
pub async fn change_password(app: &App, caller: &Caller, present: Secret, new: Secret) -> Result<()> {
    let email = caller.person()?.email.to_string();
    let changed = try_change_password(app, caller, present, new).await;
    refusal::note(app, || caller.actor(), Action::UserChangePassword, &email, changed).await
}

async fn try_change_password(app: &App, caller: &Caller, present: Secret, new: Secret) -> Result<()> {
    let person = caller.person()?.clone();
    let kept = person.log_in()?;
    log_ins::require_local_accounts(app)?;
    if app.store().read(move |read| factor::are_needed(read, person.user)).await? {
        Proven::check(app, caller)?;
    }
    let account = person.email.to_string();
    log_ins::take_tries(app, &account, &caller.origin)?;
    let (_, old_hash) = log_ins::verify(app, &account, present).await?;
    log_ins::give_tries_back(app, &account, &caller.origin);
    let new_hash = app.passwords().hash(new).await?;
    let (actor, now) = (caller.actor(), app.now());
    let change = move |tx: &mut Tx<'_>| {
        if !user::replace_password(tx, person.user, &old_hash, &new_hash)? {
            return Err(log_ins::wrong_credentials());
        }
        session::revoke_others(tx, person.user, kept, now)?;
        half_log_in::delete_of(tx, person.user)?;
        audit::record(tx, now, &actor, Change::new(Action::UserChangePassword, person.user, &person.email))
    };
    app.store().write(change).await
}

/// Changes one account in a transaction; gives it as it is afterwards.
async fn change(
    app: &App,
    operator: &Operator,
    who: &str,
    act: impl FnOnce(&mut Tx<'_>, &Actor, Timestamp, &User) -> Result<()> + Send + 'static,
) -> Result<User> {
    let (actor, now, who) = (operator.actor.clone(), app.now(), who.to_owned());
    app.store()
        .write(move |tx| {
            let user = find(tx, &who)?;
            act(tx, &actor, now, &user)?;
            user::by_id(tx, user.id)?.ok_or_else(|| unknown(&who))
        })
        .await
}

/// By id or e-mail address.
fn find(read: &mut Read<'_>, who: &str) -> Result<User> {
    let found = match who.parse::<UserId>() {
        Ok(id) => user::by_id(read, id)?,
        Err(_) => user::by_email(read, &who.parse()?)?,
    };
    found.ok_or_else(|| unknown(who))
}

fn unknown(who: &str) -> Error {
    Error::not_found("user", who)
}
