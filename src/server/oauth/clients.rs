//! `/oauth/clients`: apps in the words of OAuth 2.0 (RFC 7591 section 2), by people who are logged in. The
//! same apps as `/api/v1/organizations/{org}/apps`.

use axum::Json;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::oauth::ScopeSet;
use crate::core::page::Page;
use crate::core::{Error, Result};
use crate::server::extract::{Asked, Body, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::{Caller, May};
use crate::service::oauth::app::{self, NewApp};
use crate::service::oauth::exchange::DEVICE_GRANT;
use crate::store::oauth::app::AppRow;

/// What a client says of itself. Left out: `client_secret_basic`, every scope, the personal organization.
#[derive(Debug, Deserialize)]
pub struct Registration {
    client_name: String,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    organization: Option<String>,
}

/// Which organization, and which page.
#[derive(Debug, Deserialize)]
pub struct Which {
    organization: Option<String>,
    limit: Option<u16>,
    cursor: Option<String>,
}

/// Registers a client.
pub async fn register(
    state: State,
    caller: Caller,
    Body(asked): Body<Registration>,
) -> Answer<(StatusCode, Json<Value>)> {
    let may = May::check(&state.app, &caller, asked.organization.as_deref()).await?;
    let made = app::register(&state.app, &may, wish(asked)?).await?;
    let mut answer = present(&made.app);
    if let Some(secret) = &made.secret {
        answer["client_secret"] = secret.reveal().into();
        answer["client_secret_expires_at"] = 0.into();
    }
    Ok((StatusCode::CREATED, Json(answer)))
}

fn wish(asked: Registration) -> Result<NewApp> {
    let public = match asked.token_endpoint_auth_method.as_deref() {
        None | Some("client_secret_basic" | "client_secret_post") => false,
        Some("none") => true,
        Some(_) => {
            return Err(Error::usage("invalid_client_metadata", "this way to prove who one is is not taken")
                .hint("there are: client_secret_basic, client_secret_post, none"));
        }
    };
    let scopes = asked.scope.map(|text| text.parse::<ScopeSet>()).transpose()?;
    let scopes = scopes.map(|scopes| scopes.api().collect());
    Ok(NewApp {
        name: asked.client_name,
        redirect_uris: asked.redirect_uris,
        post_logout_redirect_uris: asked.post_logout_redirect_uris,
        public,
        scopes,
    })
}

/// The organization's clients, the newest first.
pub async fn list(state: State, caller: Caller, Asked(which): Asked<Which>) -> Answer<Json<Value>> {
    let may = May::check(&state.app, &caller, which.organization.as_deref()).await?;
    let page = Page::new(which.limit, which.cursor.as_deref())?;
    let (apps, next_cursor) = app::list(&state.app, &may, page).await?;
    let clients: Vec<Value> = apps.iter().map(present).collect();
    Ok(Json(json!({ "clients": clients, "next_cursor": next_cursor })))
}

/// Revokes a client, with all that anybody granted it.
pub async fn revoke(
    state: State,
    caller: Caller,
    Target(client): Target,
    Asked(which): Asked<Which>,
) -> Answer<StatusCode> {
    let may = May::check(&state.app, &caller, which.organization.as_deref()).await?;
    app::revoke(&state.app, &may, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the token endpoint takes of it (RFC 7591 section 2): a code comes by a redirect, and who has no secret has no
/// credentials of their own.
fn grant_types(app: &AppRow) -> Vec<&'static str> {
    let code = (!app.redirect_uris.is_empty()).then_some("authorization_code");
    let own = app.secret.is_some().then_some("client_credentials");
    code.into_iter().chain(["refresh_token"]).chain(own).chain([DEVICE_GRANT]).collect()
}

fn present(app: &AppRow) -> Value {
    json!({
        "client_id": app.id,
        "client_id_issued_at": app.created_at.as_unix().0,
        "client_name": app.name,
        "redirect_uris": app.redirect_uris,
        "post_logout_redirect_uris": app.post_logout_redirect_uris,
        "token_endpoint_auth_method": if app.secret.is_none() { "none" } else { "client_secret_basic" },
        "grant_types": grant_types(app),
        "response_types": if app.redirect_uris.is_empty() { &[][..] } else { &["code"] },
        "scope": app.scopes.to_string(),
        "revoked_at": app.revoked_at,
    })
}
