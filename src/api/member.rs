//! Members: who is in an organization.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Node, OrganizationRole};
use crate::core::Timestamp;
use crate::core::id::UserId;

/// Somebody who is in an organization.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// Of their account.
    pub id: UserId,
    #[schema(example = "bob@example.org")]
    pub email: String,
    pub role: OrganizationRole,
    /// May not log in.
    pub disabled: bool,
    pub joined_at: Timestamp,
}

/// One member.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemberAnswer {
    pub member: Member,
}

/// An organization's members, in the order of their accounts' age.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemberList {
    pub members: Vec<Member>,
    pub next_cursor: Option<String>,
}

/// `PATCH …/members/{member}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// `admin` or `member`; the owner changes by `POST …/transfer`.
    pub role: OrganizationRole,
}

/// `POST …/transfer`: makes another member the owner.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The id or e-mail address of a member.
    #[schema(example = "bob@example.org")]
    pub member: String,
}

/// The query of `DELETE …/members/{member}` and `DELETE …/membership`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DepartureQuery {
    /// End the keys of their devices too.
    #[serde(default)]
    pub expire_devices: bool,
}

/// Somebody who is in an organization no more.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Departure {
    /// As they were.
    pub member: Member,
    /// Their devices, which are nodes of the organization still.
    pub devices: Vec<Node>,
    /// Whether the keys of those have been ended.
    pub devices_expired: bool,
    /// Join tokens that they had made, and that ended now.
    pub tokens_revoked: u64,
    /// API keys that they had made, and that ended now.
    pub keys_revoked: u64,
    /// Invitations that they had made, and that ended now.
    pub invitations_revoked: u64,
    /// Apps that they had registered, and that ended now.
    pub apps_revoked: u64,
    /// What they had allowed apps in the organization, and that ended now.
    pub grants_revoked: u64,
}
