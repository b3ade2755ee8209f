//! `/join`: how a device spends a join token. The token is the authority.

use axum::Json;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::{JoinGrant, JoinRequest, JoinTarget, MeshCredential, OrganizationName};
use crate::mesh::JoinCredential;
use crate::server::extract::{Body, From};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::join;
use crate::store::join_token::JoinTokenRow;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(check)).routes(routes!(redeem))
}

/// Where a join token leads; spends nothing.
#[utoipa::path(post, path = "/join/check", tag = "join", security(()), request_body = JoinRequest,
    responses((status = 200, description = "It would let a device in now.", body = JoinTarget)))]
async fn check(state: State, From(origin): From, Body(asked): Body<JoinRequest>) -> Answer<Json<JoinTarget>> {
    let token = join::check(&state.app, &asked.token, origin).await?;
    Ok(Json(JoinTarget {
        coordinator: state.url().to_string(),
        realm: state.realm(token.realm_id, &token.realm_label),
        organization: organization(&token),
    }))
}

/// Spends one use of a join token.
#[utoipa::path(post, path = "/join", tag = "join", security(()), request_body = JoinRequest,
    responses((status = 201, description = "What the device needs.", body = JoinGrant)))]
async fn redeem(
    state: State,
    From(origin): From,
    Body(asked): Body<JoinRequest>,
) -> Answer<(StatusCode, Json<JoinGrant>)> {
    let join::Grant { token, worker_key, mesh } = join::redeem(&state.app, &asked.token, origin).await?;
    let answer = JoinGrant {
        worker_key,
        coordinator: state.url().to_string(),
        organization: organization(&token),
        realm: state.realm(token.realm_id, &token.realm_label),
        mesh: credential(mesh),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

pub(super) fn credential(mesh: JoinCredential) -> MeshCredential {
    match mesh {
        JoinCredential::Tailscale { login_server, auth_key } => {
            MeshCredential::Tailscale { login_server, auth_key }
        }
    }
}

pub(super) fn organization(token: &JoinTokenRow) -> OrganizationName {
    OrganizationName { id: token.org_id, name: token.org_name.clone() }
}
