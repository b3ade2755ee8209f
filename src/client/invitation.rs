//! Invitations to organizations.

use ureq::http::Method;

use super::call::{NOTHING, segment};
use super::{Client, organization};
use crate::api::{
    AcceptInvitation, Invitation, InvitationAnswer, InvitationList, Invite, NewInvitation, Organization,
    OrganizationAnswer,
};
use crate::core::Result;
use crate::core::secret::Secret;

impl Client {
    pub fn invite(&self, org: &str, whom: &Invite) -> Result<NewInvitation> {
        self.call(Method::POST, &invitations(org)?, Some(whom))
    }

    pub fn invitations(&self, org: &str) -> Result<Vec<Invitation>> {
        self.list(&invitations(org)?, |page: InvitationList| (page.invitations, page.next_cursor))
    }

    /// Revokes an invitation, by id or e-mail address.
    pub fn revoke_invitation(&self, org: &str, invitation: &str) -> Result<Invitation> {
        self.call(Method::DELETE, &format!("{}/{}", invitations(org)?, segment(invitation)?), NOTHING)
            .map(|answer: InvitationAnswer| answer.invitation)
    }

    /// Becomes a member, by the code of an invitation or its link.
    pub fn accept_invitation(&self, code: Secret) -> Result<Organization> {
        self.call(Method::POST, "/invitations/accept", Some(&AcceptInvitation { code }))
            .map(|answer: OrganizationAnswer| answer.organization)
    }
}

fn invitations(org: &str) -> Result<String> {
    Ok(format!("{}/invitations", organization::path(org)?))
}
