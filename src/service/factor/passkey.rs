//! Passkeys: made by who has just shown who they are; shown in the place of a password, as a second factor, or to show
//! once more who it is. What a browser is asked counts once, for that browser, for five minutes.

use std::time::Duration;

use super::half::{self, Half};
use super::proof::{self, Proven};
use super::{added, removed};
use crate::auth::factor::passkey::{Made, Shown, Site, refused};
use crate::auth::session::Beginning;
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::evidence::{Evidence, Factor};
use crate::core::id::{PasskeyId, UserId};
use crate::core::passkey::Credential;
use crate::core::secret::{Secret, SecretHash};
use crate::core::session::SessionKind;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change, Origin};
use crate::service::authority::Caller;
use crate::service::session::{self, LoggedIn};
use crate::service::ways::{self, Way};
use crate::service::{limits, refusal};
use crate::store::factor::challenge::{self, Challenge};
use crate::store::factor::passkey::{self, Passkey};
use crate::store::user::User;
use crate::store::{Tx, user};

/// How long a browser may take to answer.
const LASTS: Duration = Duration::from_secs(5 * 60);
/// Browsers that may be asked at once: after that the oldest are forgotten.
const MOST_ASKED: i64 = 10_000;
/// The most passkeys of an account.
const MOST: usize = 20;
/// The longest name, in characters.
const LONGEST_NAME: usize = 60;

/// A browser that answers what it was asked.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What its forms are bound to.
    pub browser: Secret,
    /// JSON of the standard's response types.
    pub json: String,
}

/// Where the coordinator's passkeys are good; none where browsers would not have any.
pub fn site(app: &App) -> Option<Site> {
    Site::of(&app.settings().url).filter(|_| app.settings().local_accounts)
}

fn here(app: &App) -> Result<Site> {
    session::require_local_accounts(app)?;
    let message = "browsers have passkeys over https, and at localhost, and not at this coordinator's URL";
    site(app).ok_or_else(|| {
        Error::new(Kind::Denied, "passkeys_not_here", message).hint("log in with your password and a code")
    })
}

/// What a browser is known by, of what its forms are bound to.
fn known_by(browser: &Secret) -> SecretHash {
    Secret::new(format!("passkey {}", browser.reveal())).hash()
}

/// Asks a browser for a passkey of whoever it is; gives what it is asked, as JSON.
pub async fn ask_to_show(app: &App, browser: &Secret, origin: &Origin) -> Result<String> {
    let site = here(app)?;
    limits::take(app, Allowance::PasskeyAddress, limits::network(origin))?;
    let asked = site.ask_to_show()?;
    let challenge = remembered(app, asked.challenge, asked.state, browser, None);
    app.store().write(move |tx| challenge::insert(tx, &challenge, MOST_ASKED)).await?;
    Ok(asked.options)
}

fn remembered(
    app: &App,
    challenge: Vec<u8>,
    state: Vec<u8>,
    browser: &Secret,
    user: Option<UserId>,
) -> Challenge {
    Challenge { challenge, browser_hash: known_by(browser), user, state, expires_at: app.now().plus(LASTS) }
}

/// Asks a browser to make a passkey for who is logged in there, if it may be called `name`; gives what the browser is
/// asked, as JSON.
pub async fn ask_to_make(app: &App, proven: &Proven, name: &str, browser: &Secret) -> Result<String> {
    let (site, user) = (here(app)?, proven.user());
    check_name(name)?;
    limits::take(app, Allowance::PasskeyAddress, limits::network(proven.actor().origin()))?;
    let known = app.store().read(move |read| passkey::of_user(read, user)).await?;
    if known.len() >= MOST {
        return Err(too_many());
    }
    let known: Vec<Credential> = known.into_iter().map(|passkey| passkey.credential).collect();
    let asked = site.ask_to_make(user, proven.email(), &known)?;
    let challenge = remembered(app, asked.challenge, asked.state, browser, Some(user));
    app.store().write(move |tx| challenge::insert(tx, &challenge, MOST_ASKED)).await?;
    Ok(asked.options)
}

fn too_many() -> Error {
    Error::new(Kind::Conflict, "too_many_passkeys", format!("an account has at most {MOST} passkeys"))
        .hint("remove one that you do not use")
}

/// Uses up what this browser was asked; gives what is needed to judge its answer. It counts once, whatever comes of it.
async fn take(app: &App, challenge: Vec<u8>, browser: &Secret, by: Option<UserId>) -> Result<Vec<u8>> {
    let (browser, now) = (known_by(browser), app.now());
    let take = move |tx: &mut Tx<'_>| {
        let found = challenge::find(tx, challenge.clone(), browser, now)?.filter(|found| found.user == by);
        match found {
            Some(found) if challenge::take(tx, challenge)? => Ok(found.state),
            _ => Err(refused("nobody asked for this, or too long ago")),
        }
    };
    app.store().write(take).await
}

/// Gives the account a passkey. Gives recovery codes where this is the account's first factor.
pub async fn make(app: &App, proven: Proven, name: &str, answer: Answer) -> Result<Option<Vec<Secret>>> {
    let (site, name, now) = (here(app)?, check_name(name)?, app.now());
    let made = Made::read(&answer.json)?;
    let asked = take(app, made.challenge()?, &answer.browser, Some(proven.user())).await?;
    let credential = site.made(&asked, &made)?;
    let new = Passkey {
        id: PasskeyId::new(now),
        user: proven.user(),
        name,
        credential,
        created_at: now,
        last_used_at: None,
    };
    let keep = move |tx: &mut Tx<'_>| {
        added(tx, &proven, now, |tx| {
            if passkey::of_user(tx, new.user)?.len() >= MOST {
                return Err(too_many());
            }
            if !passkey::insert(tx, &new)? {
                return Err(refused("somebody has this passkey already"));
            }
            audit::record(tx, now, proven.actor(), Change::new(Action::PasskeyCreate, new.id, &new.name))
        })
    };
    app.store().write(keep).await
}

fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    match (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        true => Ok(name.to_owned()),
        false => {
            let message = format!("the name of a passkey has 1 to {LONGEST_NAME} characters");
            Err(Error::usage("malformed_name", message)
                .hint("call it by where it is: laptop, phone, blue key"))
        }
    }
}

/// Takes a passkey off the account. The last way to log in stays: `last_way_in`.
pub async fn remove(app: &App, proven: Proven, id: PasskeyId) -> Result<()> {
    let (now, whole) = (app.now(), app.clone());
    let forget = move |tx: &mut Tx<'_>| {
        removed(tx, &proven, now, |tx| {
            let own = passkey::of_user(tx, proven.user())?.into_iter().find(|own| own.id == id);
            let own = own.ok_or_else(|| {
                Error::new(Kind::NotFound, "passkey_not_found", "you have no such passkey")
                    .hint("the settings list those that there are")
            })?;
            ways::of(tx, &whole, proven.user())?.spare(&Way::Passkey(own.id))?;
            passkey::delete(tx, proven.user(), own.id)?;
            audit::record(tx, now, proven.actor(), Change::new(Action::PasskeyDelete, own.id, own.name))
        })
    };
    app.store().write(forget).await
}

/// A passkey that was shown, and rightly.
#[derive(Clone, Debug)]
struct Found {
    passkey: Passkey,
    state: Vec<u8>,
}

impl Found {
    /// Uses the answer up. Fails where the passkey has been removed, or used, meanwhile.
    fn spend(self, tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
        match passkey::spend(tx, &self.passkey, self.state, now)? {
            true => Ok(()),
            false => Err(refused("it was used or removed meanwhile")),
        }
    }

    /// That it is the passkey of this account.
    fn of(self, user: UserId) -> Result<Found> {
        match self.passkey.user == user {
            true => Ok(self),
            false => Err(Error::new(
                Kind::Unauthenticated,
                "passkey_of_another",
                "this is another account's passkey",
            )
            .hint("take one of the account that you log in to")),
        }
    }
}

/// Judges a passkey that a browser shows. A passkey that is not known here, or not any more, is as wrong as any.
async fn judge(app: &App, answer: &Answer, origin: &Origin) -> Result<Found> {
    let site = here(app)?;
    limits::take(app, Allowance::PasskeyAddress, limits::network(origin))?;
    let shown = Shown::read(&answer.json)?;
    let asked = take(app, shown.challenge()?, &answer.browser, None).await?;
    let id = shown.credential();
    let known = app.store().read(move |read| passkey::by_credential(read, id)).await?;
    let passkey = known.ok_or_else(|| refused("it is nobody's here"))?;
    match site.shown(&asked, &shown, passkey.user, &passkey.credential) {
        Ok(state) => Ok(Found { passkey, state }),
        Err(error) => {
            if error.code() == "passkey_copied" {
                let change = Change::new(Action::PasskeyRefuse, passkey.id, &passkey.name);
                refusal::write(app, Actor::nobody(origin.clone()), change, &error).await;
            }
            Err(error)
        }
    }
}

/// Logs a browser in with a passkey alone: it stands for both factors.
pub async fn log_in(app: &App, answer: &Answer, label: String, origin: Origin) -> Result<LoggedIn> {
    let now = app.now();
    let tried = async {
        let found = judge(app, answer, &origin).await?;
        let (kind, by) = (SessionKind::Browser, Evidence::Factor(Factor::Passkey));
        let beginning = Beginning { kind, label, address: origin.address, by };
        let from = origin.clone();
        let begin = move |tx: &mut Tx<'_>| {
            let user = user::by_id(tx, found.passkey.user)?.ok_or_else(|| refused("it is of nobody"))?;
            found.spend(tx, now)?;
            match user::begin_proven_log_in(tx, user.id, now)? {
                true => session::open(tx, user, beginning, from, now),
                false => Err(session::disabled()),
            }
        };
        app.store().write(begin).await
    };
    let begun = tried.await;
    if let Err(error) = &begun {
        let change = Change::nameless(Action::SessionRefuse, "a passkey");
        refusal::write(app, Actor::nobody(origin), change, error).await;
    }
    begun
}

/// Ends a log-in whose password was right with a passkey.
pub async fn finish(app: &App, half: Half, answer: &Answer, origin: Origin) -> Result<LoggedIn> {
    let account = half.user.email.to_string();
    let tried = async {
        let found = judge(app, answer, &origin).await?.of(half.user.id)?;
        let spend = move |tx: &mut Tx<'_>, _: &User, _: &Actor, now: Timestamp| found.spend(tx, now);
        half::finish(app, half, Factor::Passkey, origin.clone(), spend).await
    };
    let finished = tried.await;
    if let Err(error) = &finished {
        session::note_refusal(app, &account, origin, error).await;
    }
    finished.map(|(begun, ())| begun)
}

/// Shows once more who somebody is who is logged in.
pub async fn prove(app: &App, caller: &Caller, answer: &Answer) -> Result<()> {
    let user = caller.person()?.user;
    let shown = judge(app, answer, caller.origin()).await.and_then(|found| found.of(user));
    let found = shown.as_ref().ok().cloned();
    let spend =
        move |tx: &mut Tx<'_>, _: &Actor, now: Timestamp| found.map_or(Ok(()), |found| found.spend(tx, now));
    let shown = shown.map(|_| Evidence::Factor(Factor::Passkey));
    proof::keep(app, caller, shown, spend).await
}
