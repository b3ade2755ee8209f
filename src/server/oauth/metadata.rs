//! What there is, for clients that read it (RFC 8414, OpenID Connect Discovery), and the keys that ID tokens
//! are verified with.

use axum::{Extension, Json};
use serde_json::{Value, json};

use super::END_SESSION;
use super::failure::Answer;
use crate::core::oauth::ScopeSet;
use crate::server::state::State;
use crate::service::oauth::exchange::DEVICE_GRANT;
use crate::service::oauth::signing::Signing;

/// One document answers under both names: each ignores what only the other defines.
pub async fn metadata(state: State) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", state.url());
    let by_secret = ["client_secret_basic", "client_secret_post"];
    let any = ["client_secret_basic", "client_secret_post", "none"];
    Json(json!({
        "issuer": state.url().as_str(),
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "revocation_endpoint": at("/oauth/revoke"),
        "introspection_endpoint": at("/oauth/introspect"),
        "device_authorization_endpoint": at("/oauth/device_authorization"),
        "end_session_endpoint": at(END_SESSION),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "jwks_uri": at("/oauth/jwks"),
        "scopes_supported": ScopeSet::all().words(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", DEVICE_GRANT],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": any,
        "revocation_endpoint_auth_methods_supported": any,
        "introspection_endpoint_auth_methods_supported": by_secret,
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "at_hash", "email",
            "email_verified", "name", "preferred_username"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
        "service_documentation": at("/api/v1/openapi.json"),
    }))
}

/// The public halves of the signing keys (RFC 7517).
pub async fn key_set(Extension(signing): Extension<Signing>) -> Answer<Json<Value>> {
    Ok(Json(signing.key_set().await?))
}
