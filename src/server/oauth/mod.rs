//! The authorization server over HTTP: the endpoints that OAuth 2.0 and OpenID Connect clients expect, at the
//! root of the coordinator's URL. They answer as those documents say; `service/oauth` decides.

mod clients;
mod end_session;
mod failure;
mod metadata;
mod posted;
mod token;
mod tokens;
mod userinfo;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, map_response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::request;
use super::routes::not_stored;
use super::state::State;
use crate::core::url::encode;
use crate::service::oauth::signing::Signing;

/// The largest body of a form, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// Where an app has its person log out.
pub const END_SESSION: &str = "/oauth/end_session";

/// Where people type the code that a device shows.
pub const DEVICE_PAGE: &str = "/device";

/// That page with a code typed in already.
pub fn device_page_of(code: &str) -> String {
    format!("{DEVICE_PAGE}?user_code={}", encode(code, b""))
}

/// Every endpoint, with its limits.
pub fn router(state: State, signing: Signing) -> Router {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
        .route("/.well-known/openid-configuration", get(metadata::metadata))
        .route("/oauth/jwks", get(metadata::key_set))
        .route("/oauth/token", post(token::token))
        .route("/oauth/device_authorization", post(token::device_authorization))
        .route("/oauth/revoke", post(tokens::revoke))
        .route("/oauth/introspect", post(tokens::introspect))
        .route("/oauth/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
        .route(END_SESSION, post(end_session::hand_on))
        .route("/oauth/clients", get(clients::list).post(clients::register))
        .route("/oauth/clients/{client}", axum::routing::delete(clients::revoke))
        .layer(Extension(signing))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(from_fn(request::limit_time))
        .layer(map_response(not_stored))
        .with_state(state)
}
