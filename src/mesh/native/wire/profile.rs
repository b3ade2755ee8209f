//! Users as a map shows them (`tailcfg.UserProfile`).

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::core::node::Node;

/// Whom a node belongs to, as all devices of its realm are told.
#[derive(Clone, Debug, Serialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct Profile {
    #[serde(rename = "ID")]
    pub id: i64,
    pub login_name: String,
    pub display_name: String,
}

impl Profile {
    /// The owner of a node; a tagged node answers to its realm instead. The name is never empty: clients
    /// keep no profile without one.
    pub fn of(node: &Node) -> Self {
        let name = if node.tags.is_empty() { node.owner.email.as_str() } else { "tagged-devices" };
        Profile { id: number(node), login_name: name.to_owned(), display_name: name.to_owned() }
    }
}

/// The number of a user in one realm (`tailcfg.UserID`). A client takes two log-ins with the same number at
/// the same coordinator for one and lets the later replace the earlier, so that a person who is in two
/// realms needs two numbers: 52 bits of a digest of both, which JavaScript can read as well.
pub fn number(node: &Node) -> i64 {
    let owner = if node.tags.is_empty() { node.owner.id.to_string() } else { String::new() };
    let digest: [u8; 32] = Sha256::digest(format!("{}/{owner}", node.realm)).into();
    let bits = digest[..8].iter().fold(0_i64, |bits, byte| bits << 8 | i64::from(*byte));
    (bits & ((1 << 52) - 1)).max(1)
}
