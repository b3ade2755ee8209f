//! A request to authorize (RFC 6749 section 4.1.1): checked, shown to a person by whoever calls, then approved
//! or refused. What comes of it is always the URI that the browser goes to next.

use std::time::Duration;

use super::{client, invalid_request};
use crate::auth::oauth::client::Form;
use crate::auth::oauth::{CODE_PREFIX, pkce, redirect};
use crate::core::action::Action;
use crate::core::id::FamilyId;
use crate::core::oauth::ScopeSet;
use crate::core::role::{PERMISSIONS, Role, Scope, ViewOrganization};
use crate::core::secret::Secret;
use crate::core::{Error, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change};
use crate::service::authority::{Caller, May};
use crate::store::Tx;
use crate::store::oauth::app::AppRow;
use crate::store::oauth::code::{self as codes, NewCode};
use crate::store::oauth::family::{self, NewFamily};
use crate::store::oauth::grant::{self as grants, NewGrant};

/// How long a code is good.
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// The longest `nonce` that is kept, in bytes.
const LONGEST_NONCE: usize = 300;

/// A request that may be shown to a person.
#[derive(Clone, Debug)]
pub struct Asked {
    pub app: AppRow,
    pub back: Back,
    /// What the app asks for, as far as it may.
    pub scopes: ScopeSet,
    /// `prompt` (OpenID Connect Core section 3.1.2.1).
    pub prompt: Prompt,
    /// How long ago the person may have logged in at most.
    pub max_age: Option<Duration>,
    challenge: Option<String>,
    nonce: Option<String>,
}

/// What the app wants the person to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    Usual,
    /// Nothing: fail where it would have to be asked.
    None,
    /// The log-in, again.
    LogIn,
}

/// Where the browser goes with the answer.
#[derive(Clone, Debug)]
pub struct Back {
    pub uri: String,
    state: Option<String>,
    issuer: String,
}

impl Back {
    /// With an answer's parameters, the app's own `state`, and who answers (RFC 9207).
    fn with(&self, parameters: &[(&str, &str)]) -> Result<String> {
        let state = self.state.as_deref().map(|state| ("state", state));
        let all: Vec<_> =
            parameters.iter().copied().chain(state).chain([("iss", self.issuer.as_str())]).collect();
        redirect::with(&self.uri, &all)
    }

    /// With an error (RFC 6749 section 4.1.2.1).
    pub fn refused(&self, code: &str, description: &str) -> Result<String> {
        self.with(&[("error", code), ("error_description", description)])
    }
}

/// A request that is not shown to a person.
#[derive(Debug)]
pub enum Refusal {
    /// Nobody knows whether the redirect URI is the app's: the browser stays here, and shows this.
    Here(Error),
    /// The app is told.
    Back(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Here(error)
    }
}

/// Checks a request.
pub async fn check(app: &App, form: &Form) -> Result<Asked, Refusal> {
    let id = form.need("client_id")?;
    let row = client::find(app, id).await?.ok_or_else(unknown_app)?;
    let uri = form.need("redirect_uri")?;
    if !redirect::is_registered(uri, &row.redirect_uris) {
        return Err(Refusal::Here(foreign_redirect(&row)));
    }
    let back = Back {
        uri: uri.to_owned(),
        state: form.get("state").map(str::to_owned),
        issuer: app.settings().url.to_string(),
    };
    read(form, row, back.clone()).map_err(|e| match back.refused(e.code(), e.message()) {
        Ok(uri) => Refusal::Back(uri),
        Err(e) => Refusal::Here(e),
    })
}

fn unknown_app() -> Error {
    let message = "no app is registered here under this client_id, or it was revoked";
    Error::usage("unknown_app", message).hint("go back to the app, and ask whoever runs it")
}

fn foreign_redirect(app: &AppRow) -> Error {
    let message = format!("{} wants the answer sent to an address that it did not register", app.name);
    Error::usage("redirect_uri_mismatch", message)
        .hint("nothing was sent there; whoever runs the app registers each of its redirect URIs")
}

/// What an app is told by redirect when it is wrong.
fn read(form: &Form, app: AppRow, back: Back) -> Result<Asked> {
    if form.get("request").is_some() {
        return Err(Error::usage("request_not_supported", "request objects are not taken"));
    }
    if form.get("request_uri").is_some() {
        return Err(Error::usage("request_uri_not_supported", "request objects are not taken"));
    }
    if form.need("response_type")? != "code" {
        return Err(Error::usage("unsupported_response_type", "response_type must be code"));
    }
    if form.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(invalid_request("response_mode must be query"));
    }
    let challenge = pkce::challenge(form.get("code_challenge"), form.get("code_challenge_method"))?;
    if challenge.is_none() && app.secret.is_none() {
        return Err(invalid_request("a public client sends code_challenge (PKCE, S256)"));
    }
    let nonce = form.get("nonce").map(str::to_owned);
    if nonce.as_ref().is_some_and(|nonce| nonce.len() > LONGEST_NONCE) {
        return Err(invalid_request("nonce is too long"));
    }
    let scopes = wanted(form.get("scope"), &app)?;
    Ok(Asked { scopes, prompt: prompt(form)?, max_age: max_age(form)?, app, back, challenge, nonce })
}

/// The scopes that are asked for, as far as the app may; none of them is `invalid_scope`.
pub(super) fn wanted(text: Option<&str>, app: &AppRow) -> Result<ScopeSet> {
    let asked: ScopeSet = text.unwrap_or_default().parse()?;
    let scopes = asked.and(&app.scopes);
    match scopes.is_empty() {
        false => Ok(scopes),
        true => Err(Error::usage("invalid_scope", format!("ask for one of: {}", app.scopes))),
    }
}

fn prompt(form: &Form) -> Result<Prompt> {
    let words: Vec<&str> = form.get("prompt").unwrap_or_default().split(' ').collect();
    match words.as_slice() {
        ["none"] => Ok(Prompt::None),
        words if words.contains(&"none") => Err(invalid_request("prompt=none stands alone")),
        words if words.contains(&"login") => Ok(Prompt::LogIn),
        _ => Ok(Prompt::Usual),
    }
}

fn max_age(form: &Form) -> Result<Option<Duration>> {
    let read = |text: &str| text.parse().map(Duration::from_secs);
    form.get("max_age").map(read).transpose().map_err(|_| invalid_request("max_age is a number of seconds"))
}

/// What a person decides.
#[derive(Clone, Debug)]
pub struct Consent {
    /// The organization that the app may act in, by id.
    pub org: String,
    /// What of the asked is granted.
    pub scopes: ScopeSet,
}

/// The person lets the app in. Gives the URI that the browser goes to, with a code.
pub async fn approve(app: &App, caller: &Caller, asked: Asked, consent: Consent) -> Result<String> {
    let (secret, now) = (Secret::random(CODE_PREFIX), app.now());
    let granting = granting(app, caller, &asked.app, &asked.scopes, consent).await?;
    let Some(granting) = granting else { return refuse(app, caller, &asked).await };
    let Asked { back, challenge, nonce, .. } = asked;
    let uri = back.with(&[("code", secret.reveal())])?;
    let (hash, redirect_uri, expires_at) = (secret.hash(), back.uri, now.plus(CODE_LIFETIME));
    let write = move |tx: &mut Tx<'_>| {
        let family = granting.record(tx, nonce, now)?;
        codes::insert(tx, NewCode { hash, family, redirect_uri, challenge, expires_at })
    };
    app.store().write(write).await?;
    Ok(uri)
}

/// The person does not. Gives the URI that the browser goes to.
pub async fn refuse(app: &App, caller: &Caller, asked: &Asked) -> Result<String> {
    let (actor, now) = (caller.actor(), app.now());
    let change = Change::new(Action::GrantRefuse, asked.app.id, &asked.app.name);
    app.store().write(move |tx| audit::record(tx, now, &actor, change)).await?;
    asked.back.refused("access_denied", "the person did not allow it")
}

/// A grant that is about to be made.
pub(super) struct Granting {
    new: NewGrant,
    app_name: String,
    actor: Actor,
    logged_in_at: Timestamp,
}

/// What a person grants an app: of the asked scopes those that they leave to it and that their role has any
/// use for. `None` where nothing is left.
pub(super) async fn granting(
    app: &App,
    caller: &Caller,
    to: &AppRow,
    asked: &ScopeSet,
    consent: Consent,
) -> Result<Option<Granting>> {
    let person = caller.person()?;
    let may = May::<ViewOrganization>::check(app, caller, Some(&consent.org)).await?;
    let role = may.role().unwrap_or(Role::Member);
    let scopes = asked.and(&consent.scopes).and(&within(role));
    if scopes.is_empty() {
        return Ok(None);
    }
    Ok(Some(Granting {
        new: NewGrant { app: to.id, org: may.org(), user: person.user, own: false, scopes },
        app_name: to.name.clone(),
        actor: may.actor().clone(),
        logged_in_at: person.logged_in_at,
    }))
}

/// The scopes by which somebody of this role can do anything: nobody hands on more than they have.
pub fn within(role: Role) -> ScopeSet {
    let usable =
        |scope: &Scope| PERMISSIONS.iter().any(|(_, least, needs)| *needs == Some(*scope) && role >= *least);
    let api = Scope::ALL.iter().copied().filter(usable);
    ScopeSet::of(api).with_openid()
}

impl Granting {
    /// Writes the grant and an empty family of tokens.
    pub(super) fn record(self, tx: &mut Tx<'_>, nonce: Option<String>, now: Timestamp) -> Result<FamilyId> {
        let (org, scopes) = (self.new.org, self.new.scopes.clone());
        let grant = grants::put(tx, self.new, now)?;
        let name = format!("{} may {scopes}", self.app_name);
        audit::record(tx, now, &self.actor, Change::new(Action::GrantCreate, grant, name).of(org))?;
        let logged_in_at = Some(self.logged_in_at);
        family::insert(tx, NewFamily { grant, scopes, nonce, logged_in_at }, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_hands_on_what_their_role_has_no_use_for() {
        let words = "openid offline_access nodes:read profile:read";
        assert_eq!(within(Role::Member).to_string(), words);
        assert_eq!(within(Role::Admin), ScopeSet::all());
    }
}
