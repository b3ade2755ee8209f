//! `/organizations/{org}/tokens`: join tokens.

use axum::Json;
use http::StatusCode;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::{CreateToken, ListQuery, NewToken, Token, TokenAnswer, TokenList};
use crate::core::role::{CreateJoinTokens, ViewJoinTokens};
use crate::core::secret::Secret;
use crate::server::extract::{Body, Listing, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::May;
use crate::service::token::{self, Wish};
use crate::store::join_token::JoinTokenRow;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, revoke))
}

/// The organization's join tokens, the newest first.
#[utoipa::path(get, path = "/organizations/{org}/tokens", tag = "tokens", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = TokenList)))]
async fn list(state: State, may: May<ViewJoinTokens>, Listing(page): Listing) -> Answer<Json<TokenList>> {
    let (tokens, next_cursor) = token::list(&state.app, &may, page).await?;
    Ok(Json(TokenList { tokens: tokens.into_iter().map(present).collect(), next_cursor }))
}

/// Makes a join token.
#[utoipa::path(post, path = "/organizations/{org}/tokens", tag = "tokens", request_body = CreateToken,
    responses((status = 201, description = "The token, with its secret.", body = NewToken)))]
async fn create(
    state: State,
    may: May<CreateJoinTokens>,
    Body(asked): Body<CreateToken>,
) -> Answer<(StatusCode, Json<NewToken>)> {
    let made = token::create(&state.app, &may, state.url().clone(), wish(asked)).await?;
    let (secret, auth_key) = (made.word.encode(), made.word.auth_key());
    let tailscale = format!("tailscale up --login-server {} --auth-key {}", state.url(), auth_key.reveal());
    let answer = NewToken {
        token: present(made.token),
        join_command: Secret::new(format!("wonder worker join {}", secret.reveal())),
        tailscale_command: Secret::new(tailscale),
        secret,
        auth_key,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// One join token.
#[utoipa::path(get, path = "/organizations/{org}/tokens/{token}", tag = "tokens",
    responses((status = 200, description = "The token.", body = TokenAnswer)))]
async fn show(
    state: State,
    may: May<ViewJoinTokens>,
    Target(reference): Target,
) -> Answer<Json<TokenAnswer>> {
    let token = token::show(&state.app, &may, &reference).await?;
    Ok(Json(TokenAnswer { token: present(token) }))
}

/// Revokes a join token: it lets nobody in any more.
#[utoipa::path(delete, path = "/organizations/{org}/tokens/{token}", tag = "tokens",
    responses((status = 200, description = "The token, revoked.", body = TokenAnswer)))]
async fn revoke(
    state: State,
    may: May<CreateJoinTokens>,
    Target(reference): Target,
) -> Answer<Json<TokenAnswer>> {
    let token = token::revoke(&state.app, &may, &reference).await?;
    Ok(Json(TokenAnswer { token: present(token) }))
}

fn wish(asked: CreateToken) -> Wish {
    Wish {
        name: asked.name,
        ttl: asked.ttl_seconds.map(|seconds| Duration::from_secs(seconds.into())),
        uses: asked.uses,
        reusable: asked.reusable,
        ephemeral: asked.ephemeral,
        tags: asked.tags,
    }
}

/// A join token, as the API shows it.
fn present(token: JoinTokenRow) -> Token {
    let count = |uses: i64| u32::try_from(uses).unwrap_or(u32::MAX);
    Token {
        id: token.id,
        name: Some(token.name).filter(|name| !name.is_empty()),
        created_at: token.created_at,
        created_by: Some(token.creator),
        expires_at: token.expires_at,
        uses: token.uses.map(count),
        uses_left: token.uses.map(|uses| count((uses - token.used).max(0))),
        ephemeral: token.ephemeral,
        tags: token.tags,
        last_used_at: token.last_used_at,
        revoked_at: token.revoked_at,
    }
}
