//! Log-outs at either end: where a browser goes to log out at its provider too (OpenID Connect RP-Initiated Logout
//! 1.0), and what a provider tells this coordinator of log-outs there (OpenID Connect Back-Channel Logout 1.0).

use super::{log_in, provider};
use crate::auth::oidc::claims::Claims;
use crate::auth::oidc::jwt::{self, Signed};
use crate::auth::oidc::{LEEWAY, flow};
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::id::SessionId;
use crate::core::provider::Provider;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change, Origin};
use crate::service::limits;
use crate::store::Tx;
use crate::store::oidc::{logout_token, origin};

/// The event that makes a token a logout token (Back-Channel Logout 1.0 section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// A logout token that lasts longer is not believed: its use must be remembered for so long.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(3600);
/// The longest id of a token or session, in bytes.
const LONGEST_ID: usize = 255;

/// Where the browser of a log-in logs out at the provider that it came from: what that is called, and the URL; none where it came from none, or the
/// provider has no such place or is away: it is logged out here in any case.
pub async fn onward(app: &App, session: SessionId) -> Result<Option<(String, String)>> {
    let Some(came) = app.store().read(move |read| origin::find(read, session)).await? else {
        return Ok(None);
    };
    let Ok(configured) = provider::find(app, &came.provider).await else { return Ok(None) };
    let Ok(metadata) = app.oidc().directory.metadata(&configured.provider, app.now()).await else {
        return Ok(None);
    };
    let back = format!("{}/login", app.settings().url);
    let url = flow::log_out_url(&metadata, &configured.provider, &came.id_token, &back);
    Ok(url.map(|url| (configured.provider.title().to_owned(), url)))
}

/// What a provider tells of a log-out; gives how many log-ins ended here. Tokens that count for nothing are limited by
/// address as other credentials are, and in the audit trail as `identity.refuse`.
pub async fn told(app: &App, name: &str, token: &Secret, from: Origin) -> Result<u64> {
    let told = carry_out(app, name, token, from.clone()).await;
    let judged = limits::judge(app, Allowance::CredentialAddress, &from, is_guess, told);
    log_in::noted(app, name, &from, judged).await
}

/// A token that counts for nothing, or for no provider here; not one that could not be judged.
fn is_guess(error: &Error) -> bool {
    matches!(error.kind(), Kind::Usage | Kind::NotFound)
}

async fn carry_out(app: &App, name: &str, token: &Secret, from: Origin) -> Result<u64> {
    let configured = provider::find(app, name).await?;
    let (provider, now) = (configured.provider, app.now());
    // Where the keys are not to be had the token is not refused: the provider tells again (section 2.8).
    let signed = jwt::check(&app.oidc().directory, &provider, token.reveal(), now).await?.map_err(refused)?;
    let logout = Logout::read(&provider, &signed, now).map_err(refused)?;
    app.store().write(move |tx| logout.carry_out(tx, from, now)).await
}

fn refused(reason: &str) -> Error {
    Error::new(Kind::Usage, "logout_token_invalid", format!("this logout token does not count: {reason}"))
}

/// What a logout token says, once it has been checked.
struct Logout {
    provider: Provider,
    token_id: String,
    subject: Option<String>,
    sid: Option<String>,
    expires_at: Timestamp,
}

impl Logout {
    /// The checks of Back-Channel Logout 1.0 section 2.6, the signature and issuer apart.
    fn read(provider: &Provider, signed: &Signed, now: Timestamp) -> Result<Self, &'static str> {
        let Signed { kind, claims } = signed;
        if !kind.as_deref().is_none_or(|kind| matches!(kind, "logout+jwt" | "jwt")) {
            return Err("it is another kind of token");
        }
        if !claims.audiences().contains(&provider.client_id.as_str()) {
            return Err("it is for another client");
        }
        let is_event =
            claims.0.get("events").and_then(|events| events.get(EVENT)).is_some_and(|e| e.is_object());
        if !is_event || claims.0.contains_key("nonce") {
            return Err("it tells of no log-out");
        }
        let expires_at = claims.time("exp").filter(|at| at.since(now) <= LONGEST);
        let expires_at = expires_at.ok_or("it has no end, or a late one")?;
        if claims.time("iat").is_none() || claims.untimely(now, LEEWAY).is_some() {
            return Err("it is not good now");
        }
        let id = |claims: &Claims, name: &str| {
            claims.text(name).filter(|id| id.len() <= LONGEST_ID).map(str::to_owned)
        };
        let token_id = id(claims, "jti").ok_or("it has no id")?;
        let (subject, sid) = (id(claims, "sub"), id(claims, "sid"));
        match subject.is_some() || sid.is_some() {
            true => Ok(Logout { provider: provider.clone(), token_id, subject, sid, expires_at }),
            false => Err("it names neither a session nor a person"),
        }
    }

    fn carry_out(self, tx: &mut Tx<'_>, from: Origin, now: Timestamp) -> Result<u64> {
        let issuer = self.provider.issuer.as_str();
        // Until its last moment anywhere, the leeway included.
        if !logout_token::insert(tx, issuer, &self.token_id, self.expires_at.plus(LEEWAY))? {
            return Err(refused("it was used before"));
        }
        let ended = origin::revoke(tx, issuer, self.subject.as_deref(), self.sid.as_deref(), now)?;
        let actor = Actor::coordinator(from);
        for (session, _) in &ended {
            let change =
                Change::new(Action::SessionRevoke, session, format!("logged out at {}", self.provider.name));
            audit::record(tx, now, &actor, change)?;
        }
        Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
    }
}
