//! A realm's map without its task, for `benches/`: what a change and a whole map cost by themselves. The
//! coordinator does not use it.

use bytes::Bytes;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::frame::{self, Client, Encoding};
use super::full_map::MapCache;
use super::settings::Settings;
use super::state::State;
use crate::config::server::Dns;
use crate::core::Timestamp;
use crate::core::address::Address;
use crate::core::id::{NodeId, NodeNumber, RealmId, UserId};
use crate::core::key::{DiscoKey, MachineKey, NodeKey};
use crate::core::node::{Hostinfo, Node, Owner, Report};
use crate::core::secret::random_bytes;
use crate::mesh::native::wire::RelayMaps;

/// The relay region that all nodes listen at.
const RELAY: u16 = 900;

/// The map of a realm whose nodes are all connected.
pub struct Map {
    state: State,
    settings: Settings,
    now: Timestamp,
    port: u16,
}

impl Map {
    /// Nodes 1 to `nodes`, as alike as the devices of one person are: keys differ, nothing can be packed away.
    pub fn of(nodes: u32) -> Self {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let (realm, owner) = (RealmId::new(now), UserId::new(now));
        let node = |number| node(number, realm, owner, now);
        let mut state = State::new("bench.wonder.internal".to_owned(), (1..=nodes).map(node).collect());
        for number in 1..=nodes {
            state.set_online(NodeNumber(number.into()), true, now);
        }
        state.take_delta();
        Map { state, settings: settings(), now, port: 1024 }
    }

    /// A device has another endpoint: the message that all others are sent.
    pub fn change_endpoint(&mut self, number: i64) -> Bytes {
        let number = NodeNumber(number);
        self.port = self.port.checked_add(1).unwrap_or(1024);
        if let Some(mut report) = self.state.entry(number).map(|entry| entry.node.report.clone()) {
            report.endpoints = endpoints(self.port);
            self.state.report(number, report);
        }
        let delta = self.state.take_delta();
        frame::small_message(Encoding::Zstd, &delta.to_json(None, b"").unwrap_or_default())
    }

    /// The first message of a device's stream, in parts.
    pub fn whole(&mut self, viewer: i64) -> Vec<Bytes> {
        let viewer = NodeNumber(viewer);
        let own = self.state.own_part(viewer, self.now).unwrap_or_default();
        self.state.full_map(viewer, &own, Client::USUAL, &self.settings, self.now)
    }

    /// Forgets every piece that was kept of whole maps, as after a restart.
    pub fn forget(&mut self) {
        let mut cold = MapCache::default();
        self.state.entries().for_each(|entry| cold.put(entry.node.number));
        self.state.cache = cold;
    }
}

fn settings() -> Settings {
    Settings {
        dns: Dns::default(),
        relays: RelayMaps::none(),
        offline_grace: Duration::ZERO,
        ephemeral_grace: Duration::ZERO,
    }
}

fn node(number: u32, realm: RealmId, owner: UserId, now: Timestamp) -> Node {
    let hostname = format!("device-{number}");
    Node {
        id: NodeId::new(now),
        number: NodeNumber(number.into()),
        realm,
        owner: Owner { id: owner, email: "someone@example.org".to_owned() },
        machine_key: MachineKey(random_bytes()),
        node_key: NodeKey(random_bytes()),
        name: hostname.clone(),
        renamed: false,
        address: Address::at_or_after(number),
        tags: Vec::new(),
        ephemeral: false,
        approved_routes: Vec::new(),
        created_at: now,
        key_expires_at: None,
        revision: 1,
        report: report(hostname),
    }
}

fn report(hostname: String) -> Report {
    Report {
        disco_key: DiscoKey(random_bytes()),
        endpoints: endpoints(1024),
        home_relay: RELAY,
        capability: 145,
        hostinfo: Hostinfo {
            hostname,
            os: "linux".to_owned(),
            client_version: "1.102.3".to_owned(),
            ..Hostinfo::default()
        },
        ..Report::default()
    }
}

/// One on the Internet, one at home.
fn endpoints(port: u16) -> Vec<SocketAddr> {
    [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 168, 1, 10)].map(|ip| (ip, port).into()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_what_devices_are_sent() {
        let mut map = Map::of(3);
        let change = map.change_endpoint(2);
        let told = String::from_utf8(zstd::decode_all(&change[4..]).unwrap()).unwrap();
        assert!(told.contains("PeersChangedPatch") && told.contains("192.0.2.1:1025"), "{told}");
        let warm = map.whole(1).concat();
        map.forget();
        assert_eq!(map.whole(1).concat(), warm);
        let told = String::from_utf8(zstd::decode_all(&warm[4..]).unwrap()).unwrap();
        assert!(told.contains("device-2") && told.contains("device-3"), "{told}");
    }
}
