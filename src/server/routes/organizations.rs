//! `/organizations`.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{ListQuery, Organization, OrganizationAnswer, OrganizationList, OrganizationRole};
use crate::core::role::{Role, ViewOrganization};
use crate::server::extract::Listing;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::{Caller, May};
use crate::service::organization;
use crate::store::organization::Membership;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
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

/// An organization and the caller's role, as the API shows them.
pub(super) fn present(state: &State, membership: Membership) -> Organization {
    let Membership { organization, role } = membership;
    Organization {
        id: organization.id,
        realm: state.realm(organization.realm, organization.realm_label.as_str()),
        name: organization.name,
        personal: organization.personal_of.is_some(),
        role: match role {
            Role::Owner => OrganizationRole::Owner,
            Role::Admin => OrganizationRole::Admin,
            Role::Member => OrganizationRole::Member,
        },
        created_at: organization.created_at,
    }
}
