//! `/sessions` and `/session`: log-ins of the command line, and the list of all of one's own.

use axum::Json;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use super::organizations::present as present_organization;
use crate::api::{
    ListQuery, LogIn, NewSession, Session, SessionAnswer, SessionKind as ApiKind, SessionList, User,
};
use crate::core::session::SessionKind;
use crate::server::extract::{Body, From, Listing, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::Caller;
use crate::service::session;
use crate::store::session as sessions;
use crate::store::user as users;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list, log_in)).routes(routes!(revoke)).routes(routes!(show, log_out))
}

/// One's own log-ins, of the command line and of browsers, the last used first.
#[utoipa::path(get, path = "/sessions", tag = "accounts", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = SessionList)))]
async fn list(state: State, caller: Caller, Listing(page): Listing) -> Answer<Json<SessionList>> {
    let own = caller.person()?.session;
    let (sessions, next_cursor) = session::list(&state.app, &caller, page).await?;
    let present = |s: sessions::Session| Session {
        id: s.id,
        kind: match s.kind {
            SessionKind::Cli => ApiKind::Cli,
            SessionKind::Browser => ApiKind::Browser,
        },
        label: s.label,
        address: s.address.map(|address| address.to_string()),
        created_at: s.created_at,
        last_used_at: s.last_used_at,
        expires_at: s.expires_at,
        current: Some(s.id) == own,
    };
    Ok(Json(SessionList { sessions: sessions.into_iter().map(present).collect(), next_cursor }))
}

/// Ends one of one's own log-ins.
#[utoipa::path(delete, path = "/sessions/{session}", tag = "accounts",
    responses((status = 204, description = "It is over.")))]
async fn revoke(state: State, caller: Caller, Target(id): Target) -> Answer<StatusCode> {
    session::revoke(&state.app, &caller, id.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Logs in with a password, and a code where the account has a second factor.
#[utoipa::path(post, path = "/sessions", tag = "accounts", security(()), request_body = LogIn,
    responses((status = 201, description = "A log-in, with its bearer token.", body = NewSession)))]
async fn log_in(
    state: State,
    From(origin): From,
    Body(asked): Body<LogIn>,
) -> Answer<(StatusCode, Json<NewSession>)> {
    let asked = session::LogIn {
        kind: SessionKind::Cli,
        email: asked.email,
        password: asked.password,
        label: asked.label,
        code: asked.code,
    };
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
