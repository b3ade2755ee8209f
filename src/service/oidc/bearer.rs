//! Bearer tokens that a provider made (RFC 9068, and what Keycloak makes): the API takes them where the operator
//! has named for whom they are made. They stand for a person, as a log-in does, until they are over.

use std::net::IpAddr;
use std::time::Duration;

use super::account;
use super::provider;
use crate::auth::oidc::LEEWAY;
use crate::auth::oidc::claims::Claims;
use crate::auth::oidc::jwt::{self, Signed};
use crate::core::provider::Provider;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{Actor, Origin};
use crate::service::authority::{Caller, Person, Principal};
use crate::service::oauth::grant;
use crate::service::organization::ensure_personal;
use crate::store::Tx;
use crate::store::user::{self, User};

/// Who shows `token`, the access token of a provider.
pub async fn authenticate(app: &App, token: &Secret, origin: Origin) -> Result<Caller> {
    let provider = issuer_of(app, token).await?;
    let now = app.now();
    let refused = |reason| not_accepted(reason, origin.address);
    let signed = jwt::check(&app.oidc().directory, &provider, token.reveal(), now).await?.map_err(refused)?;
    check(&provider, &signed, now).map_err(refused)?;
    let expires_at = signed.claims.time("exp").unwrap_or(now);
    let logged_in_at = signed.claims.time("auth_time").unwrap_or(now);
    let user = owner(app, provider, signed.claims, origin.clone()).await?;
    let person = Person {
        user: user.id,
        number: user.number,
        email: user.email,
        admin: user.admin,
        session: None,
        session_expires_at: expires_at,
        logged_in_at,
        proven_at: logged_in_at,
    };
    Ok(Caller { principal: Principal::Person(person), origin })
}

async fn issuer_of(app: &App, token: &Secret) -> Result<Provider> {
    let issuer = jwt::claimed_issuer(token.reveal());
    let all = provider::all(app).await?;
    let accepts =
        |p: &Provider| Some(p.issuer.as_str()) == issuer.as_deref() && !p.bearer_audiences.is_empty();
    all.into_iter()
        .find(accepts)
        .ok_or_else(|| not_accepted("no provider whose tokens are taken made it", None))
}

/// That it is an access token, now, and made for who is configured. Keycloak names nobody in `aud` where a client
/// has no roles; there `azp` says who asked for it.
fn check(provider: &Provider, signed: &Signed, now: Timestamp) -> Result<(), &'static str> {
    let Signed { kind, claims } = signed;
    let is_access = kind.as_deref().is_none_or(|kind| matches!(kind, "jwt" | "at+jwt"));
    let says = claims.text("typ").is_none_or(|typ| typ.eq_ignore_ascii_case("bearer"));
    let of_log_in = ["nonce", "at_hash", "c_hash", "events"].iter().any(|name| claims.0.contains_key(*name));
    if !is_access || !says || of_log_in {
        return Err("it is no access token");
    }
    if claims.untimely(now, LEEWAY).is_some() {
        return Err("it is not good now");
    }
    let named = |audience: &str| provider.bearer_audiences.iter().any(|wanted| wanted == audience);
    let audiences = claims.audiences();
    let party = claims.text("azp").or_else(|| claims.text("client_id"));
    match audiences.iter().any(|audience| named(audience)) || party.is_some_and(named) {
        true => Ok(()),
        false => Err("it was made for somebody else"),
    }
}

/// How often the rules look at the tokens of one person: most calls write nothing.
const LOOKED_AT: Duration = Duration::from_secs(3600);

/// Whether the rules are to look at a token: one that says nothing of what they ask for proves nothing, neither that
/// somebody is in a group nor that they are not.
fn is_due(provider: &Provider, claims: &Claims, last_used_at: Timestamp, now: Timestamp) -> bool {
    now.since(last_used_at) >= LOOKED_AT && provider.rules.iter().all(|rule| claims.speaks_of(&rule.claim))
}

/// The account of whoever the token speaks of, made where that is switched on. Rules count here as at a log-in.
async fn owner(app: &App, provider: Provider, claims: Claims, from: Origin) -> Result<User> {
    let subject = account::subject(&provider, &claims)?.to_owned();
    let now = app.now();
    let known = {
        let (provider, subject) = (provider.clone(), subject);
        app.store().read(move |read| account::known(read, &provider, &subject)).await?
    };
    if let Some((user, last_used_at)) = known
        && !is_due(&provider, &claims, last_used_at, now)
    {
        return Ok(user);
    }
    let open = move |tx: &mut Tx<'_>| {
        let user = account::open(tx, &provider, &claims, &from, now)?;
        if !user::begin_proven_log_in(tx, user.id, now)? {
            return Err(account::disabled());
        }
        ensure_personal(tx, &user, &Actor::user(user.id, &user.email, from.clone()), now)?;
        let ended = super::membership::apply(tx, &provider, &claims, &user, &from, now)?;
        Ok((user, ended))
    };
    grant::change(app, open).await
}

/// One answer to all that is wrong with a token; the log says what it was.
fn not_accepted(reason: &str, address: Option<IpAddr>) -> Error {
    tracing::info!(reason, address = address.map(|a| a.to_string()), "a token of a provider was refused");
    Error::new(Kind::Unauthenticated, "token_not_accepted", "this token is not, or no longer, accepted here")
        .hint("get a new one from your provider, or log in with `wonder login`")
}
