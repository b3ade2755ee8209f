//! `/grants` and `/organizations/{org}/grants`: what people allowed apps.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::{AppName, Grant, GrantAnswer, GrantList, ListQuery, OrganizationName};
use crate::core::role::{ManageApps, ViewApps};
use crate::server::extract::{Listing, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::{Caller, May};
use crate::service::oauth::grant;
use crate::store::oauth::grant::GrantRow;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list_own))
        .routes(routes!(revoke_own))
        .routes(routes!(list))
        .routes(routes!(revoke))
}

/// What the caller allowed apps, the newest first.
#[utoipa::path(get, path = "/grants", tag = "apps", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = GrantList)))]
async fn list_own(state: State, caller: Caller, Listing(page): Listing) -> Answer<Json<GrantList>> {
    let (grants, next_cursor) = grant::list_own(&state.app, &caller, page).await?;
    Ok(Json(GrantList { grants: grants.into_iter().map(present).collect(), next_cursor }))
}

/// Revokes what the caller allowed an app: at once, with its tokens and its nodes' keys.
#[utoipa::path(delete, path = "/grants/{grant}", tag = "apps",
    responses((status = 200, description = "The grant, revoked.", body = GrantAnswer)))]
async fn revoke_own(state: State, caller: Caller, Target(id): Target) -> Answer<Json<GrantAnswer>> {
    Ok(Json(GrantAnswer { grant: present(grant::revoke_own(&state.app, &caller, &id).await?) }))
}

/// What anybody allowed apps in the organization, the newest first.
#[utoipa::path(get, path = "/organizations/{org}/grants", tag = "apps", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = GrantList)))]
async fn list(state: State, may: May<ViewApps>, Listing(page): Listing) -> Answer<Json<GrantList>> {
    let (grants, next_cursor) = grant::list(&state.app, &may, page).await?;
    Ok(Json(GrantList { grants: grants.into_iter().map(present).collect(), next_cursor }))
}

/// Revokes what somebody allowed an app in the organization.
#[utoipa::path(delete, path = "/organizations/{org}/grants/{grant}", tag = "apps",
    responses((status = 200, description = "The grant, revoked.", body = GrantAnswer)))]
async fn revoke(state: State, may: May<ManageApps>, Target(id): Target) -> Answer<Json<GrantAnswer>> {
    Ok(Json(GrantAnswer { grant: present(grant::revoke(&state.app, &may, &id).await?) }))
}

/// A grant, as the API shows it.
fn present(grant: GrantRow) -> Grant {
    Grant {
        id: grant.id,
        app: AppName { id: grant.app, name: grant.app_name },
        organization: OrganizationName { id: grant.org, name: grant.org_name },
        user: grant.email.to_string(),
        own: grant.own,
        scopes: grant.scopes.words().into_iter().map(str::to_owned).collect(),
        created_at: grant.created_at,
        last_used_at: grant.last_used_at,
        revoked_at: grant.revoked_at,
    }
}
