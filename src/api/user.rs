//! People with accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::reveal;
use crate::core::Timestamp;
use crate::core::id::UserId;
use crate::core::secret::Secret;

/// A person with an account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    pub id: UserId,
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// Administers the coordinator itself.
    pub admin: bool,
    /// May not log in.
    pub disabled: bool,
    pub created_at: Timestamp,
}

/// One user.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserAnswer {
    pub user: User,
}

/// `POST /setup`: the first account, by the one-time code that the first start prints. It is an administrator.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    #[serde(serialize_with = "reveal")]
    pub code: Secret,
    #[schema(example = "ada@example.org")]
    pub email: String,
    #[serde(serialize_with = "reveal")]
    pub password: Secret,
}
