//! `/sessions` and `/session`: log-ins of the command line.

use axum::Json;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use super::organizations::present as present_organization;
use crate::api::{LogIn, NewSession, SessionAnswer, User};
use crate::server::extract::{Body, From};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::Caller;
use crate::service::session;
use crate::store::user as users;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(log_in)).routes(routes!(show, log_out))
}

/// Logs in with a password.
#[utoipa::path(post, path = "/sessions", tag = "accounts", security(()), request_body = LogIn,
    responses((status = 201, description = "A log-in, with its bearer token.", body = NewSession)))]
async fn log_in(
    state: State,
    From(origin): From,
    Body(asked): Body<LogIn>,
) -> Answer<(StatusCode, Json<NewSession>)> {
    let asked = session::LogIn { email: asked.email, password: asked.password, label: asked.label };
    let begun = session::log_in(&state.app, asked, origin).await?;
    let answer = NewSession {
        user: present_user(begun.user),
        organization: present_organization(&state, begun.membership),
        expires_at: begun.session.expires_at,
        token: begun.token,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Whose credential this is.
#[utoipa::path(get, path = "/session", tag = "accounts",
    responses((status = 200, description = "Who calls.", body = SessionAnswer)))]
async fn show(state: State, caller: Caller) -> Answer<Json<SessionAnswer>> {
    let who = session::whoami(&state.app, &caller).await?;
    Ok(Json(SessionAnswer {
        user: present_user(who.user),
        organization: who.membership.map(|membership| present_organization(&state, membership)),
        expires_at: who.expires_at,
    }))
}

/// Ends the log-in that this call is made with.
#[utoipa::path(delete, path = "/session", tag = "accounts",
    responses((status = 204, description = "It is over.")))]
async fn log_out(state: State, caller: Caller) -> Answer<StatusCode> {
    session::log_out(&state.app, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A user, as the API shows them.
pub(super) fn present_user(user: users::User) -> User {
    User {
        id: user.id,
        email: user.email.to_string(),
        admin: user.admin,
        disabled: user.disabled_at.is_some(),
        created_at: user.created_at,
    }
}
