//! `POST /auth/oidc/{provider}/backchannel-logout`: a provider tells of a log-out there (OpenID Connect Back-Channel
//! Logout 1.0 section 2.5). Called by no browser, so it stands outside of the pages and their forms' guard; the
//! token proves who tells.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::{StatusCode, header};
use serde::Deserialize;

use super::extract::From;
use super::problem::Failure;
use super::request;
use super::state::State;
use crate::core::Kind;
use crate::core::secret::Secret;
use crate::service::oidc::log_out;

/// The largest form, in bytes.
const MAX_BODY: usize = 32 * 1024;

pub fn router(state: State) -> Router {
    Router::new()
        .route("/auth/oidc/{provider}/backchannel-logout", post(told))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(request::limit_time))
        .with_state(state)
}

#[derive(Deserialize)]
struct Told {
    logout_token: Secret,
}

async fn told(state: State, From(origin): From, Path(provider): Path<String>, body: Bytes) -> Response {
    let Ok(told) = serde_html_form::from_bytes::<Told>(&body) else {
        return invalid("there is no logout_token");
    };
    match log_out::told(&state.app, &provider, &told.logout_token, origin).await {
        Ok(_) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        Err(error) if error.kind() == Kind::Usage => invalid(error.message()),
        Err(error) => Failure::from(error).into_response(),
    }
}

/// Section 2.8 of the standard.
fn invalid(description: &str) -> Response {
    let body = Json(serde_json::json!({ "error": "invalid_request", "error_description": description }));
    (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}
