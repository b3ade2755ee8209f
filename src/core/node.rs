//! A device in a realm: what is true of it whatever the transport.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

use super::address::Address;
use super::id::{NodeId, NodeNumber, RealmId, UserId};
use super::key::{DiscoKey, MachineKey, NodeKey};
use super::{Timestamp, route};

/// A node, as the database keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub id: NodeId,
    pub number: NodeNumber,
    pub realm: RealmId,
    pub owner: Owner,
    pub machine_key: MachineKey,
    pub node_key: NodeKey,
    /// Its DNS label, unique in the realm.
    pub name: String,
    /// A person chose the name: the device's own hostname does not replace it any more.
    pub renamed: bool,
    pub address: Address,
    /// `tag:x`; a tagged node answers to the realm instead of its owner, and its key does not expire.
    pub tags: Vec<String>,
    pub ephemeral: bool,
    /// What a person approved of the routes that it offers, sorted.
    pub approved_routes: Vec<IpNet>,
    pub created_at: Timestamp,
    /// `None`: never.
    pub key_expires_at: Option<Timestamp>,
    /// Grows with each change of what stands above, so that a late writer cannot undo a newer one.
    pub revision: i64,
    /// What the device itself says.
    pub report: Report,
}

/// Who brought a node in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub id: UserId,
    pub email: String,
}

/// What a device says of itself in its map requests. It changes often, and a lost second of it does no
/// harm: the device says it again.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Report {
    pub disco_key: DiscoKey,
    /// Where it may be reached, best first.
    pub endpoints: Vec<SocketAddr>,
    /// The relay region it listens at; 0: none yet.
    pub home_relay: u16,
    /// The client's capability version.
    pub capability: u16,
    pub hostinfo: Hostinfo,
    /// Its first map stream; before it nobody else is told of the node.
    pub first_seen_at: Option<Timestamp>,
    /// When it came, while it is connected; then when it went.
    pub last_seen_at: Option<Timestamp>,
    /// Its map stream is open.
    pub connected: bool,
}

/// What is kept of `tailcfg.Hostinfo`.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Hostinfo {
    pub hostname: String,
    pub os: String,
    pub client_version: String,
    /// The routes that the device offers, sorted.
    pub routes: Vec<IpNet>,
    /// Ports of the client's own services, which other clients ask for (`tailcfg.Service`).
    pub services: Vec<Service>,
    pub ssh_host_keys: Vec<String>,
}

/// One service of a client (`tailcfg.Service`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub proto: String,
    pub port: u16,
}

impl Node {
    /// Ends the node key at `now`; one that is over already stays so since then.
    pub fn expire(&mut self, now: Timestamp) {
        self.key_expires_at = Some(self.key_expires_at.map_or(now, |at| at.min(now)));
    }

    /// Whether the node key is over at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.key_expires_at.is_some_and(|at| at <= now)
    }

    /// The routes that are both offered and approved, sorted.
    pub fn usable_routes(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.approved_routes.iter().copied().filter(|r| self.report.hostinfo.routes.contains(r))
    }

    /// Whether it may carry the realm's traffic to the Internet.
    pub fn is_exit_node(&self) -> bool {
        self.usable_routes().any(|r| route::is_default(&r))
    }
}
