//! What a mesh backend does for `service`: the built-in one speaks the coordination protocol itself, others
//! will drive a Headscale, a NetBird or a ZeroTier that is already there.
//!
//! Here is what every kind of mesh can do: its realms, letting a device in, which nodes there are, taking one out, and
//! whether it works. `service` asks for these by the trait alone. What it says to the built-in mesh directly has no
//! counterpart in others: registrations that wait for a person, routes and names that the coordinator's own database
//! decides, the ends of keys that the relay must hear of, and how a device describes itself at this moment.

use async_trait::async_trait;
use serde::Serialize;
use std::net::IpAddr;
use std::time::Duration;

use crate::core::id::{NodeId, RealmId};
use crate::core::node::Node;
use crate::core::secret::Secret;
use crate::core::{Result, Timestamp};

/// Which kind of mesh: tells a device how to read its [`JoinCredential`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MeshKind {
    Tailscale,
    Netbird,
    Zerotier,
}

/// How a device may join.
#[derive(Debug)]
pub struct JoinOptions {
    /// The single-use secret that the coordinator has recorded for this device. The built-in backend hands
    /// it on; a foreign one mints its own beside it.
    pub auth_key: Secret,
    pub lifetime: Duration,
    pub ephemeral: bool,
    pub tags: Vec<String>,
}

/// What a device needs to join, in the terms of its kind of mesh.
#[derive(Debug)]
pub enum JoinCredential {
    /// `tailscale up --login-server … --auth-key …`
    Tailscale { login_server: String, auth_key: Secret },
}

/// A node as its backend knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshNode {
    pub id: NodeId,
    pub name: String,
    pub addresses: Vec<IpAddr>,
    pub online: bool,
    pub last_seen: Option<Timestamp>,
}

/// How many nodes a realm has, and how many of them are there now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub all: usize,
    pub online: usize,
}

/// A backend. Every call has a deadline of its own and fails with `Unavailable` when it passes.
#[async_trait]
pub trait MeshBackend: Send + Sync {
    fn kind(&self) -> MeshKind;

    /// Makes the realm ready for devices; a realm that is there already stays as it is. Fails with
    /// `realm_not_found` where the coordinator has no such realm (any more).
    async fn create_realm(&self, realm: RealmId) -> Result<()>;

    /// Whether the realm is there.
    async fn realm_exists(&self, realm: RealmId) -> Result<bool>;

    /// Tells all devices of the realm that they are out, and forgets it. No error where it is not there.
    async fn delete_realm(&self, realm: RealmId) -> Result<()>;

    async fn join_credential(&self, realm: RealmId, options: JoinOptions) -> Result<JoinCredential>;

    /// The realm's nodes; none where it is not there.
    async fn nodes(&self, realm: RealmId) -> Result<Vec<MeshNode>>;

    /// Counts the realm's nodes; none where it is not there.
    async fn count(&self, realm: RealmId) -> Result<Counts>;

    /// Takes a node out of the mesh at once: it and its peers are told. No error where it is not there.
    async fn remove_node(&self, node: &Node) -> Result<()>;

    /// Whether devices can join and talk now.
    async fn health(&self) -> Result<()>;
}
