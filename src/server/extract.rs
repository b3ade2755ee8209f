//! What a handler takes: who calls and with which authority, the body, the page of a list. Whatever is
//! missing or malformed becomes a problem here, so that a handler begins with what it needs.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;

use super::problem::Failure;
use super::request::{self, Peer};
use super::state::State;
use crate::api::ListQuery;
use crate::auth::oidc::jwt;
use crate::auth::{api_key, oauth};
use crate::core::page::Page;
use crate::core::role::Permission;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};
use crate::service::administrator::Administrator;
use crate::service::audit::Origin;
use crate::service::authority::{Caller, May, Principal};
use crate::service::oauth::bearer;
use crate::service::oidc::bearer as provider_token;
use crate::service::worker::{self, Worker};
use crate::service::{key, limits, session};

/// The largest body of an API call, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// The JSON body of a request; an empty one counts as `{}`.
pub struct Body<T>(pub T);

/// The page of a list that the query asks for.
pub struct Listing(pub Page);

/// The query of what is no list.
pub struct Asked<T>(pub T);

/// What the last part of the path names.
pub struct Target(pub String);

/// The secret of the `Authorization: Bearer` header (RFC 6750 section 2.1): never of a query or a cookie.
pub(super) fn bearer_of(headers: &HeaderMap) -> Result<Secret> {
    let missing = || {
        Error::new(Kind::Unauthenticated, "not_logged_in", "this takes a log-in or an API key")
            .hint("log in with `wonder login`, or send Authorization: Bearer with an API key")
    };
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, secret) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    match scheme.eq_ignore_ascii_case("bearer") && !secret.trim().is_empty() {
        true => Ok(Secret::new(secret.trim())),
        false => Err(missing()),
    }
}

/// Where a call comes from, for the audit trail and for limits.
pub struct From(pub Origin);

impl FromRequestParts<State> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Self::Rejection> {
        let address = parts.extensions.get::<Peer>().map(|peer| peer.0);
        Ok(From(Origin { address, request_id: request::current_id() }))
    }
}

impl FromRequestParts<State> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Failure> {
        let secret = bearer_of(&parts.headers)?;
        let Ok(From(origin)) = From::from_request_parts(parts, state).await;
        let found = match secret.reveal() {
            text if api_key::is_api_key(text) => key::authenticate(&state.app, &secret, origin.clone()).await,
            text if oauth::is_access_token(text) => {
                bearer::authenticate(&state.app, &secret, origin.clone()).await
            }
            text if jwt::is_jwt(text) => {
                provider_token::authenticate(&state.app, &secret, origin.clone()).await
            }
            _ => session::authenticate(&state.app, &secret, origin.clone()).await,
        };
        let caller = limits::judge_credential(&state.app, &origin, found)?;
        limits::admit(&state.app, &caller)?;
        warn_of_age(&caller);
        Ok(caller)
    }
}

/// Whoever shows an API key whose time is nearly over is told in each answer.
fn warn_of_age(caller: &Caller) {
    if let Principal::Integration(key) = caller.principal()
        && let Some(end) = key.due
    {
        request::warn(&format!("key_rotation_due; this API key stops working at {end}; rotate it"));
    }
}

impl FromRequestParts<State> for Worker {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Failure> {
        let secret = bearer_of(&parts.headers)?;
        let Ok(From(origin)) = From::from_request_parts(parts, state).await;
        let found = worker::authenticate(&state.app, &secret, origin.clone()).await;
        Ok(limits::judge_credential(&state.app, &origin, found)?)
    }
}

impl FromRequestParts<State> for Administrator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Failure> {
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Administrator::check(&caller)?)
    }
}

/// Authority over the organization that the path names as `{org}`.
impl<P: Permission> FromRequestParts<State> for May<P> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Failure> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let org = path(parts, state).await?.into_iter().find(|(name, _)| name == "org");
        let org = org.map(|(_, value)| value);
        Ok(May::check(&state.app, &caller, org.as_deref()).await?)
    }
}

impl FromRequestParts<State> for Target {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Failure> {
        let last = path(parts, state).await?.pop();
        let (_, name) = last.ok_or_else(|| Error::bug("a route without a name asks for one"))?;
        if name.chars().any(char::is_control) {
            return Err(Error::usage("malformed_path", "no name has characters that do not print").into());
        }
        Ok(Target(name))
    }
}

/// The named parts of the path, in order.
pub async fn path(parts: &mut Parts, state: &State) -> Result<Vec<(String, String)>> {
    let params = RawPathParams::from_request_parts(parts, state).await;
    let params = params.map_err(|e| Error::usage("malformed_path", "this path is not UTF-8").source(e))?;
    Ok(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

impl FromRequestParts<State> for Listing {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Failure> {
        let query = Query::<ListQuery>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|e| {
            Error::usage("malformed_query", format!("this query cannot be read: {}", e.body_text()))
                .hint("a list takes limit and cursor")
        })?;
        Ok(Listing(Page::new(query.limit, query.cursor.as_deref())?))
    }
}

impl<T: DeserializeOwned> FromRequestParts<State> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Failure> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|e| {
            Error::usage("malformed_query", format!("this query cannot be read: {}", e.body_text()))
                .hint("GET /api/v1/openapi.json describes it")
        })?;
        Ok(Asked(query))
    }
}

impl<T: DeserializeOwned> FromRequest<State> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &State) -> Result<Self, Failure> {
        let is_json = is_json(request.headers());
        // Refused before it is sent, where its length is announced.
        if request.body().size_hint().lower() > MAX_BODY as u64 {
            return Err(too_large().into());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|e| unreadable(e.status()))?;
        if bytes.is_empty() {
            return Ok(Body(parse(b"{}")?));
        }
        match is_json {
            true => Ok(Body(parse(&bytes)?)),
            false => Err(wrong_type()),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn wrong_type() -> Failure {
    let error = Error::usage("unsupported_media_type", "the body of this call is JSON")
        .hint("send Content-Type: application/json");
    Failure::with_status(error, StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

fn unreadable(status: StatusCode) -> Error {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Error::usage("broken_body", "the body ended before it was whole"),
    }
}

fn too_large() -> Error {
    Error::new(Kind::TooLarge, "body_too_large", format!("the body of a call has at most {MAX_BODY} bytes"))
}

/// What is wrong with a body is told to whoever sent it, and to nobody else.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => {
            Error::usage("malformed_body", format!("the body does not fit: {e}"))
                .hint("GET /api/v1/openapi.json describes it")
        }
        _ => Error::usage("malformed_json", format!("the body is not JSON: {e}")),
    })
}
