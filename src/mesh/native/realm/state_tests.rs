//! A client that applies deltas, in whatever order things happen, ends with the map that one gets who
//! reconnects.

use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

use super::frame::{Client, Encoding};
use super::settings::Settings;
use super::state::State;
use crate::config::server::Dns;
use crate::core::Timestamp;
use crate::core::address::Address;
use crate::core::id::{NodeId, NodeNumber, RealmId, UserId};
use crate::core::key::{DiscoKey, MachineKey, NodeKey};
use crate::core::node::{Node, Owner, Report};
use crate::mesh::native::wire::RelayMaps;

const VIEWER: NodeNumber = NodeNumber(1);

/// What may happen to one of a few nodes.
#[derive(Clone, Debug)]
enum Act {
    Connect,
    Disconnect,
    Endpoints(u8),
    Disco(u8),
    Relay(u16),
    OfferRoute(bool),
    ApproveRoute(bool),
    Rename(u8),
    Rekey(u8),
    Expire(Option<u8>),
    Tag(bool),
    Remove,
    /// Nothing happens, but the sessions are told.
    Tell,
}

fn acts() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let act = prop_oneof![
        3 => Just(Act::Connect),
        2 => Just(Act::Disconnect),
        3 => (0u8..4).prop_map(Act::Endpoints),
        1 => (0u8..3).prop_map(Act::Disco),
        1 => (0u16..3).prop_map(Act::Relay),
        2 => any::<bool>().prop_map(Act::OfferRoute),
        2 => any::<bool>().prop_map(Act::ApproveRoute),
        1 => (0u8..3).prop_map(Act::Rename),
        1 => (0u8..3).prop_map(Act::Rekey),
        1 => proptest::option::of(0u8..3).prop_map(Act::Expire),
        1 => any::<bool>().prop_map(Act::Tag),
        1 => Just(Act::Remove),
        4 => Just(Act::Tell),
    ];
    proptest::collection::vec((1i64..80, act), 1..200)
}

pub(super) fn node(number: i64) -> Node {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let mut key = [0; 32];
    key[..8].copy_from_slice(&number.to_be_bytes());
    Node {
        id: NodeId::new(at),
        number: NodeNumber(number),
        realm: RealmId::new(at),
        owner: Owner { id: UserId::new(at), email: format!("{}@x", number % 3) },
        machine_key: MachineKey(key),
        node_key: NodeKey(key),
        name: format!("n{number}"),
        renamed: false,
        address: Address::at_or_after(u32::try_from(number).unwrap()),
        tags: Vec::new(),
        ephemeral: false,
        approved_routes: Vec::new(),
        created_at: at,
        key_expires_at: None,
        revision: 1,
        report: Report::default(),
    }
}

struct World {
    state: State,
    stored: BTreeMap<i64, Node>,
    clock: i64,
}

impl World {
    fn new() -> Self {
        let mut state = State::new("r.wonder.internal".to_owned(), vec![node(1)]);
        state.set_online(VIEWER, true, Timestamp::from_millis(1));
        World { state, stored: BTreeMap::new(), clock: 1_700_000_000_000 }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock)
    }

    fn act(&mut self, number: i64, act: &Act) {
        self.clock += 1000;
        let (now, id) = (self.now(), NodeNumber(number));
        match act {
            Act::Connect => {
                if !self.stored.contains_key(&number) {
                    self.change(number, |_| {});
                }
                self.state.set_online(id, true, now);
            }
            Act::Disconnect => self.state.set_online(id, false, now),
            Act::Endpoints(n) => self.report(id, |r| {
                r.endpoints = (0..*n).map(|i| format!("10.0.0.{i}:{n}").parse().unwrap()).collect();
            }),
            Act::Disco(n) => self.report(id, |r| r.disco_key = DiscoKey([*n; 32])),
            Act::Relay(n) => self.report(id, |r| r.home_relay = *n),
            Act::OfferRoute(on) => self.report(id, |r| {
                r.hostinfo.routes = if *on { vec!["192.168.7.0/24".parse().unwrap()] } else { vec![] };
            }),
            Act::ApproveRoute(on) => self.change(number, |n| {
                n.approved_routes = if *on { vec!["192.168.7.0/24".parse().unwrap()] } else { vec![] };
            }),
            Act::Rename(n) => self.change(number, |node| node.name = format!("n{number}-{n}")),
            Act::Rekey(n) => self.change(number, |node| node.node_key.0[31] = *n),
            Act::Expire(n) if id != VIEWER => self.change(number, |node| {
                node.key_expires_at =
                    n.map(|n| Timestamp::from_millis(1_700_000_000_000 + i64::from(n) * 50_000));
            }),
            Act::Tag(on) => {
                self.change(number, |node| node.tags = if *on { vec!["tag:x".to_owned()] } else { vec![] });
            }
            Act::Remove if id != VIEWER => {
                self.stored.remove(&number);
                self.state.remove(id);
            }
            Act::Remove | Act::Expire(_) | Act::Tell => {}
        }
        // As the realm's deadlines do.
        let expiring = self.stored.values().filter(|n| n.is_expired(now)).map(|n| n.number);
        expiring.collect::<Vec<_>>().into_iter().for_each(|n| self.state.touch(n));
    }

    fn change(&mut self, number: i64, change: impl FnOnce(&mut Node)) {
        let stored = self.stored.entry(number).or_insert_with(|| node(number));
        stored.revision += 1;
        change(stored);
        self.state.put(stored.clone());
    }

    fn report(&mut self, number: NodeNumber, change: impl FnOnce(&mut Report)) {
        let Some(entry) = self.state.entry(number) else { return };
        let mut report = entry.node.report.clone();
        change(&mut report);
        self.state.report(number, report);
    }

    /// The peers that a device gets which connects now.
    fn fresh(&mut self) -> BTreeMap<i64, Value> {
        let settings = Settings {
            dns: Dns::default(),
            relays: RelayMaps::none(),
            offline_grace: Duration::ZERO,
            ephemeral_grace: Duration::ZERO,
        };
        let now = self.now();
        let read = |message: Vec<bytes::Bytes>| -> Vec<u8> { message.concat()[4..].to_vec() };
        let plain = Client { encoding: Encoding::Plain, ..Client::USUAL };
        let own = self.state.own_part(VIEWER, now).unwrap();
        let plain = read(self.state.full_map(VIEWER, &own, plain, &settings, now));
        let zstd = read(self.state.full_map(VIEWER, &own, Client::USUAL, &settings, now));
        assert_eq!(plain, zstd::decode_all(&zstd[..]).unwrap(), "both encodings say the same");
        let map: Value = serde_json::from_slice(&plain).unwrap();
        map["Peers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| (p["ID"].as_i64().unwrap(), normal(p.clone())))
            .collect()
    }
}

/// When an online node was last seen means nothing, and neither side shows it.
fn normal(mut peer: Value) -> Value {
    if peer["Online"] == Value::Bool(true) {
        peer.as_object_mut().unwrap().remove("LastSeen");
    }
    peer
}

/// What a client does with a delta (`controlclient`'s `updatePeersStateFromResponse`).
fn apply(view: &mut BTreeMap<i64, Value>, delta: &[u8]) {
    let delta: Value = serde_json::from_slice(delta).unwrap();
    let list = |name: &str| delta.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    for number in list("PeersRemoved") {
        view.remove(&number.as_i64().unwrap());
    }
    for peer in list("PeersChanged") {
        view.insert(peer["ID"].as_i64().unwrap(), peer);
    }
    for patch in list("PeersChangedPatch") {
        let Some(peer) = view.get_mut(&patch["NodeID"].as_i64().unwrap()) else {
            panic!("a patch for a stranger")
        };
        for (key, value) in patch.as_object().unwrap() {
            match key.as_str() {
                "NodeID" => {}
                "DERPRegion" => peer["HomeDERP"] = value.clone(),
                _ => peer[key] = value.clone(),
            }
        }
    }
    view.values_mut().for_each(|peer| *peer = normal(peer.take()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn deltas_lead_to_the_map_of_a_reconnect(acts in acts()) {
        let mut world = World::new();
        world.state.take_delta();
        let mut view = world.fresh();
        for (number, act) in acts.iter().chain([&(1, Act::Tell)]) {
            world.act(*number, act);
            if matches!(act, Act::Tell) {
                let delta = world.state.take_delta();
                if let Some(json) = delta.to_json(Some(VIEWER), b"") {
                    apply(&mut view, &json);
                }
                prop_assert_eq!(&view, &world.fresh());
            }
        }
    }

    #[test]
    fn nothing_new_is_nothing_told(acts in acts()) {
        let mut world = World::new();
        acts.iter().for_each(|(number, act)| world.act(*number, act));
        world.state.take_delta();
        for number in 1..80 {
            world.state.touch(NodeNumber(number));
        }
        prop_assert!(world.state.take_delta().is_empty());
    }
}
