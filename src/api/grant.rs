//! Grants: what people allowed apps.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::OrganizationName;
use crate::core::Timestamp;
use crate::core::id::{AppId, GrantId};

/// What a person allowed an app, in one organization.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    pub id: GrantId,
    pub app: AppName,
    pub organization: OrganizationName,
    /// Who granted it; for an app that acts for its own organization, who registered it.
    #[schema(example = "ada@example.org")]
    pub user: String,
    /// The app acts for its own organization, by its own secret.
    pub own: bool,
    #[schema(example = json!(["nodes:read", "offline_access"]))]
    pub scopes: Vec<String>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// An app, as others see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AppName {
    pub id: AppId,
    pub name: String,
}

/// One grant.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GrantAnswer {
    pub grant: Grant,
}

/// Grants that are not revoked, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GrantList {
    pub grants: Vec<Grant>,
    pub next_cursor: Option<String>,
}
