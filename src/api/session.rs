//! Log-ins of the command line.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::reveal;
use super::{Organization, User};
use crate::core::Timestamp;
use crate::core::secret::Secret;

/// `POST /sessions`: logs in with a password.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    #[schema(example = "ada@example.org")]
    pub email: String,
    #[serde(serialize_with = "reveal")]
    pub password: Secret,
    /// Where the log-in comes from, as its owner will know it again.
    #[schema(example = "wonder on laptop", max_length = 100)]
    pub label: String,
}

/// A log-in that has just begun.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewSession {
    pub user: User,
    /// The one to begin with: the personal organization.
    pub organization: Organization,
    pub expires_at: Timestamp,
    /// The bearer token; shown once.
    #[serde(serialize_with = "reveal")]
    pub token: Secret,
}

/// `GET /session`: whose credential this is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionAnswer {
    pub user: User,
    /// The one to begin with; for an API key the one that it belongs to.
    pub organization: Option<Organization>,
    pub expires_at: Timestamp,
}
