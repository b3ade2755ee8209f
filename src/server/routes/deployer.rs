//! `/deployer/join`: a platform's own machine, by an app's access token or an API key.

use axum::Json;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use super::join::{credential, organization};
use crate::api::{JoinGrant, JoinTarget, OrganizationName};
use crate::core::role::CreateJoinTokens;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::May;
use crate::service::deployer;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(target)).routes(routes!(join))
}

/// Where the caller's own machine would join; spends nothing.
#[utoipa::path(get, path = "/deployer", tag = "join",
    responses((status = 200, description = "It would be let in now.", body = JoinTarget)))]
async fn target(state: State, may: May<CreateJoinTokens>) -> Json<JoinTarget> {
    let organization = may.organization();
    Json(JoinTarget {
        coordinator: state.url().to_string(),
        realm: state.realm(organization.realm, organization.realm_label.as_str()),
        organization: OrganizationName { id: organization.id, name: organization.name.clone() },
    })
}

/// Mesh credentials for the caller's own machine, which is tagged `tag:deployer`. The organization is that of
/// the access token or API key; what came by an app's grant ends with it.
#[utoipa::path(post, path = "/deployer/join", tag = "join",
    responses((status = 201, description = "What the machine needs.", body = JoinGrant)))]
async fn join(state: State, may: May<CreateJoinTokens>) -> Answer<(StatusCode, Json<JoinGrant>)> {
    let made = deployer::join(&state.app, &may).await?;
    let answer = JoinGrant {
        worker_key: made.worker_key,
        coordinator: state.url().to_string(),
        organization: organization(&made.token),
        realm: state.realm(made.token.realm_id, &made.token.realm_label),
        mesh: credential(made.mesh),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}
