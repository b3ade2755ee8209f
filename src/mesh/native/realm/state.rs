//! The network map of one realm: its nodes, and what has been told of each. Pure: no task, no socket, no
//! clock of its own; [`super::task`] is the only writer.

use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::delta::Delta;
use super::frame::Client;
use super::full_map::MapCache;
use super::view::{Change, Told};
use crate::core::Timestamp;
use crate::core::id::NodeNumber;
use crate::core::key::NodeKey;
use crate::core::node::{Node, Report};
use crate::core::route::{Primaries, Router};
use crate::mesh::native::wire::{PeerNode, Profile, to_json};

/// Removed nodes that are remembered; changes that overtake one another are far fewer.
const MOST_GONE: usize = 1024;

/// All nodes of a realm.
pub struct State {
    pub(super) domain: String,
    pub(super) entries: BTreeMap<NodeNumber, Entry>,
    keys: HashMap<NodeKey, NodeNumber>,
    routers: BTreeSet<NodeNumber>,
    pub(super) primaries: Primaries,
    pub(super) profiles: BTreeMap<i64, Profile>,
    dirty: BTreeSet<NodeNumber>,
    removed: Vec<NodeNumber>,
    /// The last that were removed: what was on its way while they were does not bring them back.
    gone: VecDeque<NodeNumber>,
    new_profiles: Vec<Profile>,
    pub(super) cache: MapCache,
}

/// One node, live.
pub struct Entry {
    pub node: Node,
    pub online: bool,
    /// The device has posted a report of its own since the realm started.
    pub has_reported: bool,
    /// What its peers know of it; `None`: they do not know of it.
    told: Option<Told>,
}

impl Entry {
    /// Others are told of a node once it has connected for the first time.
    pub fn is_visible(&self) -> bool {
        self.node.report.first_seen_at.is_some()
    }
}

impl State {
    /// `nodes`: all of the realm, as the database has them; all are taken as offline.
    pub fn new(domain: String, nodes: Vec<Node>) -> Self {
        let mut state = State {
            domain,
            entries: BTreeMap::new(),
            keys: HashMap::new(),
            routers: BTreeSet::new(),
            primaries: Primaries::default(),
            profiles: BTreeMap::new(),
            dirty: BTreeSet::new(),
            removed: Vec::new(),
            gone: VecDeque::new(),
            new_profiles: Vec::new(),
            cache: MapCache::default(),
        };
        nodes.into_iter().for_each(|node| state.put(node));
        state.take_delta();
        state
    }

    pub fn entry(&self, number: NodeNumber) -> Option<&Entry> {
        self.entries.get(&number)
    }

    /// All nodes, in the order of their numbers.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub fn entry_mut(&mut self, number: NodeNumber) -> Option<&mut Entry> {
        self.entries.get_mut(&number)
    }

    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The subnet routes that a node carries now, sorted.
    pub fn primary_routes(&self, number: NodeNumber) -> Vec<IpNet> {
        self.primaries.of(number).collect()
    }

    /// How many peers a node is told of. Cost: the nodes of the realm.
    pub fn peers_of(&self, number: NodeNumber) -> usize {
        self.entries.iter().filter(|(n, entry)| **n != number && entry.is_visible()).count()
    }

    /// Whether a node's key is over.
    pub fn is_expired(&self, number: NodeNumber, now: Timestamp) -> bool {
        self.entries.get(&number).is_some_and(|entry| entry.node.is_expired(now))
    }

    /// Whether a viewer is told of itself alone: its key is over, or it asks for no peers.
    pub fn is_alone(&self, viewer: NodeNumber, client: Client, now: Timestamp) -> bool {
        !client.peers || self.is_expired(viewer, now)
    }

    pub fn number_of(&self, key: &NodeKey) -> Option<NodeNumber> {
        self.keys.get(key).copied()
    }

    /// Takes what the database says of a node. What the device itself says stays as it is known here, for
    /// it is newer; an older revision is ignored, and so is a node that was removed meanwhile.
    pub fn put(&mut self, node: Node) {
        let number = node.number;
        match self.entries.get_mut(&number) {
            Some(entry) if entry.node.revision >= node.revision => return,
            Some(entry) => {
                self.keys.remove(&entry.node.node_key);
                let report = std::mem::take(&mut entry.node.report);
                self.keys.insert(node.node_key, number);
                entry.node = Node { report, ..node };
            }
            None if self.gone.contains(&number) => return,
            None => {
                self.keys.insert(node.node_key, number);
                self.entries.insert(number, Entry { node, online: false, has_reported: false, told: None });
            }
        }
        self.touch(number);
    }

    /// Takes the node out; its peers are told by the next delta.
    pub fn remove(&mut self, number: NodeNumber) -> Option<Entry> {
        self.gone.truncate(MOST_GONE - 1);
        self.gone.push_front(number);
        let entry = self.entries.remove(&number)?;
        self.keys.remove(&entry.node.node_key);
        self.dirty.remove(&number);
        self.routers.remove(&number);
        if entry.told.is_some() {
            self.removed.push(number);
        }
        self.elect();
        Some(entry)
    }

    /// Takes what a device says of itself; tells whether that was anything new.
    pub fn report(&mut self, number: NodeNumber, report: Report) -> bool {
        let Some(entry) = self.entries.get_mut(&number) else { return false };
        if entry.node.report == report {
            return false;
        }
        entry.node.report = report;
        self.touch(number);
        true
    }

    /// Whether the device is connected. The first connection makes the node visible to others.
    pub fn set_online(&mut self, number: NodeNumber, online: bool, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        entry.node.report.connected = online;
        if entry.online == online && entry.is_visible() {
            return;
        }
        entry.online = online;
        let report = &mut entry.node.report;
        report.last_seen_at = Some(now);
        if online {
            report.first_seen_at.get_or_insert(now);
        }
        self.touch(number);
    }

    /// The device's connection has ended just now. Its peers are not told yet: it may be back at once. Who
    /// has logged out before was last seen then.
    pub fn left(&mut self, number: NodeNumber, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        entry.node.report.connected = false;
        if entry.online {
            entry.node.report.last_seen_at = Some(now);
        }
    }

    /// The device has stayed away.
    pub fn set_offline(&mut self, number: NodeNumber) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.online = false;
            self.touch(number);
        }
    }

    /// Says that a node may look different now: the next delta finds out.
    pub fn touch(&mut self, number: NodeNumber) {
        self.dirty.insert(number);
        let Some(entry) = self.entries.get(&number) else { return };
        let is_router = entry.node.usable_routes().next().is_some();
        let was_router = if is_router { !self.routers.insert(number) } else { self.routers.remove(&number) };
        if is_router || was_router {
            self.elect();
        }
    }

    /// Cost: the number of usable routes in the realm.
    fn elect(&mut self) {
        if self.routers.is_empty() && self.primaries.is_empty() {
            return;
        }
        let live = self.routers.iter().filter_map(|number| self.entries.get(number));
        let mut routers: Vec<_> = live
            .map(|e| (e.node.number, e.online, e.node.usable_routes().collect::<Vec<_>>().into_iter()))
            .collect();
        let routers = routers.iter_mut().map(|(number, online, routes)| Router {
            number: *number,
            online: *online,
            routes,
        });
        let (primaries, changed) = self.primaries.elect(routers);
        self.primaries = primaries;
        self.dirty.extend(changed.into_iter().filter(|n| self.entries.contains_key(n)));
    }

    /// A node as its peers see it.
    pub(super) fn peer<'a>(&self, entry: &'a Entry) -> PeerNode<'a> {
        let routes = self.primaries.of(entry.node.number).collect();
        PeerNode::new(&entry.node, &self.domain, routes, entry.online)
    }

    /// What has changed since the last call, told as briefly as it can be. Cost: the nodes that changed.
    pub fn take_delta(&mut self) -> Delta {
        let dirty = std::mem::take(&mut self.dirty);
        let mut delta = Delta { removed: std::mem::take(&mut self.removed), ..Delta::default() };
        for number in &delta.removed {
            self.cache.remove(*number);
        }
        for number in &dirty {
            self.add_change(*number, &mut delta);
        }
        delta.touched = dirty.into_iter().collect();
        delta.profiles = std::mem::take(&mut self.new_profiles);
        delta
    }

    fn add_change(&mut self, number: NodeNumber, delta: &mut Delta) {
        let Some(entry) = self.entries.get(&number).filter(|e| e.is_visible()) else { return };
        let told = Told::new(self.peer(entry));
        let change = entry.told.as_ref().map_or(Change::Whole, |before| before.change_to(&told, number.0));
        match change {
            Change::Nothing => return,
            Change::Patch(patch) => delta.patched.push((number, to_json(&patch))),
            Change::Whole => delta.changed.push((number, to_json(&self.peer(entry)))),
        }
        self.cache.put(number);
        self.add_profile(number);
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.told = Some(told);
        }
    }

    fn add_profile(&mut self, number: NodeNumber) {
        let Some(entry) = self.entries.get(&number) else { return };
        let profile = Profile::of(&entry.node);
        if self.profiles.get(&profile.id) != Some(&profile) {
            self.profiles.insert(profile.id, profile.clone());
            self.new_profiles.push(profile);
            self.cache.forget_head();
        }
    }
}
