//! The token endpoint (RFC 6749 section 3.2): codes, refresh tokens, device codes and an app's own credentials
//! become access tokens.

use std::time::Duration;

use super::client::Client;
use super::{authorize, denied, device, invalid_grant, invalid_request, limits};
use crate::auth::oauth::client::Form;
use crate::auth::oauth::{REFRESH_PREFIX, access_token, pkce};
use crate::core::action::Action;
use crate::core::id::{AppId, OrgId, UserId};
use crate::core::oauth::ScopeSet;
use crate::core::role::Scope;
use crate::core::secret::Secret;
use crate::core::user::Email;
use crate::core::{Error, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change, Origin};
use crate::store::Tx;
use crate::store::oauth::app::AppRow;
use crate::store::oauth::code as codes;
use crate::store::oauth::family::{self, NewFamily};
use crate::store::oauth::grant::{self as grants, NewGrant};
use crate::store::oauth::token::{self as tokens, Family, NewToken};

/// How long an access token is good.
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(3600);
/// How long a refresh token is good that nobody uses.
pub const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 86_400);
/// The name of the device grant (RFC 8628 section 3.4).
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a client is given.
#[derive(Debug)]
pub struct Issued {
    pub access: Secret,
    pub expires_in: Duration,
    pub refresh: Option<Secret>,
    pub scopes: ScopeSet,
    /// Where the token counts. The command line's is a log-in, which counts wherever its person is a member.
    pub organization: Option<(OrgId, String)>,
    /// For an ID token, where `openid` was granted.
    pub identity: Option<Identity>,
}

/// Who logged in, for one app.
#[derive(Clone, Debug)]
pub struct Identity {
    pub user: UserId,
    /// Where `profile:read` was granted.
    pub email: Option<Email>,
    pub app: AppId,
    pub nonce: Option<String>,
    pub logged_in_at: Option<Timestamp>,
}

/// A refusal that is written down: the transaction is not undone.
pub(super) type Settled = Result<Issued>;

/// Gives a client its tokens.
pub async fn exchange(app: &App, client: Client, form: &Form, origin: Origin) -> Result<Issued> {
    limits::token(app, &client, &origin)?;
    match form.need("grant_type")? {
        "authorization_code" => redeem_code(app, client.app()?, form, origin).await,
        "refresh_token" => refresh(app, client.app()?, form, origin).await,
        "client_credentials" => act_for_itself(app, client.app()?, form).await,
        DEVICE_GRANT => device::redeem(app, client, form, origin).await,
        _ => Err(Error::usage("unsupported_grant_type", "this grant_type is not taken")),
    }
}

async fn redeem_code(app: &App, client: AppRow, form: &Form, origin: Origin) -> Result<Issued> {
    let code = Secret::new(form.need("code")?).hash();
    let uri = form.need("redirect_uri")?.to_owned();
    let (verifier, now) = (form.get("code_verifier").map(str::to_owned), app.now());
    let redeem = move |tx: &mut Tx<'_>| -> Result<Settled> {
        let unknown = || invalid_grant("this code is unknown, over, or another client's");
        let row = codes::find(tx, code)?.filter(|row| row.app == client.id).ok_or_else(unknown)?;
        if !codes::take(tx, code, now)? {
            let why = "this code was redeemed before: what came of it has ended";
            return end_family(tx, &client, row.family, origin, now).map(|()| Err(invalid_grant(why)));
        }
        if row.expires_at <= now {
            return Err(unknown());
        }
        if row.redirect_uri != uri {
            return Err(invalid_grant("redirect_uri is not that of the request"));
        }
        pkce::verify(row.challenge.as_deref(), verifier.as_deref())?;
        let family = tokens::live_family(tx, row.family)?.ok_or_else(unknown)?;
        begin(tx, &family, now).map(Ok)
    };
    app.store().write(redeem).await?
}

/// Somebody has a copy: nobody can tell who is who, so everybody's tokens end (RFC 9700 sections 2.1.1, 4.14.2).
fn end_family(
    tx: &mut Tx<'_>,
    client: &AppRow,
    id: crate::core::id::FamilyId,
    origin: Origin,
    now: Timestamp,
) -> Result<()> {
    let standing = tokens::live_family(tx, id)?;
    family::end(tx, id, now)?;
    let Some(standing) = standing else { return Ok(()) };
    let actor = Actor::app(client.id, &client.name, &standing.email, origin);
    let change = Change::new(Action::GrantReplay, standing.grant, &client.name);
    audit::record(tx, now, &actor, change.of(standing.org))
}

/// The first tokens of a family. A refresh token is given to an app that works for a person; to one that only
/// asks who logged in, when it says so by `offline_access`.
pub(super) fn begin(tx: &mut Tx<'_>, family: &Family, now: Timestamp) -> Result<Issued> {
    let scopes = family.scopes.and(&family.grant_scopes);
    let refresh = scopes.offline || !scopes.openid;
    issue(tx, family, (scopes.clone(), scopes), refresh && !family.own, now)
}

/// `scopes`: of the access token, and of the refresh token.
fn issue(
    tx: &mut Tx<'_>,
    family: &Family,
    scopes: (ScopeSet, ScopeSet),
    with_refresh: bool,
    now: Timestamp,
) -> Result<Issued> {
    let (scopes, kept) = scopes;
    let access = access_token();
    let token = |secret: &Secret, refresh, scopes, lifetime| NewToken {
        hash: secret.hash(),
        family: family.id,
        refresh,
        scopes,
        expires_at: now.plus(lifetime),
    };
    tokens::insert(tx, token(&access, false, scopes.clone(), ACCESS_LIFETIME), now)?;
    let refresh = with_refresh.then(|| Secret::random(REFRESH_PREFIX));
    if let Some(refresh) = &refresh {
        tokens::insert(tx, token(refresh, true, kept, REFRESH_LIFETIME), now)?;
    }
    let identity = scopes.openid.then(|| Identity {
        user: family.user,
        email: scopes.has(Scope::ProfileRead).then(|| family.email.clone()),
        app: family.app,
        nonce: family.nonce.clone(),
        logged_in_at: family.logged_in_at,
    });
    let organization = Some((family.org, family.org_name.clone()));
    Ok(Issued { access, expires_in: ACCESS_LIFETIME, refresh, scopes, organization, identity })
}

/// Another refresh token in the place of this one, which is worth nothing from then on.
async fn refresh(app: &App, client: AppRow, form: &Form, origin: Origin) -> Result<Issued> {
    let hash = Secret::new(form.need("refresh_token")?).hash();
    let narrower: Option<ScopeSet> = form.get("scope").map(str::parse).transpose()?;
    let now = app.now();
    let rotate = move |tx: &mut Tx<'_>| -> Result<Settled> {
        let unknown = || invalid_grant("this refresh token is unknown, over, revoked, or another client's");
        let held = tokens::find(tx, hash)?.ok_or_else(unknown)?;
        if held.family.app != client.id || !held.refresh || held.expires_at <= now {
            return Err(unknown());
        }
        if !tokens::replace(tx, hash, now)? {
            let why = "this refresh token was used before: what came of it has ended";
            return end_family(tx, &client, held.family.id, origin, now).map(|()| Err(invalid_grant(why)));
        }
        let scopes = match narrower {
            Some(narrower) if !held.family.scopes.covers(&narrower) => {
                return Err(Error::usage("invalid_scope", "this is more than was granted"));
            }
            Some(narrower) => narrower.and(&held.scopes),
            None => held.scopes.clone(),
        };
        // OpenID Connect Core section 12.2: the nonce is for the first ID token.
        let family = Family { nonce: None, ..held.family };
        issue(tx, &family, (scopes, held.scopes), true, now).map(Ok)
    };
    app.store().write(rotate).await?
}

/// Client credentials (RFC 6749 section 4.4): an app that keeps a secret acts for the organization that it
/// belongs to, as far as whoever registered it may.
async fn act_for_itself(app: &App, client: AppRow, form: &Form) -> Result<Issued> {
    if client.secret.is_none() {
        return Err(denied("unauthorized_client", "a public client has no credentials of its own"));
    }
    let most = ScopeSet::of(client.scopes.api());
    let scopes = match form.get("scope") {
        Some(_) => ScopeSet::of(authorize::wanted(form.get("scope"), &client)?.api()),
        None => most.clone(),
    };
    if scopes.is_empty() {
        return Err(Error::usage("invalid_scope", format!("ask for one of: {most}")));
    }
    let now = app.now();
    let issue_own = move |tx: &mut Tx<'_>| {
        let (app, org, user) = (client.id, client.org_id, client.created_by);
        let grant = grants::put(tx, NewGrant { app, org, user, own: true, scopes: most }, now)?;
        let new = NewFamily { grant, scopes, nonce: None, logged_in_at: None };
        let family = family::insert(tx, new, now)?;
        let gone = || denied("unauthorized_client", "whoever registered this app is no member any more");
        let family = tokens::live_family(tx, family)?.ok_or_else(gone)?;
        begin(tx, &family, now)
    };
    app.store().write(issue_own).await
}

/// The parameter of a device code, or of whatever else is a secret that the client shows.
pub(super) fn need_secret(form: &Form, name: &str) -> Result<Secret> {
    form.secret(name).ok_or_else(|| invalid_request(format!("the parameter {name} is missing")))
}
