//! `/oauth/token` (RFC 6749 section 3.2) and `/oauth/device_authorization` (RFC 8628 section 3.1).

use axum::{Extension, Json};
use serde_json::{Value, json};

use super::failure::{Answer, Failure};
use super::posted::Posted;
use super::{DEVICE_PAGE, device_page_of};
use crate::server::state::State;
use crate::service::oauth::device;
use crate::service::oauth::exchange::{self, Issued};
use crate::service::oauth::signing::Signing;

/// Codes, refresh tokens and credentials become access tokens.
pub async fn token(
    state: State,
    Extension(signing): Extension<Signing>,
    posted: Posted,
) -> Answer<Json<Value>> {
    let Posted { form, client, origin, basic } = posted;
    let issued = exchange::exchange(&state.app, client, &form, origin).await;
    let issued = issued.map_err(|e| Failure::from(e).after_basic(basic))?;
    let id_token = match &issued.identity {
        Some(who) => Some(signing.id_token(&state.app, who, &issued.access).await?),
        None => None,
    };
    Ok(Json(present(&issued, id_token)))
}

/// RFC 6749 section 5.1; the scopes are always told. `organization` is ours: where the token counts.
fn present(issued: &Issued, id_token: Option<String>) -> Value {
    let mut answer = json!({
        "access_token": issued.access.reveal(),
        "token_type": "Bearer",
        "expires_in": issued.expires_in.as_secs(),
        "scope": issued.scopes.to_string(),
    });
    let more = [
        ("refresh_token", issued.refresh.as_ref().map(|secret| secret.reveal().into())),
        ("id_token", id_token.map(Value::from)),
        ("organization", issued.organization.as_ref().map(|(id, name)| json!({ "id": id, "name": name }))),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            answer[name] = value;
        }
    }
    answer
}

/// A device without a browser asks for a code that a person types elsewhere.
pub async fn device_authorization(state: State, posted: Posted) -> Answer<Json<Value>> {
    let Posted { form, client, origin, .. } = posted;
    let begun = device::begin(&state.app, client, &form, origin).await?;
    let (url, code) = (state.url(), begun.user_code.reveal());
    Ok(Json(json!({
        "device_code": begun.device_code.reveal(),
        "user_code": code,
        "verification_uri": format!("{url}{DEVICE_PAGE}"),
        "verification_uri_complete": format!("{url}{}", device_page_of(code)),
        "expires_in": begun.expires_in.as_secs(),
        "interval": begun.interval.as_secs(),
    })))
}
