//! `/oauth/revoke` (RFC 7009) and `/oauth/introspect` (RFC 7662): clients about their own tokens.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};

use super::failure::Answer;
use super::posted::Posted;
use crate::core::secret::Secret;
use crate::server::state::State;
use crate::service::oauth::bearer;
use crate::store::oauth::token::Held;

/// Ends a token. One that is unknown has ended already.
pub async fn revoke(state: State, posted: Posted) -> Answer<StatusCode> {
    let token = Secret::new(posted.form.need("token")?);
    bearer::revoke(&state.app, posted.client, &token, posted.origin).await?;
    Ok(StatusCode::OK)
}

/// Tells a client about a token of its own; of any other, that it is not active.
pub async fn introspect(state: State, posted: Posted) -> Answer<Json<Value>> {
    let token = Secret::new(posted.form.need("token")?);
    let held = bearer::introspect(&state.app, posted.client, &token).await?;
    Ok(Json(held.map_or_else(|| json!({ "active": false }), |held| present(&state, &held))))
}

fn present(state: &State, held: &Held) -> Value {
    json!({
        "active": true,
        "iss": state.url().as_str(),
        "sub": held.family.subject(),
        "aud": state.url().as_str(),
        "client_id": held.family.app.to_string(),
        "scope": held.scopes.to_string(),
        "token_type": if held.refresh { "refresh_token" } else { "Bearer" },
        "iat": held.created_at.as_unix().0,
        "exp": held.expires_at.as_unix().0,
        "organization": { "id": held.family.org, "name": held.family.org_name },
    })
}
