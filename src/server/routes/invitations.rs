//! `/organizations/{org}/invitations` and `/invitations/accept`.

use axum::Json;
use http::StatusCode;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use super::organizations::{present as present_organization, present_role, read_role};
use crate::api::{
    AcceptInvitation, Invitation, InvitationAnswer, InvitationList, InvitationStatus, Invite, ListQuery,
    MailReport, NewInvitation, OrganizationAnswer, Problem,
};
use crate::core::role::{InviteMembers, Role};
use crate::core::{Result, Timestamp};
use crate::server::extract::{Body, Listing, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::{Caller, May};
use crate::service::invitation::{self, Wish};
use crate::store::invitation as invitations;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke)).routes(routes!(accept))
}

/// The invitations of the last month, the newest first.
#[utoipa::path(get, path = "/organizations/{org}/invitations", tag = "invitations", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = InvitationList)))]
async fn list(state: State, may: May<InviteMembers>, Listing(page): Listing) -> Answer<Json<InvitationList>> {
    let (found, next_cursor) = invitation::list(&state.app, &may, page).await?;
    let now = state.app.now();
    let invitations = found.into_iter().map(|invitation| present(invitation, now)).collect();
    Ok(Json(InvitationList { invitations, next_cursor }))
}

/// Invites somebody by their e-mail address; to invite an admin is the owner's.
#[utoipa::path(post, path = "/organizations/{org}/invitations", tag = "invitations", request_body = Invite,
    responses((status = 201, description = "The invitation, with its code.", body = NewInvitation)))]
async fn create(
    state: State,
    may: May<InviteMembers>,
    Body(asked): Body<Invite>,
) -> Answer<(StatusCode, Json<NewInvitation>)> {
    let wish = Wish {
        email: asked.email,
        role: asked.role.map_or(Role::Member, read_role),
        ttl: asked.ttl_seconds.map(|seconds| Duration::from_secs(seconds.into())),
        mail: asked.mail,
    };
    let made = invitation::create(&state.app, &may, wish).await?;
    let invitation = present(made.invitation, state.app.now());
    let mail = made.mailed.map(report);
    Ok((StatusCode::CREATED, Json(NewInvitation { invitation, code: made.code, url: made.url, mail })))
}

fn report(mailed: Result<()>) -> MailReport {
    let failure = mailed.err();
    MailReport {
        sent: failure.is_none(),
        code: failure.as_ref().map(|e| e.code().to_owned()),
        detail: failure.map(|e| e.message().to_owned()),
    }
}

/// Revokes an invitation: nobody accepts it any more.
#[utoipa::path(delete, path = "/organizations/{org}/invitations/{invitation}", tag = "invitations",
    responses((status = 200, description = "The invitation, revoked.", body = InvitationAnswer)))]
async fn revoke(
    state: State,
    may: May<InviteMembers>,
    Target(reference): Target,
) -> Answer<Json<InvitationAnswer>> {
    let revoked = invitation::revoke(&state.app, &may, &reference).await?;
    Ok(Json(InvitationAnswer { invitation: present(revoked, state.app.now()) }))
}

/// Accepts an invitation: the caller becomes a member.
#[utoipa::path(post, path = "/invitations/accept", tag = "invitations", request_body = AcceptInvitation,
    responses((status = 200, description = "The organization.", body = OrganizationAnswer),
        (status = 404, description = "There is none for this account.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "The organization is full.", body = Problem,
            content_type = "application/problem+json")))]
async fn accept(
    state: State,
    caller: Caller,
    Body(asked): Body<AcceptInvitation>,
) -> Answer<Json<OrganizationAnswer>> {
    let membership = invitation::accept(&state.app, &caller, asked.code.reveal()).await?;
    Ok(Json(OrganizationAnswer { organization: present_organization(&state, membership) }))
}

/// An invitation, as the API shows it.
fn present(invitation: invitations::Invitation, now: Timestamp) -> Invitation {
    Invitation {
        id: invitation.id,
        status: status(&invitation, now),
        email: invitation.email.to_string(),
        role: present_role(invitation.role),
        invited_by: invitation.inviter.to_string(),
        created_at: invitation.created_at,
        expires_at: invitation.expires_at,
        accepted_at: invitation.accepted_at,
        revoked_at: invitation.revoked_at,
    }
}

fn status(invitation: &invitations::Invitation, now: Timestamp) -> InvitationStatus {
    if invitation.accepted_at.is_some() {
        InvitationStatus::Accepted
    } else if invitation.revoked_at.is_some() {
        InvitationStatus::Revoked
    } else if invitation.expires_at <= now {
        InvitationStatus::Expired
    } else {
        InvitationStatus::Open
    }
}
