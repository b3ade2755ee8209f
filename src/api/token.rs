//! Join tokens: what a person pastes on a device.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::reveal;
use crate::core::Timestamp;
use crate::core::id::TokenId;
use crate::core::secret::Secret;

/// A join token, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Token {
    pub id: TokenId,
    pub name: Option<String>,
    pub created_at: Timestamp,
    /// The e-mail of whoever made it; `null` when that account is gone.
    pub created_by: Option<String>,
    pub expires_at: Timestamp,
    /// How many devices it is for; `null` when it is reusable.
    pub uses: Option<u32>,
    /// How many more devices it is good for; `null` when it is reusable.
    pub uses_left: Option<u32>,
    /// Its nodes go when they are offline.
    pub ephemeral: bool,
    /// The tags that its nodes carry.
    #[schema(example = json!(["tag:server"]))]
    pub tags: Vec<String>,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// One join token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    pub token: Token,
}

/// An organization's join tokens, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    pub tokens: Vec<Token>,
    pub next_cursor: Option<String>,
}

/// `POST …/tokens`. What is left out: no name, 8 hours, one use, nodes that stay, no tags.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CreateToken {
    #[schema(max_length = 63)]
    pub name: Option<String>,
    #[schema(minimum = 1)]
    pub ttl_seconds: Option<u32>,
    /// For so many devices; not together with `reusable`.
    #[schema(minimum = 1)]
    pub uses: Option<u32>,
    /// For any number of devices until it expires.
    pub reusable: bool,
    pub ephemeral: bool,
    pub tags: Vec<String>,
}

/// A join token that was just made: the one time that its secret is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    pub token: Token,
    /// For `wonder worker join`.
    #[serde(serialize_with = "reveal")]
    pub secret: Secret,
    /// For `tailscale up --auth-key`.
    #[serde(serialize_with = "reveal")]
    pub auth_key: Secret,
    /// What to type on a device that has `wonder`.
    #[serde(serialize_with = "reveal")]
    pub join_command: Secret,
    /// What to type on a device that has only Tailscale.
    #[serde(serialize_with = "reveal")]
    pub tailscale_command: Secret,
}
