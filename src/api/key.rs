//! API keys: what an integration holds.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;
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
    /// When its secret is good no longer: its own time, or what the organization's policy leaves of it.
    pub expires_at: Timestamp,
    /// Whether the organization's policy asks for a new secret soon.
    pub rotation_due: bool,
    pub last_used_at: Option<Timestamp>,
    /// Where the last use came from.
    #[schema(value_type = Option<String>)]
    pub last_used_from: Option<IpAddr>,
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

/// How old the secrets of an organization's API keys may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPolicy {
    /// 1 to 366 days.
    #[schema(minimum = 86400, maximum = 31622400)]
    pub max_age_seconds: u32,
    /// How long before its end a secret is warned of.
    pub warn_before_seconds: u32,
}

/// What an organization says about them; `null`: nothing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPolicyAnswer {
    pub policy: Option<KeyPolicy>,
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
