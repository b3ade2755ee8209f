//! Log-ins of the command line, and what one sees of all of one's own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::{reveal, reveal_some};
use super::{Organization, User};
use crate::core::Timestamp;
use crate::core::id::SessionId;
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
    /// For an account with a second factor: a code of its authenticator app, or a recovery code. Without it the answer
    /// is `second_factor_required`.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "reveal_some")]
    pub code: Option<Secret>,
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

/// Where a log-in is used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    Cli,
    Browser,
}

/// One of one's own log-ins.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    pub id: SessionId,
    pub kind: SessionKind,
    /// Where it came from.
    pub label: String,
    /// The address that it was begun from.
    pub address: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
    /// The one that this call is made with.
    pub current: bool,
}

/// `GET /sessions`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    pub sessions: Vec<Session>,
    pub next_cursor: Option<String>,
}
