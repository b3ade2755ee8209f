//! Nodes: the devices in a realm.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::ToSchema;

use crate::core::Timestamp;
use crate::core::id::NodeId;

/// A device in a realm.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Node {
    pub id: NodeId,
    /// Its label, unique in the realm.
    #[schema(example = "pi")]
    pub name: String,
    /// What the device calls itself.
    #[schema(example = "raspberrypi")]
    pub hostname: String,
    /// The whole MagicDNS name, without the last dot.
    #[schema(example = "pi.acme.mesh.internal")]
    pub dns_name: String,
    /// Its IPv4 and its IPv6 address in the realm.
    #[schema(value_type = Vec<String>, example = json!(["100.64.0.1", "fd7a:115c:a1e0::1"]))]
    pub addresses: Vec<IpAddr>,
    /// Connected, with a key that is not over: with one that is, a device reaches nobody.
    pub online: bool,
    /// `null` when it was never connected.
    pub last_seen: Option<Timestamp>,
    pub created_at: Timestamp,
    /// When its node key is over; `null` for a tagged node, whose key is not.
    pub expires_at: Option<Timestamp>,
    /// It goes when it is offline.
    pub ephemeral: bool,
    #[schema(example = json!(["tag:server"]))]
    pub tags: Vec<String>,
    #[schema(example = "linux")]
    pub os: Option<String>,
    #[schema(example = "1.102.3")]
    pub client_version: Option<String>,
    /// The e-mail of its owner; `null` for a tagged node.
    pub owner: Option<String>,
    pub routes: NodeRoutes,
}

/// The subnets and exits that a node offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeRoutes {
    /// Offered by the device.
    #[schema(value_type = Vec<String>, example = json!(["192.168.1.0/24"]))]
    pub advertised: Vec<IpNet>,
    /// Allowed by a person.
    #[schema(value_type = Vec<String>)]
    pub approved: Vec<IpNet>,
    /// Those that lead through this node now.
    #[schema(value_type = Vec<String>)]
    pub primary: Vec<IpNet>,
}

/// One node.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeAnswer {
    pub node: Node,
}

/// An organization's nodes, by name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeList {
    pub nodes: Vec<Node>,
    pub next_cursor: Option<String>,
}

/// `PATCH …/nodes/{node}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameNode {
    /// A DNS label.
    #[schema(example = "pi", min_length = 1, max_length = 63)]
    pub name: String,
}

/// `PUT …/nodes/{node}/routes`: exactly this set.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRoutes {
    #[schema(value_type = Vec<String>, example = json!(["192.168.1.0/24"]))]
    pub approved: Vec<IpNet>,
}

/// `POST …/approvals`: lets a device in that waits for a person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveNode {
    /// The code that the device shows.
    pub code: String,
}
