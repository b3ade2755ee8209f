//! Organizations: people with roles who share a realm.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::core::Timestamp;
use crate::core::id::{OrgId, RealmId};

/// An organization, as one of its members sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Organization {
    pub id: OrgId,
    #[schema(example = "acme")]
    pub name: String,
    /// Everyone's own; made at the first log-in.
    pub personal: bool,
    /// What the caller is in it.
    pub role: OrganizationRole,
    pub realm: Realm,
    pub created_at: Timestamp,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationRole {
    Owner,
    Admin,
    Member,
}

/// The isolated mesh of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Realm {
    pub id: RealmId,
    /// Its MagicDNS domain, without the last dot.
    #[schema(example = "acme.mesh.internal")]
    pub domain: String,
}

/// An organization as somebody from outside sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrganizationName {
    pub id: OrgId,
    #[schema(example = "acme")]
    pub name: String,
}

/// One organization.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrganizationAnswer {
    pub organization: Organization,
}

/// The caller's organizations.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrganizationList {
    pub organizations: Vec<Organization>,
    pub next_cursor: Option<String>,
}

/// `POST /organizations`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOrganization {
    #[schema(example = "acme", min_length = 1, max_length = 63)]
    pub name: String,
}

/// `PATCH /organizations/{org}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameOrganization {
    #[schema(example = "acme", min_length = 1, max_length = 63)]
    pub name: String,
}

/// The query of `DELETE /organizations/{org}`.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConfirmQuery {
    /// The organization's name, once more.
    #[param(min_length = 1)]
    pub confirm: String,
}

/// An organization that has been deleted, as it was.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeletedOrganization {
    pub organization: Organization,
    /// How many nodes it had.
    pub nodes_removed: usize,
}
