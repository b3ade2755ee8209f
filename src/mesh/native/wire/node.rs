//! A node as devices read it (`tailcfg.Node`), and the change of one (`tailcfg.PeerChange`).

use ipnet::IpNet;
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

use super::profile;
use crate::core::id::NodeNumber;
use crate::core::key::{DiscoKey, MachineKey, NodeKey};
use crate::core::node::{Node, Service};
use crate::core::{Timestamp, address::Address};

/// What every form of a node carries: who it is and where.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Identity<'a> {
    #[serde(rename = "ID")]
    id: NodeNumber,
    #[serde(rename = "StableID")]
    stable_id: String,
    name: String,
    user: i64,
    key: NodeKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_expiry: Option<Timestamp>,
    addresses: [IpNet; 2],
    #[serde(rename = "AllowedIPs")]
    allowed_ips: Vec<IpNet>,
    created: Timestamp,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    primary_routes: Vec<IpNet>,
    machine_authorized: bool,
}

impl<'a> Identity<'a> {
    fn new(node: &'a Node, domain: &str, primary_routes: Vec<IpNet>) -> Self {
        let addresses = both(node.address);
        let exits = node.usable_routes().filter(crate::core::route::is_default);
        Identity {
            id: node.number,
            stable_id: format!("n{}", node.number.0),
            name: format!("{}.{domain}.", node.name),
            user: profile::number(node),
            key: node.node_key,
            key_expiry: node.key_expires_at,
            addresses,
            allowed_ips: addresses.into_iter().chain(primary_routes.iter().copied()).chain(exits).collect(),
            created: Timestamp::from_millis(node.created_at.as_millis() / 1000 * 1000),
            tags: &node.tags,
            primary_routes,
            machine_authorized: true,
        }
    }
}

fn both(address: Address) -> [IpNet; 2] {
    address.both().map(IpNet::from)
}

/// A node as the others of its realm see it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PeerNode<'a> {
    #[serde(flatten)]
    identity: Identity<'a>,
    #[serde(skip_serializing_if = "DiscoKey::is_zero")]
    disco_key: DiscoKey,
    #[serde(skip_serializing_if = "<[SocketAddr]>::is_empty")]
    endpoints: &'a [SocketAddr],
    #[serde(rename = "HomeDERP", skip_serializing_if = "is_zero")]
    home_derp: u16,
    hostinfo: PeerHostinfo<'a>,
    cap: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<Timestamp>,
    online: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PeerHostinfo<'a> {
    #[serde(rename = "OS", skip_serializing_if = "str::is_empty")]
    os: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    hostname: &'a str,
    #[serde(skip_serializing_if = "<[Service]>::is_empty", serialize_with = "services")]
    services: &'a [Service],
    #[serde(rename = "sshHostKeys", skip_serializing_if = "<[String]>::is_empty")]
    ssh_host_keys: &'a [String],
}

impl<'a> PeerNode<'a> {
    /// `primary_routes`: the subnet routes that it carries now. `last_seen` is told of offline nodes only.
    /// That a key is over, peers see by its time: clients then let nothing through.
    pub fn new(node: &'a Node, domain: &str, primary_routes: Vec<IpNet>, online: bool) -> Self {
        let report = &node.report;
        PeerNode {
            identity: Identity::new(node, domain, primary_routes),
            disco_key: report.disco_key,
            endpoints: &report.endpoints,
            home_derp: report.home_relay,
            hostinfo: PeerHostinfo {
                os: &report.hostinfo.os,
                hostname: &report.hostinfo.hostname,
                services: &report.hostinfo.services,
                ssh_host_keys: &report.hostinfo.ssh_host_keys,
            },
            cap: report.capability,
            last_seen: report.last_seen_at.filter(|_| !online),
            online,
        }
    }

    /// The parts that a [`PeerPatch`] can say.
    pub fn changeable(&self) -> Changeable<'a> {
        Changeable {
            disco_key: self.disco_key,
            endpoints: self.endpoints,
            home_relay: self.home_derp,
            capability: self.cap,
            online: self.online,
            last_seen: self.last_seen,
            key_expiry: self.identity.key_expiry,
        }
    }

    /// The JSON of all other parts.
    pub fn without_changeable(mut self) -> Vec<u8> {
        self.disco_key = DiscoKey::default();
        self.endpoints = &[];
        self.home_derp = 0;
        self.cap = 0;
        self.online = false;
        self.last_seen = None;
        self.identity.key_expiry = None;
        to_json(&self)
    }
}

/// The parts of a peer that a [`PeerPatch`] can say.
pub struct Changeable<'a> {
    pub disco_key: DiscoKey,
    pub endpoints: &'a [SocketAddr],
    pub home_relay: u16,
    pub capability: u16,
    pub online: bool,
    pub last_seen: Option<Timestamp>,
    pub key_expiry: Option<Timestamp>,
}

/// The JSON of a value whose serialisation cannot fail: no map has keys that are no text.
pub fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// A node as it sees itself.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SelfNode<'a> {
    #[serde(flatten)]
    identity: Identity<'a>,
    #[serde(skip_serializing_if = "is_false")]
    expired: bool,
    machine: MachineKey,
    cap_map: Capabilities,
}

/// What a device may do with others' help: send files (Taildrop).
struct Capabilities;

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("https://tailscale.com/cap/file-sharing", &[(); 0])?;
        map.end()
    }
}

impl<'a> SelfNode<'a> {
    pub fn new(node: &'a Node, domain: &str, primary_routes: Vec<IpNet>, now: Timestamp) -> Self {
        let identity = Identity::new(node, domain, primary_routes);
        let (machine, expired) = (node.machine_key, node.is_expired(now));
        SelfNode { identity, expired, machine, cap_map: Capabilities }
    }
}

/// Single changed fields of a peer (`tailcfg.PeerChange`). An absent field says that nothing changed, so an
/// empty list of endpoints cannot be told this way.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct PeerPatch {
    #[serde(rename = "NodeID")]
    pub node_id: i64,
    #[serde(rename = "DERPRegion", skip_serializing_if = "is_zero")]
    pub derp_region: u16,
    #[serde(skip_serializing_if = "is_zero")]
    pub cap: u16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disco_key: Option<DiscoKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_expiry: Option<Timestamp>,
}

fn services<S: Serializer>(services: &[Service], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Wire<'a> {
        proto: &'a str,
        port: u16,
    }
    serializer.collect_seq(services.iter().map(|s| Wire { proto: &s.proto, port: s.port }))
}

fn is_zero(number: &u16) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}
