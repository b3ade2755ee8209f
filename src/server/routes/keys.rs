//! `/organizations/{org}/keys`: API keys.

use axum::Json;
use http::StatusCode;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::{
    CreateKey, Key, KeyAnswer, KeyList, KeyPolicy, KeyPolicyAnswer, ListQuery, NewKey, RotateKey,
    Scope as ApiScope,
};
use crate::core::Timestamp;
use crate::core::role::{ManageApiKeys, ManageOrganization, Scope, ViewApiKeys};
use crate::server::extract::{Body, Listing, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::May;
use crate::service::key;
use crate::store::api_key::{ApiKeyRow, KeyPolicy as StoredPolicy};

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
        .routes(routes!(rotate))
        .routes(routes!(policy, set_policy))
}

/// The organization's API keys, the newest first.
#[utoipa::path(get, path = "/organizations/{org}/keys", tag = "keys", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = KeyList)))]
async fn list(state: State, may: May<ViewApiKeys>, Listing(page): Listing) -> Answer<Json<KeyList>> {
    let (keys, next_cursor) = key::list(&state.app, &may, page).await?;
    let now = state.app.now();
    Ok(Json(KeyList { keys: keys.into_iter().map(|key| present(key, now)).collect(), next_cursor }))
}

/// Makes an API key.
#[utoipa::path(post, path = "/organizations/{org}/keys", tag = "keys", request_body = CreateKey,
    responses((status = 201, description = "The key, with its secret.", body = NewKey)))]
async fn create(
    state: State,
    may: May<ManageApiKeys>,
    Body(asked): Body<CreateKey>,
) -> Answer<(StatusCode, Json<NewKey>)> {
    let scopes = asked.scopes.map(|scopes| scopes.into_iter().map(read_scope).collect());
    let made = key::create(&state.app, &may, &asked.name, scopes, seconds(asked.ttl_seconds)).await?;
    Ok((StatusCode::CREATED, Json(NewKey { key: present(made.key, state.app.now()), secret: made.secret })))
}

/// Revokes an API key at once.
#[utoipa::path(delete, path = "/organizations/{org}/keys/{key}", tag = "keys",
    responses((status = 200, description = "The key, revoked.", body = KeyAnswer)))]
async fn revoke(state: State, may: May<ManageApiKeys>, Target(reference): Target) -> Answer<Json<KeyAnswer>> {
    let key = key::revoke(&state.app, &may, &reference).await?;
    Ok(Json(KeyAnswer { key: present(key, state.app.now()) }))
}

/// Gives an API key a new secret; the old one works on for the overlap.
#[utoipa::path(post, path = "/organizations/{org}/keys/{key}/rotate", tag = "keys", request_body = RotateKey,
    responses((status = 200, description = "The key, with its new secret.", body = NewKey)))]
async fn rotate(
    state: State,
    may: May<ManageApiKeys>,
    Target(reference): Target,
    Body(asked): Body<RotateKey>,
) -> Answer<Json<NewKey>> {
    let made = key::rotate(&state.app, &may, &reference, seconds(asked.overlap_seconds)).await?;
    Ok(Json(NewKey { key: present(made.key, state.app.now()), secret: made.secret }))
}

/// How old the secrets of the organization's API keys may get.
#[utoipa::path(get, path = "/organizations/{org}/key-policy", tag = "keys",
    responses((status = 200, description = "The policy, if there is one.", body = KeyPolicyAnswer)))]
async fn policy(state: State, may: May<ViewApiKeys>) -> Answer<Json<KeyPolicyAnswer>> {
    Ok(Json(present_policy(key::policy(&state.app, &may).await?)))
}

/// Sets how old they may get; `null` for as old as they are good. It counts at once.
#[utoipa::path(put, path = "/organizations/{org}/key-policy", tag = "keys", request_body = KeyPolicyAnswer,
    responses((status = 200, description = "The policy.", body = KeyPolicyAnswer)))]
async fn set_policy(
    state: State,
    may: May<ManageOrganization>,
    Body(asked): Body<KeyPolicyAnswer>,
) -> Answer<Json<KeyPolicyAnswer>> {
    let long = |seconds: u32| Duration::from_secs(seconds.into());
    let policy = asked.policy.map(|policy| StoredPolicy {
        max_age: long(policy.max_age_seconds),
        warn_before: long(policy.warn_before_seconds),
    });
    Ok(Json(present_policy(key::set_policy(&state.app, &may, policy).await?)))
}

fn present_policy(policy: Option<StoredPolicy>) -> KeyPolicyAnswer {
    let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    let policy = policy.map(|policy| KeyPolicy {
        max_age_seconds: seconds(policy.max_age),
        warn_before_seconds: seconds(policy.warn_before),
    });
    KeyPolicyAnswer { policy }
}

fn seconds(given: Option<u32>) -> Option<Duration> {
    given.map(|seconds| Duration::from_secs(seconds.into()))
}

pub(super) fn read_scope(scope: ApiScope) -> Scope {
    match scope {
        ApiScope::NodesRead => Scope::NodesRead,
        ApiScope::NodesWrite => Scope::NodesWrite,
        ApiScope::KeysRead => Scope::KeysRead,
        ApiScope::KeysWrite => Scope::KeysWrite,
        ApiScope::ProfileRead => Scope::ProfileRead,
    }
}

pub(super) fn present_scope(scope: Scope) -> ApiScope {
    match scope {
        Scope::NodesRead => ApiScope::NodesRead,
        Scope::NodesWrite => ApiScope::NodesWrite,
        Scope::KeysRead => ApiScope::KeysRead,
        Scope::KeysWrite => ApiScope::KeysWrite,
        Scope::ProfileRead => ApiScope::ProfileRead,
    }
}

/// An API key, as the API shows it.
fn present(key: ApiKeyRow, now: Timestamp) -> Key {
    Key {
        rotation_due: key.is_due(now),
        expires_at: key.ends_at(),
        id: key.id,
        name: key.name,
        prefix: key.prefix,
        scopes: key.scopes.into_iter().map(present_scope).collect(),
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        last_used_from: key.last_used_from,
        revoked_at: key.revoked_at,
    }
}
