//! `/setup`: the first account.

use axum::Json;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use super::sessions::present_user;
use crate::api::{SetUp, UserAnswer};
use crate::server::extract::{Body, From};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::setup;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(set_up))
}

/// Makes the first account, by the one-time code that the first start prints.
#[utoipa::path(post, path = "/setup", tag = "accounts", security(()), request_body = SetUp,
    responses((status = 201, description = "The account, an administrator.", body = UserAnswer)))]
async fn set_up(
    state: State,
    From(origin): From,
    Body(asked): Body<SetUp>,
) -> Answer<(StatusCode, Json<UserAnswer>)> {
    let set_up = setup::SetUp { code: asked.code, email: asked.email, password: asked.password };
    let user = setup::redeem(&state.app, set_up, origin).await?;
    Ok((StatusCode::CREATED, Json(UserAnswer { user: present_user(user) })))
}
