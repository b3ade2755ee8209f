//! How a device spends a join token.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::reveal;
use super::{OrganizationName, Realm};
use crate::core::secret::Secret;

/// `POST /join` and `POST /join/check`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    #[serde(serialize_with = "reveal")]
    pub token: Secret,
}

/// Where a join token leads: told without spending it, so that a device knows first whether it is there already.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinTarget {
    pub coordinator: String,
    pub organization: OrganizationName,
    pub realm: Realm,
}

/// What one use of a join token gives.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinGrant {
    /// The bearer token for `/worker`; shown once.
    #[serde(serialize_with = "reveal")]
    pub worker_key: Secret,
    #[schema(example = "http://192.168.1.10:8080")]
    pub coordinator: String,
    pub organization: OrganizationName,
    pub realm: Realm,
    pub mesh: MeshCredential,
}

/// What the device's own mesh client needs, by backend.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MeshCredential {
    /// For an unmodified Tailscale client.
    Tailscale {
        login_server: String,
        #[serde(serialize_with = "reveal")]
        auth_key: Secret,
    },
}
