//! Who reaches whom inside a realm. Today every node reaches every other, and what a router was approved
//! for; the policy language will live here. What is not allowed by a rule is refused.

use ipnet::IpNet;
use std::net::IpAddr;

use super::address::{RANGE_V4, RANGE_V6};
use super::node::Node;

/// Traffic that a node accepts: from any of `sources` to any of `destinations`, all ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Addresses or ranges (CIDR).
    pub sources: Vec<String>,
    /// Addresses or ranges (CIDR).
    pub destinations: Vec<String>,
}

/// What `node` accepts: from the mesh, to itself and to the routes that it was approved for. The relay and
/// the keys keep other realms out; this keeps out what a node forwards for nobody.
pub fn rules_for(node: &Node) -> Vec<Rule> {
    let own = node.address.both().map(|ip: IpAddr| ip.to_string());
    let routes = node.usable_routes().map(|route: IpNet| route.to_string());
    vec![Rule {
        sources: vec![RANGE_V4.to_string(), RANGE_V6.to_string()],
        destinations: own.into_iter().chain(routes).collect(),
    }]
}
