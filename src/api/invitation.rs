//! Invitations: how somebody becomes a member.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::OrganizationRole;
use super::schema::reveal;
use crate::core::Timestamp;
use crate::core::id::InvitationId;
use crate::core::secret::Secret;

/// An invitation, without its code.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    pub id: InvitationId,
    /// Whose account alone may accept it.
    #[schema(example = "bob@example.org")]
    pub email: String,
    /// What they will be.
    pub role: OrganizationRole,
    pub status: InvitationStatus,
    /// The e-mail of whoever made it.
    pub invited_by: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub accepted_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationStatus {
    Open,
    Accepted,
    Revoked,
    Expired,
}

/// One invitation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationAnswer {
    pub invitation: Invitation,
}

/// The invitations of the last month, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationList {
    pub invitations: Vec<Invitation>,
    pub next_cursor: Option<String>,
}

/// `POST …/invitations`. What is left out: `member`, 7 days, mailed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    #[schema(example = "bob@example.org")]
    pub email: String,
    /// `admin` or `member`.
    #[serde(default)]
    pub role: Option<OrganizationRole>,
    #[serde(default)]
    #[schema(minimum = 1)]
    pub ttl_seconds: Option<u32>,
    /// Whether the link goes out by mail too, where this coordinator sends any.
    #[serde(default = "yes")]
    pub mail: bool,
}

fn yes() -> bool {
    true
}

/// An invitation with the code that was just made: the one time that it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewInvitation {
    pub invitation: Invitation,
    #[serde(serialize_with = "reveal")]
    pub code: Secret,
    /// Where it is accepted; the code is in it.
    #[serde(serialize_with = "reveal")]
    pub url: Secret,
    /// What came of the mail to them; `null` where there was to be none, or this coordinator sends none.
    pub mail: Option<MailReport>,
}

/// What came of a mail. One that was not sent takes nothing back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MailReport {
    /// The mail server has it.
    pub sent: bool,
    /// Why not: stable and in `snake_case`.
    #[schema(example = "mail_refused")]
    pub code: Option<String>,
    /// Why not, in a sentence.
    pub detail: Option<String>,
}

/// `POST /invitations/accept`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The code, or the whole link.
    #[serde(serialize_with = "reveal")]
    pub code: Secret,
}
