//! The way of a browser to a provider and back. What it leaves with is remembered for ten minutes, counts once,
//! and only for the browser that left: the state by its hash, the browser by the secret in its cookie.

use std::time::Duration;

use super::account;
use super::identity;
use super::membership;
use super::provider;
use crate::auth::oidc::flow::{Flow, Proven};
use crate::auth::session::Beginning;
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::evidence::Evidence;
use crate::core::id::UserId;
use crate::core::provider::Configured;
use crate::core::secret::Secret;
use crate::core::session::SessionKind;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{Actor, Change, Origin};
use crate::service::authority::Caller;
use crate::service::limits::{self, network};
use crate::service::oauth::grant;
use crate::service::refusal;
use crate::service::session::{self, LoggedIn};
use crate::store::oidc::login_state::{self, LoginState};
use crate::store::oidc::origin;
use crate::store::{Tx, session as sessions, user};

/// When somebody showed who they are of whom nothing is known of that.
const NEVER: Timestamp = Timestamp::from_millis(0);

/// How long a browser may be away.
pub const AWAY: Duration = Duration::from_secs(600);

/// A browser that wants to go to a provider.
#[derive(Clone, Debug)]
pub struct Departure {
    /// The provider's name.
    pub provider: String,
    /// What its cookie holds, where it has one from a log-in that it began before.
    pub browser: Option<Secret>,
    /// Where it was going.
    pub next: Option<String>,
    /// Who wants the identity there for their account.
    pub link_to: Option<UserId>,
    /// Who it is has logged in here already, and is to show it anew.
    pub anew: bool,
}

/// Where to.
#[derive(Clone, Debug)]
pub struct Journey {
    pub url: String,
    /// What the provider's button says.
    pub title: String,
    /// What the browser's cookie is to hold.
    pub browser: Secret,
}

/// What a browser brings back (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Clone, Debug, Default)]
pub struct Return {
    /// The provider's name.
    pub provider: String,
    pub state: Option<Secret>,
    pub code: Option<Secret>,
    pub error: Option<String>,
    pub issuer: Option<String>,
    /// What its cookie holds.
    pub browser: Option<Secret>,
}

/// What came of it.
#[derive(Debug)]
pub enum Arrival {
    LoggedIn {
        begun: Box<LoggedIn>,
        next: Option<String>,
    },
    /// The account that was logged in has one more identity.
    Linked {
        title: String,
    },
}

/// The path below the coordinator's URL that a provider sends browsers back to.
pub fn return_path(provider: &str) -> String {
    format!("/auth/oidc/{provider}/callback")
}

fn flow(app: &App, configured: Configured, browser: Secret, state: Secret) -> Flow {
    let path = return_path(&configured.provider.name.to_string());
    let redirect = format!("{}{path}", app.settings().url);
    Flow { provider: configured.provider, secret: configured.secret, redirect, browser, state }
}

/// Sends a browser to a provider.
pub async fn depart(app: &App, departure: Departure, from: &Origin) -> Result<Journey> {
    let name = departure.provider.clone();
    let outcome = send(app, departure, from).await;
    noted(app, &name, from, outcome).await
}

async fn send(app: &App, departure: Departure, from: &Origin) -> Result<Journey> {
    let now = app.now();
    limits::take(app, Allowance::DepartureAddress, network(from))?;
    // Bounds the rows of `login_states`.
    limits::take(app, Allowance::DepartureAll, ())?;
    let configured = provider::find(app, &departure.provider).await?;
    let metadata = app.oidc().directory.metadata(&configured.provider, now).await?;
    let browser = departure.browser.unwrap_or_else(|| Secret::random(""));
    let flow = flow(app, configured, browser, Secret::random(""));
    let url = flow.authorization_url(&metadata, departure.anew)?;
    let state = LoginState {
        state_hash: flow.state.hash(),
        browser_hash: flow.browser.hash(),
        provider: flow.provider.name.to_string(),
        next_path: departure.next,
        link_to: departure.link_to,
        expires_at: now.plus(AWAY),
        used_at: None,
    };
    app.store().write(move |tx| login_state::insert(tx, &state)).await?;
    Ok(Journey { url, title: flow.provider.title().to_owned(), browser: flow.browser })
}

/// Takes a browser in that comes back from a provider. `caller` is who is logged in with it already.
pub async fn arrive(
    app: &App,
    back: Return,
    caller: Option<&Caller>,
    label: String,
    from: Origin,
) -> Result<Arrival> {
    let name = back.provider.clone();
    let outcome = take_in(app, back, caller, label, from.clone()).await;
    noted(app, &name, &from, outcome).await
}

/// Passes an outcome on; whatever failed is in the audit trail. Of what the browser brought nothing is kept: the
/// provider is named only if there is one of that name.
pub(super) async fn noted<T>(app: &App, provider: &str, from: &Origin, outcome: Result<T>) -> Result<T> {
    if let Err(failure) = &outcome {
        let all = provider::all(app).await.unwrap_or_default();
        let is_known = all.iter().any(|known| known.name.to_string() == provider);
        let name = if is_known { provider } else { "an unknown provider" };
        let change = Change::nameless(Action::IdentityRefuse, name);
        refusal::write_failure(app, Actor::nobody(from.clone()), change, failure).await;
    }
    outcome
}

async fn take_in(
    app: &App,
    back: Return,
    caller: Option<&Caller>,
    label: String,
    from: Origin,
) -> Result<Arrival> {
    let remembered = recognize(app, &back).await?;
    let configured = provider::find(app, &remembered.provider).await?;
    if back.issuer.as_deref().is_some_and(|issuer| issuer != configured.provider.issuer.as_str()) {
        return Err(issuer_mismatch());
    }
    if let Some(error) = &back.error {
        return Err(refused(&configured, error));
    }
    let code = back.code.ok_or_else(|| refused(&configured, "no code"))?;
    let (browser, state) = back.browser.zip(back.state).ok_or_else(state_unknown)?;
    let flow = flow(app, configured, browser, state);
    let proven = flow.redeem(&app.oidc().directory, code.reveal(), app.now()).await?;
    match remembered.link_to {
        Some(user) => {
            require_same(caller, user)?;
            identity::link(app, &flow.provider, &proven.claims, user, from).await?;
            Ok(Arrival::Linked { title: flow.provider.title().to_owned() })
        }
        None => {
            let begun = begin(app, flow, proven, label, from).await?;
            Ok(Arrival::LoggedIn { begun: Box::new(begun), next: remembered.next_path })
        }
    }
}

/// What was remembered when this browser left; it is used up with that.
async fn recognize(app: &App, back: &Return) -> Result<LoginState> {
    let state = back.state.as_ref().ok_or_else(state_unknown)?.hash();
    let (browser, provider, now) = (back.browser.clone(), back.provider.clone(), app.now());
    let take = move |tx: &mut Tx<'_>| {
        let found = login_state::find(tx, state)?.filter(|found| found.provider == provider);
        let found = found.ok_or_else(state_unknown)?;
        if !browser.is_some_and(|browser| found.browser_hash.matches(&browser)) {
            return Err(other_browser());
        }
        if found.used_at.is_some() {
            return Err(state_used());
        }
        if now >= found.expires_at {
            return Err(state_expired());
        }
        match login_state::take(tx, state, now)? {
            true => Ok(found),
            false => Err(state_used()),
        }
    };
    app.store().write(take).await
}

fn require_same(caller: Option<&Caller>, user: UserId) -> Result<()> {
    match caller.and_then(|caller| caller.person().ok()).is_some_and(|person| person.user == user) {
        true => Ok(()),
        false => {
            Err(Error::new(Kind::Denied, "link_lost", "you are not logged in any more as who began this")
                .hint("log in, and begin again in the settings"))
        }
    }
}

async fn begin(app: &App, flow: Flow, proven: Proven, label: String, from: Origin) -> Result<LoggedIn> {
    let provider = flow.provider;
    let by = Evidence::Provider(provider.name.clone());
    let beginning = Beginning { kind: SessionKind::Browser, label, address: from.address, by };
    let now = app.now();
    let begin = move |tx: &mut Tx<'_>| {
        let user = account::open(tx, &provider, &proven.claims, &from, now)?;
        if !user::begin_proven_log_in(tx, user.id, now)? {
            return Err(account::disabled());
        }
        let begun = session::open(tx, user, beginning, from.clone(), now)?;
        // A browser that the provider knew has shown nothing now.
        sessions::note_proof(tx, begun.session.id, proven.shown_at.unwrap_or(NEVER))?;
        let ended = membership::apply(tx, &provider, &proven.claims, &begun.user, &from, now)?;
        let subject = account::subject(&provider, &proven.claims)?.to_owned();
        let sid = proven.claims.text("sid").map(str::to_owned);
        let came = origin::Origin {
            session: begun.session.id,
            provider: provider.name.to_string(),
            issuer: provider.issuer.to_string(),
            subject,
            sid,
            id_token: proven.id_token,
        };
        origin::insert(tx, &came)?;
        Ok((begun, ended))
    };
    grant::change(app, begin).await
}

const AGAIN: &str = "begin again at the log-in page";

fn state_unknown() -> Error {
    Error::new(Kind::Denied, "login_state_unknown", "this is not the end of a log-in that was begun here")
        .hint(AGAIN)
}

fn other_browser() -> Error {
    Error::new(Kind::Denied, "login_state_other_browser", "this log-in was begun in another browser")
        .hint("begin again at the log-in page, with cookies allowed, and stay in one browser")
}

fn state_used() -> Error {
    Error::new(Kind::Denied, "login_state_used", "this log-in has come to its end already").hint(AGAIN)
}

fn state_expired() -> Error {
    Error::new(Kind::Denied, "login_state_expired", "this log-in took longer than ten minutes").hint(AGAIN)
}

fn issuer_mismatch() -> Error {
    Error::new(Kind::Denied, "issuer_mismatch", "another provider answered than the one that was asked")
        .hint(AGAIN)
}

/// What the provider's answer says is shown only where it is one of the standard's words: everything else anybody
/// may have written.
fn refused(configured: &Configured, error: &str) -> Error {
    const KNOWN: [&str; 7] = [
        "access_denied",
        "login_required",
        "interaction_required",
        "consent_required",
        "temporarily_unavailable",
        "server_error",
        "invalid_scope",
    ];
    let word = KNOWN.iter().find(|known| **known == error).copied().unwrap_or("no reason that is known here");
    let message = format!("the provider {} did not log you in: {word}", configured.provider.name);
    Error::new(Kind::Denied, "log_in_refused", message)
        .hint("begin again at the log-in page, or log in another way")
        .source(error.chars().take(200).collect::<String>())
}
