//! Log-ins of the command line and of browsers: begun with a password, shown at every call, listed and ended by
//! their owner. The first one makes the person's own organization with its realm.

use std::time::Duration;

use super::app::App;
use super::audit::{self, Actor, Change, Origin};
use super::authority::{Caller, Person, Principal};
use super::factor::code::{self, Candidate};
use super::factor::{self, half};
use super::limits::{self, network};
use super::organization::ensure_personal;
use super::refusal;
use crate::auth::session::{self as tokens, Beginning};
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::evidence::Evidence;
use crate::core::id::SessionId;
use crate::core::page::Page;
use crate::core::secret::Secret;
use crate::core::session::SessionKind;
use crate::core::user::Email;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::Tx;
use crate::store::organization::{self, Membership};
use crate::store::session::{self, Live, Session};
use crate::store::user::{self, User};

/// The longest label, in characters.
const LONGEST_LABEL: usize = 100;

/// How long a session that has ended is kept.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// The most log-ins of one person that are listed.
const MOST_LISTED: i64 = 500;

/// Who wants to log in.
#[derive(Clone, Debug)]
pub struct LogIn {
    pub kind: SessionKind,
    pub email: String,
    pub password: Secret,
    /// Where from, as its owner will know it again.
    pub label: String,
    /// A second factor, for an account that has one: a code by time, or a recovery code.
    pub code: Option<Secret>,
}

/// What came of a password that was right.
#[derive(Debug)]
pub enum Entered {
    LoggedIn(Box<LoggedIn>),
    /// The second factor is still to come; the secret is for the browser's cookie.
    Halfway(Secret),
}

/// A log-in that has just begun.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    pub user: User,
    pub session: Session,
    /// The bearer token, told this once.
    pub token: Secret,
    /// The personal organization.
    pub membership: Membership,
}

/// Whose credential it is.
#[derive(Clone, Debug)]
pub struct Whoami {
    /// For an API key: who made it. For an app: who let it in.
    pub user: User,
    /// The personal one; for an API key or an app the one that it acts for.
    pub membership: Option<Membership>,
    pub expires_at: Timestamp,
}

/// Logs in with a password, and a code where the account has a second factor: without one it is
/// `second_factor_required`.
pub async fn log_in(app: &App, log_in: LogIn, origin: Origin) -> Result<LoggedIn> {
    match enter(app, log_in, origin).await? {
        Entered::LoggedIn(begun) => Ok(*begun),
        Entered::Halfway(_) => Err(second_factor_required()),
    }
}

/// Logs in with a password; a browser is asked for its second factor afterwards. Whatever is wrong with the password,
/// it is `wrong_credentials`, and takes as long to find out; too many tries are `too_many_attempts`. What factors an
/// account has is told to nobody before.
pub async fn enter(app: &App, log_in: LogIn, origin: Origin) -> Result<Entered> {
    require_local_accounts(app)?;
    let label = check_label(&log_in.label)?;
    let account = log_in.email.trim().to_lowercase();
    let log_in = LogIn { label, ..log_in };
    let begun = match take_tries(app, &account, &origin) {
        Ok(()) => try_log_in(app, &account, log_in, origin.clone()).await,
        Err(too_many) => Err(too_many),
    };
    match &begun {
        Err(refused) if matches!(refused.kind(), Kind::Unauthenticated | Kind::RateLimited) => {
            note_refusal(app, &account, origin, refused).await;
        }
        _ => give_tries_back(app, &account, &origin),
    }
    begun
}

/// Refuses passwords where people log in elsewhere.
pub(super) fn require_local_accounts(app: &App) -> Result<()> {
    match app.settings().local_accounts {
        true => Ok(()),
        false => {
            let message = "this coordinator takes no passwords";
            Err(Error::new(Kind::Denied, "local_accounts_off", message)
                .hint("log in at one of its providers, in a browser"))
        }
    }
}

/// A try of `account` (an e-mail address as typed, or what else is guessed at), from where it comes.
pub(super) fn take_tries(app: &App, account: &str, origin: &Origin) -> Result<()> {
    limits::take(app, Allowance::LogInAddress, network(origin))?;
    limits::take(app, Allowance::LogInAccount, account)
}

pub(super) fn give_tries_back(app: &App, account: &str, origin: &Origin) {
    limits::give_back(app, Allowance::LogInAddress, network(origin));
    limits::give_back(app, Allowance::LogInAccount, account);
}

/// Writes down that a log-in was refused. What was typed may be a password: only an account that there is is named.
pub(super) async fn note_refusal(app: &App, account: &str, origin: Origin, refused: &Error) {
    let known = match account.parse::<Email>() {
        Ok(email) => app.store().read(move |read| user::by_email(read, &email)).await.ok().flatten(),
        Err(_) => None,
    };
    let change = match known {
        Some(user) => Change::new(Action::SessionRefuse, user.id, user.email),
        None => Change::nameless(Action::SessionRefuse, "no such account"),
    };
    refusal::write(app, Actor::nobody(origin), change, refused).await;
}

async fn try_log_in(app: &App, account: &str, log_in: LogIn, origin: Origin) -> Result<Entered> {
    let LogIn { kind, password, label, code: typed, .. } = log_in;
    let (user, hash) = verify(app, account, password).await?;
    let (id, now) = (user.id, app.now());
    let needed = app.store().read(move |read| factor::are_needed(read, id)).await?;
    let code = match typed.filter(|_| needed) {
        Some(typed) => Some(code::judge(app, id, &typed).await?),
        None => None,
    };
    let has_code = code.is_some();
    let beginning = Beginning { kind, label, address: origin.address, by: Evidence::Password };
    let proof = Proof { hash, code };
    let entered = app.store().write(move |tx| begin(tx, user, &proof, beginning, origin, now)).await?;
    if has_code {
        code::was_right(app, id);
    }
    Ok(entered)
}

/// What somebody has shown.
struct Proof {
    /// Of the account's password as it was when it was found right.
    hash: String,
    code: Option<Candidate>,
}

fn check_label(label: &str) -> Result<String> {
    let label = label.trim();
    match label.chars().count() <= LONGEST_LABEL && !label.chars().any(char::is_control) {
        true => Ok(label.to_owned()),
        false => {
            Err(Error::usage("malformed_label", format!("a label has at most {LONGEST_LABEL} characters")))
        }
    }
}

/// The user, and the hash that the password matched.
pub(super) async fn verify(app: &App, account: &str, password: Secret) -> Result<(User, String)> {
    let found = match account.parse::<Email>() {
        Ok(email) => app.store().read(move |read| user::with_password(read, &email)).await?,
        Err(_) => None,
    };
    let hash = found.as_ref().and_then(|(_, hash)| hash.clone());
    let matches = app.passwords().verify(password, hash).await?;
    match found {
        Some((user, Some(hash))) if matches => Ok((user, hash)),
        _ => Err(wrong_credentials()),
    }
}

fn begin(
    tx: &mut Tx<'_>,
    user: User,
    proof: &Proof,
    mut beginning: Beginning,
    origin: Origin,
    now: Timestamp,
) -> Result<Entered> {
    if user.disabled_at.is_some() {
        // They know the password, so this tells them nothing about others.
        return Err(disabled());
    }
    if !user::hold_with_password(tx, user.id, &proof.hash)? {
        return Err(wrong_credentials());
    }
    let actor = Actor::user(user.id, &user.email, origin.clone());
    match (&proof.code, beginning.kind) {
        _ if !factor::are_needed(tx, user.id)? => {}
        (Some(code), _) => {
            code::spend(tx, &user, code, &actor, now)?;
            beginning.by = Evidence::PasswordAnd(code.factor());
        }
        (None, SessionKind::Browser) => {
            return half::begin(tx, &user, beginning.label, &actor, now).map(Entered::Halfway);
        }
        (None, SessionKind::Cli) => return Err(second_factor_required()),
    }
    user::begin_proven_log_in(tx, user.id, now)?;
    open(tx, user, beginning, origin, now).map(|begun| Entered::LoggedIn(Box::new(begun)))
}

pub(super) fn disabled() -> Error {
    Error::new(Kind::Unauthenticated, "account_disabled", "this account is disabled")
        .hint("ask whoever runs this coordinator")
}

fn second_factor_required() -> Error {
    Error::new(Kind::Unauthenticated, "second_factor_required", "this account has a second factor")
        .hint("log in by a browser with `wonder login`, or give a code: of an authenticator app, or a recovery code")
}

/// Begins a log-in of a user who has shown who they are.
pub(super) fn open(
    tx: &mut Tx<'_>,
    user: User,
    beginning: Beginning,
    origin: Origin,
    now: Timestamp,
) -> Result<LoggedIn> {
    let actor = Actor::user(user.id, &user.email, origin);
    let membership = ensure_personal(tx, &user, &actor, now)?;
    let named = format!("{}, by {}", beginning.label, beginning.by);
    let (session, token) = tokens::begin(tx, user.id, beginning, now)?;
    audit::record(tx, now, &actor, Change::new(Action::SessionCreate, session.id, named))?;
    Ok(LoggedIn { user, session, token, membership })
}

pub(super) fn wrong_credentials() -> Error {
    Error::new(Kind::Unauthenticated, "wrong_credentials", "the e-mail address or the password is wrong")
        .hint("`wonder user reset-password` on the coordinator's host sets a new password")
}

/// Who shows `token`, the bearer token of a log-in of the command line.
pub async fn authenticate(app: &App, token: &Secret, origin: Origin) -> Result<Caller> {
    recognize(app, SessionKind::Cli, token, origin).await
}

/// Whose browser shows `token`, which came by cookie.
pub async fn authenticate_browser(app: &App, token: &Secret, origin: Origin) -> Result<Caller> {
    recognize(app, SessionKind::Browser, token, origin).await
}

/// Whose browser shows `token`, in a call that it makes by itself: such calls keep no log-in alive.
pub async fn recognize_browser(app: &App, token: &Secret, origin: Origin) -> Result<Caller> {
    let live = find(app, SessionKind::Browser, token).await?.ok_or_else(not_logged_in)?;
    Ok(Caller { principal: Principal::Person(person(live)), origin })
}

async fn find(app: &App, kind: SessionKind, token: &Secret) -> Result<Option<Live>> {
    let (token, now) = (token.clone(), app.now());
    app.store().read(move |read| tokens::find(read, kind, &token, now)).await
}

async fn recognize(app: &App, kind: SessionKind, token: &Secret, origin: Origin) -> Result<Caller> {
    let mut live = find(app, kind, token).await?.ok_or_else(not_logged_in)?;
    let now = app.now();
    if tokens::is_due(&live.session, now) {
        note_use(app, &mut live.session, now).await;
    }
    Ok(Caller { principal: Principal::Person(person(live)), origin })
}

/// Puts off the end of a session. A database that takes no writes now is no reason to turn anybody away.
async fn note_use(app: &App, session: &mut Session, now: Timestamp) {
    let used = session.clone();
    match app.store().write(move |tx| tokens::renew(tx, &used, now)).await {
        Ok(expires_at) => session.expires_at = expires_at,
        Err(e) => tracing::warn!(error = %e, "the use of a session was not noted"),
    }
}

fn person(live: Live) -> Person {
    Person {
        user: live.session.user,
        number: live.number,
        email: live.email,
        admin: live.admin,
        session: Some(live.session.id),
        session_expires_at: live.session.expires_at,
        logged_in_at: live.session.created_at,
        proven_at: live.proven_at,
    }
}

fn not_logged_in() -> Error {
    Error::new(Kind::Unauthenticated, "not_logged_in", "this log-in is over, or unknown here")
        .hint("log in again with `wonder login`")
}

/// Ends the caller's own log-in.
pub async fn log_out(app: &App, caller: &Caller) -> Result<()> {
    let (id, actor, now) = (caller.person()?.log_in()?, caller.actor(), app.now());
    app.store()
        .write(move |tx| match session::revoke(tx, id, now)? {
            true => audit::record(tx, now, &actor, Change::new(Action::SessionRevoke, id, actor.name())),
            false => Ok(()),
        })
        .await
}

/// The caller's own log-ins that are good now, the last used first, and the cursor of the next page.
pub async fn list(app: &App, caller: &Caller, page: Page) -> Result<(Vec<Session>, Option<String>)> {
    let (user, now) = (caller.person()?.user, app.now());
    let all = app.store().read(move |read| session::of_user(read, user, now, MOST_LISTED)).await?;
    Ok(page.pick(all, |session| session.id.to_string()))
}

/// Ends one of the caller's own log-ins.
pub async fn revoke(app: &App, caller: &Caller, id: SessionId) -> Result<()> {
    let (user, actor, now) = (caller.person()?.user, caller.actor(), app.now());
    app.store()
        .write(move |tx| {
            let own = session::of_user(tx, user, now, MOST_LISTED)?.into_iter().find(|own| own.id == id);
            let own = own.ok_or_else(|| no_such_session(id))?;
            session::revoke(tx, own.id, now)?;
            audit::record(tx, now, &actor, Change::new(Action::SessionRevoke, own.id, own.label))
        })
        .await
}

/// Ends all of the caller's own log-ins but the one that this call is made with; tells how many there were.
pub async fn revoke_others(app: &App, caller: &Caller) -> Result<u64> {
    let person = caller.person()?;
    let (user, kept, actor, now) = (person.user, person.log_in()?, caller.actor(), app.now());
    app.store()
        .write(move |tx| {
            let ended = session::revoke_others(tx, user, kept, now)?;
            if ended > 0 {
                audit::record(tx, now, &actor, Change::new(Action::SessionRevokeOthers, kept, actor.name()))?;
            }
            Ok(ended)
        })
        .await
}

fn no_such_session(id: SessionId) -> Error {
    Error::new(Kind::NotFound, "session_not_found", format!("you have no log-in {id}"))
        .hint("the list of your log-ins shows those that are good now")
}

/// Whose credential the caller's is, and where it acts without being told an organization.
pub async fn whoami(app: &App, caller: &Caller) -> Result<Whoami> {
    caller.require_profile()?;
    let (user, org, expires_at) = match caller.principal() {
        Principal::Person(person) => (person.user, None, person.session_expires_at),
        Principal::Integration(key) => (key.created_by, Some(key.org), key.expires_at),
        Principal::App(app) => (app.user, Some(app.org), app.expires_at),
    };
    app.store()
        .read(move |read| {
            let memberships = organization::memberships_of(read, user)?;
            let membership = memberships.into_iter().find(|m| org.is_none_or(|org| m.organization.id == org));
            let user = user::by_id(read, user)?.ok_or_else(not_logged_in)?;
            Ok(Whoami { user, membership, expires_at })
        })
        .await
}

/// Forgets sessions that ended long ago; tells how many. For the coordinator's own housekeeping.
pub async fn sweep(app: &App) -> Result<u64> {
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let before = Timestamp::from_millis(app.now().as_millis().saturating_sub(kept));
    app.store().write(move |tx| session::delete_ended(tx, before)).await
}
