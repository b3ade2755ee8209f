//! `/organizations/{org}/members`, `…/membership` and `…/transfer`: who is in an organization.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use super::nodes::present as present_node;
use super::organizations::{present_role, read_role};
use crate::api::{Departure, DepartureQuery, ListQuery, Member, MemberAnswer, MemberList, SetRole, Transfer};
use crate::core::role::{ManageAdmins, RemoveMembers, TransferOwnership, ViewMembers, ViewOrganization};
use crate::server::extract::{Asked, Body, Listing, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::May;
use crate::service::member::{self, Gone};
use crate::store::member as members;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(set_role, remove))
        .routes(routes!(leave))
        .routes(routes!(transfer))
}

/// The organization's members.
#[utoipa::path(get, path = "/organizations/{org}/members", tag = "members", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = MemberList)))]
async fn list(state: State, may: May<ViewMembers>, Listing(page): Listing) -> Answer<Json<MemberList>> {
    let (members, next_cursor) = member::list(&state.app, &may, page).await?;
    Ok(Json(MemberList { members: members.into_iter().map(present).collect(), next_cursor }))
}

/// Makes a member an admin, or an admin a member.
#[utoipa::path(patch, path = "/organizations/{org}/members/{member}", tag = "members", request_body = SetRole,
    responses((status = 200, description = "The member with the new role.", body = MemberAnswer)))]
async fn set_role(
    state: State,
    may: May<ManageAdmins>,
    Target(who): Target,
    Body(asked): Body<SetRole>,
) -> Answer<Json<MemberAnswer>> {
    let member = member::set_role(&state.app, &may, &who, read_role(asked.role)).await?;
    Ok(Json(MemberAnswer { member: present(member) }))
}

/// Takes a member out, or, for the owner, an admin. What they had made for the organization ends.
#[utoipa::path(delete, path = "/organizations/{org}/members/{member}", tag = "members", params(DepartureQuery),
    responses((status = 200, description = "The member as they were, and their devices.", body = Departure)))]
async fn remove(
    state: State,
    may: May<RemoveMembers>,
    Target(who): Target,
    Asked(query): Asked<DepartureQuery>,
) -> Answer<Json<Departure>> {
    let gone = member::remove(&state.app, &may, &who, query.expire_devices).await?;
    Ok(Json(departure(gone, query.expire_devices)))
}

/// The caller leaves. What they had made for the organization ends.
#[utoipa::path(delete, path = "/organizations/{org}/membership", tag = "members", params(DepartureQuery),
    responses((status = 200, description = "The caller as they were, and their devices.", body = Departure)))]
async fn leave(
    state: State,
    may: May<ViewOrganization>,
    Asked(query): Asked<DepartureQuery>,
) -> Answer<Json<Departure>> {
    let gone = member::leave(&state.app, &may, query.expire_devices).await?;
    Ok(Json(departure(gone, query.expire_devices)))
}

/// Makes another member the owner; who was it is an admin then.
#[utoipa::path(post, path = "/organizations/{org}/transfer", tag = "members", request_body = Transfer,
    responses((status = 200, description = "The new owner.", body = MemberAnswer)))]
async fn transfer(
    state: State,
    may: May<TransferOwnership>,
    Body(asked): Body<Transfer>,
) -> Answer<Json<MemberAnswer>> {
    let member = member::transfer(&state.app, &may, &asked.member).await?;
    Ok(Json(MemberAnswer { member: present(member) }))
}

fn departure(gone: Gone, devices_expired: bool) -> Departure {
    Departure {
        member: present(gone.member),
        devices: gone.devices.into_iter().map(present_node).collect(),
        devices_expired,
        tokens_revoked: gone.ended.tokens,
        keys_revoked: gone.ended.keys,
        invitations_revoked: gone.ended.invitations,
        apps_revoked: gone.ended.apps,
        grants_revoked: gone.ended.grants,
    }
}

/// A member, as the API shows them.
fn present(member: members::Member) -> Member {
    Member {
        id: member.user,
        email: member.email.to_string(),
        role: present_role(member.role),
        disabled: member.disabled_at.is_some(),
        joined_at: member.joined_at,
    }
}
