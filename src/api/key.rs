//! API keys: what an integration holds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::reveal;
use crate::core::Timestamp;
use crate::core::id::ApiKeyId;
use crate::core::secret::Secret;

/// An API key, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Key {
    pub id: ApiKeyId,
    pub name: String,
    /// How its secret begins, to tell it from others in a list.
    #[schema(example = "wnd_3f9a61c2")]
    pub prefix: String,
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// What an API key may do in its organization. Join tokens count as `nodes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    #[serde(rename = "nodes:read")]
    NodesRead,
    #[serde(rename = "nodes:write")]
    NodesWrite,
    #[serde(rename = "keys:read")]
    KeysRead,
    #[serde(rename = "keys:write")]
    KeysWrite,
    #[serde(rename = "profile:read")]
    ProfileRead,
}

/// One API key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyAnswer {
    pub key: Key,
}

/// An organization's API keys, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyList {
    pub keys: Vec<Key>,
    pub next_cursor: Option<String>,
}

/// `POST …/keys`. What is left out: `nodes:read` alone, 90 days.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    #[schema(min_length = 1, max_length = 63)]
    pub name: String,
    #[serde(default)]
    pub scopes: Option<Vec<Scope>>,
    #[serde(default)]
    #[schema(minimum = 1)]
    pub ttl_seconds: Option<u32>,
}

/// `POST …/keys/{key}/rotate`: a new secret; the old one works on for the overlap (left out: 24 hours).
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotateKey {
    pub overlap_seconds: Option<u32>,
}

/// An API key with the secret that was just made: the one time that it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewKey {
    pub key: Key,
    #[serde(serialize_with = "reveal")]
    pub secret: Secret,
}
