//! API keys: what an integration shows. Made, rotated and revoked by people (or by a key that may); a key
//! hands on no scope that its maker does not have.

use std::time::Duration;

use super::app::App;
use super::audit::{self, Actor, Change, Origin};
use super::authority::{Caller, Integration, May, Principal};
use super::{refusal, words};
use crate::auth::api_key;
use crate::core::action::Action;
use crate::core::id::{ApiKeyId, OrgId};
use crate::core::page::Page;
use crate::core::role::{ManageApiKeys, ManageOrganization, Scope, ViewApiKeys};
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::api_key::{self as keys, ApiKeyRow, KeyPolicy};
use crate::store::{Read, Tx};

const TTL: Duration = Duration::from_secs(90 * 86_400);
const LONGEST_TTL: Duration = Duration::from_secs(366 * 86_400);
const OVERLAP: Duration = Duration::from_secs(86_400);
const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 86_400);
/// How often the use of a key is noted at most, from the same address and from others.
const NOTED_EVERY: Duration = Duration::from_secs(60);
const NOTED_ANYWHERE: Duration = Duration::from_secs(5);
/// The shortest age that a policy may set: a day, for rotations are people's or a nightly job's.
const YOUNGEST: Duration = Duration::from_secs(86_400);

/// A key with the secret that was just made: it is known here, and never again.
#[derive(Debug)]
pub struct Made {
    pub key: ApiKeyRow,
    pub secret: Secret,
}

/// Makes a key. What is left out: `nodes:read` alone, 90 days.
pub async fn create(
    app: &App,
    may: &May<ManageApiKeys>,
    name: &str,
    scopes: Option<Vec<Scope>>,
    ttl: Option<Duration>,
) -> Result<Made> {
    let (secret, now) = (api_key::mint(), app.now());
    let ttl = words::ttl(ttl, TTL, LONGEST_TTL)?;
    let key = ApiKeyRow {
        id: ApiKeyId::new(now),
        org_id: may.org(),
        name: words::name(name)?,
        prefix: api_key::shown(&secret),
        scopes: grantable(may, scopes.unwrap_or_else(|| vec![Scope::NodesRead]))?,
        created_by: may.user(),
        created_at: now,
        expires_at: now.plus(ttl),
        ttl,
        last_used_at: None,
        last_used_from: None,
        revoked_at: None,
        secret_at: now,
        policy: None,
        grant: may.grant(),
    };
    let (actor, kept, hash, org) = (may.actor().clone(), key, secret.hash(), may.org());
    let insert = move |tx: &mut Tx<'_>| {
        keys::insert(tx, &kept, hash)?;
        audit::record(tx, now, &actor, Change::new(Action::KeyCreate, kept.id, &kept.name).of(org))?;
        find(tx, org, &kept.id.to_string())
    };
    Ok(Made { key: app.store().write(insert).await?, secret })
}

fn grantable(may: &May<ManageApiKeys>, mut scopes: Vec<Scope>) -> Result<Vec<Scope>> {
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Error::usage("no_scope", "a key without a scope could do nothing")
            .hint("leave the scopes out for nodes:read"));
    }
    check_held(may, &scopes)?;
    Ok(scopes)
}

/// Nobody hands on what they do not have.
fn check_held(may: &May<ManageApiKeys>, scopes: &[Scope]) -> Result<()> {
    match scopes.iter().find(|scope| !may.holds(**scope)) {
        Some(scope) => {
            let message = format!("you do not have the scope {scope} yourself");
            Err(Error::new(Kind::Denied, "scope_missing", message)
                .hint("ask for scopes that you have, or let a person do it"))
        }
        None => Ok(()),
    }
}

/// A page of the organization's keys, the newest first, and the cursor of the next one.
pub async fn list(app: &App, may: &May<ViewApiKeys>, page: Page) -> Result<(Vec<ApiKeyRow>, Option<String>)> {
    let (org, before, rows) = (may.org(), page.after()?, page.rows());
    let found = app.store().read(move |read| keys::list_of_org(read, org, before, rows)).await?;
    Ok(page.cut(found, |key| key.id.to_string()))
}

/// Gives a key a new secret and its whole lifetime again; the old secret works on for the overlap (24 hours
/// when nobody says, at most as long as it would have). A secret of an earlier rotation ends now. Whoever is given
/// the new secret has all scopes of the key themselves; where that is an app, the key ends with its grant.
pub async fn rotate(
    app: &App,
    may: &May<ManageApiKeys>,
    reference: &str,
    overlap: Option<Duration>,
) -> Result<Made> {
    let overlap = overlap.unwrap_or(OVERLAP);
    if overlap > LONGEST_OVERLAP {
        return Err(Error::usage("malformed_overlap", "two secrets are good together for 30 days at most")
            .hint("write it like 24h"));
    }
    let (secret, now, org) = (api_key::mint(), app.now(), may.org());
    let (reference, actor, may) = (reference.to_owned(), may.actor().clone(), may.clone());
    let (hash, prefix) = (secret.hash(), api_key::shown(&secret));
    let rotate = move |tx: &mut Tx<'_>| {
        let old = find(tx, org, &reference)?;
        check_held(&may, &old.scopes)?;
        let expires_at = now.plus(old.ttl);
        // What an app was told stays known to it, whoever rotates the key afterwards.
        let grant = may.grant().or(old.grant);
        let key = ApiKeyRow { prefix, expires_at, secret_at: now, grant, ..old.clone() };
        let until = now.plus(overlap).min(old.ends_at());
        if !keys::rotate(tx, &key, hash, until)? {
            return Err(Error::new(Kind::Conflict, "key_revoked", "this API key was revoked")
                .hint("make another with `wonder key create`"));
        }
        audit::record(tx, now, &actor, Change::new(Action::KeyRotate, key.id, &key.name).of(org))?;
        Ok(key)
    };
    Ok(Made { key: app.store().write(rotate).await?, secret })
}

/// Revokes a key with all its secrets, at once.
pub async fn revoke(app: &App, may: &May<ManageApiKeys>, reference: &str) -> Result<ApiKeyRow> {
    let (org, reference, actor, now) = (may.org(), reference.to_owned(), may.actor().clone(), app.now());
    let revoke = move |tx: &mut Tx<'_>| {
        let key = find(tx, org, &reference)?;
        if keys::revoke(tx, key.id, now)? {
            audit::record(tx, now, &actor, Change::new(Action::KeyRevoke, key.id, &key.name).of(org))?;
        }
        find(tx, org, &key.id.to_string())
    };
    app.store().write(revoke).await
}

fn find(read: &mut Read<'_>, org: OrgId, reference: &str) -> Result<ApiKeyRow> {
    let mut found = match reference.parse() {
        Ok(id) => keys::by_id(read, org, id)?.into_iter().collect(),
        Err(_) => keys::by_name(read, org, reference)?,
    };
    match found.len() {
        0 | 1 => found.pop().ok_or_else(|| Error::not_found("key", reference)),
        _ => Err(Error::new(
            Kind::Conflict,
            "ambiguous_name",
            format!("more than one key is called {reference}"),
        )
        .hint("name it by its id, which `wonder key list` shows")),
    }
}

/// What the organization says about the age of its keys' secrets.
pub async fn policy(app: &App, may: &May<ViewApiKeys>) -> Result<Option<KeyPolicy>> {
    let org = may.org();
    app.store().read(move |read| keys::policy_of(read, org)).await
}

/// Sets how old secrets may get; none: as old as they are good. It counts at once, also for keys that there are.
pub async fn set_policy(
    app: &App,
    may: &May<ManageOrganization>,
    policy: Option<KeyPolicy>,
) -> Result<Option<KeyPolicy>> {
    if let Some(KeyPolicy { max_age, warn_before }) = policy
        && (max_age < YOUNGEST || max_age > LONGEST_TTL || warn_before > max_age)
    {
        return Err(Error::usage(
            "malformed_policy",
            "a secret may get 1 to 366 days old, and is warned of within that",
        )
        .hint("for example 90 days, with a warning 14 days before"));
    }
    let (org, actor, now) = (may.org(), may.actor().clone(), app.now());
    let said =
        policy.map_or("none".to_owned(), |policy| format!("{} days", policy.max_age.as_secs() / 86_400));
    app.store()
        .write(move |tx| {
            keys::set_policy(tx, org, policy)?;
            audit::record(tx, now, &actor, Change::nameless(Action::KeySetPolicy, said).of(org))
        })
        .await?;
    Ok(policy)
}

/// Who shows this API key. Its use is noted, once a minute at most.
pub async fn authenticate(app: &App, bearer: &Secret, origin: Origin) -> Result<Caller> {
    if !api_key::is_well_formed(bearer.reveal()) {
        return Err(refused("key_unknown", "this API key is mistyped or cut off"));
    }
    let (hash, now) = (bearer.hash(), app.now());
    let found = app.store().read(move |read| keys::live_by_secret(read, hash, now)).await?;
    let key = match good(found.as_ref(), now) {
        Ok(key) => key.clone(),
        Err(failure) => {
            note_refusal(app, found.as_ref(), origin, &failure).await;
            return Err(failure);
        }
    };
    note_use(app, &key, &origin, now).await;
    let expires_at = key.ends_at();
    let due = key.is_due(now).then_some(expires_at);
    let principal = Principal::Integration(Integration {
        key: key.id,
        name: key.name,
        org: key.org_id,
        scopes: key.scopes,
        created_by: key.created_by,
        expires_at,
        due,
    });
    Ok(Caller { principal, origin })
}

/// The key, if it is good now.
fn good(found: Option<&ApiKeyRow>, now: Timestamp) -> Result<&ApiKeyRow> {
    let key = found.ok_or_else(|| refused("key_unknown", "this coordinator knows no such API key"))?;
    if key.revoked_at.is_some() {
        return Err(refused("key_revoked", "this API key was revoked"));
    }
    if key.expires_at <= now {
        return Err(refused("key_expired", "this API key has expired"));
    }
    match key.ends_at() <= now {
        true => {
            Err(refused("key_too_old", "the secret of this API key is older than its organization allows"))
        }
        false => Ok(key),
    }
}

async fn note_refusal(app: &App, key: Option<&ApiKeyRow>, origin: Origin, failure: &Error) {
    let change = match key {
        Some(key) => Change::new(Action::KeyRefuse, key.id, &key.name).of(key.org_id),
        None => Change::nameless(Action::KeyRefuse, "no such key"),
    };
    refusal::write(app, Actor::nobody(origin), change, failure).await;
}

/// The call goes on when the use cannot be noted.
async fn note_use(app: &App, key: &ApiKeyRow, origin: &Origin, now: Timestamp) {
    let is_fresh = key.last_used_at.is_some_and(|at| now.since(at) < NOTED_EVERY);
    if is_fresh && key.last_used_from == origin.address {
        return;
    }
    // From many places in turn it is still noted now and then only.
    if key.last_used_at.is_some_and(|at| now.since(at) < NOTED_ANYWHERE) {
        return;
    }
    let (id, from) = (key.id, origin.address);
    if let Err(e) = app.store().write(move |tx| keys::touch(tx, id, now, from)).await {
        tracing::warn!(key = %id, "the use of an API key was not noted: {e}");
    }
}

fn refused(code: &str, message: &str) -> Error {
    Error::new(Kind::Unauthenticated, code, message)
        .hint("make one with `wonder key create`, or a new secret with `wonder key rotate`")
}
