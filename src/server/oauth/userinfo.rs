//! `/oauth/userinfo` (OpenID Connect Core section 5.3): who logged in, as far as the token may know.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::failure::Failure;
use crate::core::role::Scope;
use crate::core::{Error, Result};
use crate::server::extract::{From, bearer_of};
use crate::server::state::State;
use crate::service::audit::Origin;
use crate::service::authority::{Delegate, Principal};
use crate::service::oauth::{bearer, signing};

/// Who logged in.
pub async fn userinfo(state: State, From(origin): From, headers: HeaderMap) -> Response {
    match delegate(&state, origin, &headers).await {
        Ok(app) if app.scopes.openid || app.scopes.has(Scope::ProfileRead) => {
            Json(present(&app)).into_response()
        }
        Ok(_) => {
            let error = Error::usage("insufficient_scope", "this takes the scope openid or profile:read");
            challenge(Failure::from(error).into_response(), StatusCode::FORBIDDEN, "insufficient_scope")
        }
        Err(_) => {
            let error = Error::usage("invalid_token", "this access token is missing, over or revoked");
            challenge(Failure::from(error).into_response(), StatusCode::UNAUTHORIZED, "invalid_token")
        }
    }
}

async fn delegate(state: &State, origin: Origin, headers: &HeaderMap) -> Result<Delegate> {
    let caller = bearer::authenticate(&state.app, &bearer_of(headers)?, origin).await?;
    match caller.principal() {
        Principal::App(app) => Ok(app.clone()),
        Principal::Person(_) | Principal::Integration(_) => Err(Error::bug("a token of OAuth is an app's")),
    }
}

fn present(app: &Delegate) -> Value {
    let mut claims = json!({ "sub": app.user.to_string() });
    if app.scopes.has(Scope::ProfileRead)
        && let Some(claims) = claims.as_object_mut()
    {
        claims.extend(signing::profile(app.email.as_str()));
    }
    claims
}

/// RFC 6750 section 3.
fn challenge(mut response: Response, status: StatusCode, code: &str) -> Response {
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(&format!("Bearer error=\"{code}\"")) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
