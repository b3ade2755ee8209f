//! `/organizations`: those of the caller.

use axum::Json;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::{
    ConfirmQuery, CreateOrganization, DeletedOrganization, ListQuery, Organization, OrganizationAnswer,
    OrganizationList, OrganizationRole, Problem, RenameOrganization,
};
use crate::core::role::{DeleteOrganization, ManageOrganization, Role, ViewOrganization};
use crate::server::extract::{Asked, Body, Listing};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::{Caller, May};
use crate::service::organization;
use crate::store::organization::Membership;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, rename, delete))
}

/// The caller's organizations, the personal one first.
#[utoipa::path(get, path = "/organizations", tag = "organizations", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = OrganizationList)))]
async fn list(state: State, caller: Caller, Listing(page): Listing) -> Answer<Json<OrganizationList>> {
    let all = organization::list(&state.app, &caller).await?;
    let (memberships, next_cursor) = page.pick(all, |membership| membership.organization.id.to_string());
    let organizations = memberships.into_iter().map(|membership| present(&state, membership)).collect();
    Ok(Json(OrganizationList { organizations, next_cursor }))
}

/// One organization.
#[utoipa::path(get, path = "/organizations/{org}", tag = "organizations",
    responses((status = 200, description = "The organization.", body = OrganizationAnswer)))]
async fn show(state: State, may: May<ViewOrganization>) -> Json<OrganizationAnswer> {
    Json(OrganizationAnswer { organization: present(&state, organization::show(&may)) })
}

/// Makes an organization to share; the caller is its owner.
#[utoipa::path(post, path = "/organizations", tag = "organizations", request_body = CreateOrganization,
    responses((status = 201, description = "The organization.", body = OrganizationAnswer),
        (status = 409, description = "One person owns so many at most.", body = Problem,
            content_type = "application/problem+json")))]
async fn create(
    state: State,
    caller: Caller,
    Body(asked): Body<CreateOrganization>,
) -> Answer<(StatusCode, Json<OrganizationAnswer>)> {
    let made = organization::create(&state.app, &caller, &asked.name).await?;
    Ok((StatusCode::CREATED, Json(OrganizationAnswer { organization: present(&state, made) })))
}

/// Gives an organization another name; its domain stays.
#[utoipa::path(patch, path = "/organizations/{org}", tag = "organizations", request_body = RenameOrganization,
    responses((status = 200, description = "The organization, renamed.", body = OrganizationAnswer)))]
async fn rename(
    state: State,
    may: May<ManageOrganization>,
    Body(asked): Body<RenameOrganization>,
) -> Answer<Json<OrganizationAnswer>> {
    let renamed = organization::rename(&state.app, &may, &asked.name).await?;
    Ok(Json(OrganizationAnswer { organization: present(&state, renamed) }))
}

/// Deletes an organization with everything that it has: its devices are told and cut off.
#[utoipa::path(delete, path = "/organizations/{org}", tag = "organizations", params(ConfirmQuery),
    responses((status = 200, description = "The organization as it was.", body = DeletedOrganization)))]
async fn delete(
    state: State,
    may: May<DeleteOrganization>,
    Asked(query): Asked<ConfirmQuery>,
) -> Answer<Json<DeletedOrganization>> {
    let (deleted, nodes_removed) = organization::delete(&state.app, &may, &query.confirm).await?;
    Ok(Json(DeletedOrganization { organization: present(&state, deleted), nodes_removed }))
}

/// An organization and the caller's role, as the API shows them.
pub(super) fn present(state: &State, membership: Membership) -> Organization {
    let Membership { organization, role } = membership;
    Organization {
        id: organization.id,
        realm: state.realm(organization.realm, organization.realm_label.as_str()),
        name: organization.name,
        personal: organization.personal_of.is_some(),
        role: present_role(role),
        created_at: organization.created_at,
    }
}

/// A role, as the API shows it.
pub(super) fn present_role(role: Role) -> OrganizationRole {
    match role {
        Role::Owner => OrganizationRole::Owner,
        Role::Admin => OrganizationRole::Admin,
        Role::Member => OrganizationRole::Member,
    }
}

/// A role that the caller names.
pub(super) fn read_role(role: OrganizationRole) -> Role {
    match role {
        OrganizationRole::Owner => Role::Owner,
        OrganizationRole::Admin => Role::Admin,
        OrganizationRole::Member => Role::Member,
    }
}
