//! Whole maps, put together from pieces that are kept compressed: the head that all devices of a realm
//! share, and the nodes in chunks. A thousand devices that come back at once cost copies, not compression;
//! only the chunk that a device itself stands in is made for it.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

use super::frame::{self, Client, Encoding};
use super::settings::Settings;
use super::state::State;
use crate::core::Timestamp;
use crate::core::id::NodeNumber;
use crate::core::policy;
use crate::mesh::native::wire::{SelfNode, filters, to_json};

/// Nodes in a chunk: a change makes one chunk anew, a map has one zstd frame a chunk.
const CHUNK: usize = 32;

/// The kept pieces. A piece that is out of date is absent.
#[derive(Default)]
pub struct MapCache {
    head: Option<Bytes>,
    /// By the lowest number that the chunk may hold.
    chunks: BTreeMap<NodeNumber, Chunk>,
}

#[derive(Default)]
struct Chunk {
    members: BTreeSet<NodeNumber>,
    compressed: Option<Bytes>,
}

impl MapCache {
    /// A node is new or looks different.
    pub fn put(&mut self, number: NodeNumber) {
        let start = self.chunk_for(number);
        let chunk = self.chunks.entry(start).or_default();
        chunk.members.insert(number);
        chunk.compressed = None;
    }

    /// Where a node stands, or has room to stand. Numbers mostly grow, so a full chunk is left full and the
    /// next one started; a late one in the middle splits its chunk.
    fn chunk_for(&mut self, number: NodeNumber) -> NodeNumber {
        let Some((start, chunk)) = self.chunks.range_mut(..=number).next_back() else { return number };
        if chunk.members.len() < CHUNK || chunk.members.contains(&number) {
            return *start;
        }
        let Some(middle) =
            chunk.members.iter().nth(CHUNK / 2).copied().filter(|_| chunk.members.last() > Some(&number))
        else {
            return number;
        };
        let start = *start;
        let upper = chunk.members.split_off(&middle);
        chunk.compressed = None;
        self.chunks.insert(middle, Chunk { members: upper, compressed: None });
        if number < middle { start } else { middle }
    }

    /// A node is gone.
    pub fn remove(&mut self, number: NodeNumber) {
        let Some((start, chunk)) = self.chunks.range_mut(..=number).next_back() else { return };
        if chunk.members.remove(&number) {
            chunk.compressed = None;
        }
        if chunk.members.is_empty() {
            let start = *start;
            self.chunks.remove(&start);
        }
    }

    /// Something that the head says has changed.
    pub fn forget_head(&mut self) {
        self.head = None;
    }
}

impl State {
    /// The first message of a stream: everything, `own` being the viewer's [`own_part`](Self::own_part).
    /// Cost: a copy of each piece's reference, and what is out of date anew.
    pub fn full_map(
        &mut self,
        viewer: NodeNumber,
        own: &[u8],
        client: Client,
        settings: &Settings,
        now: Timestamp,
    ) -> Vec<Bytes> {
        let encoding = client.encoding;
        let own = [b"{", own, format!("\"ControlTime\":\"{now}\",").as_bytes()].concat();
        let mut pieces = vec![encoding.encode(&own), self.head(client, settings)];
        let alone = self.is_alone(viewer, client, now);
        let chunks = self.cache.chunks.keys().copied().filter(|_| !alone);
        for start in chunks.collect::<Vec<_>>() {
            let Some(piece) = self.chunk(start, viewer, encoding) else { continue };
            if pieces.len() > 2 {
                pieces.push(encoding.encode(b","));
            }
            pieces.push(piece);
        }
        pieces.push(encoding.encode(b"]}"));
        frame::message(pieces)
    }

    /// `"Node":…,"PacketFilters":…,` as the node itself is told them.
    pub fn own_part(&self, viewer: NodeNumber, now: Timestamp) -> Option<Vec<u8>> {
        let node = &self.entry(viewer)?.node;
        let own = SelfNode::new(node, &self.domain, self.primaries.of(viewer).collect(), now);
        let rules = policy::rules_for(node);
        let mut json = b"\"Node\":".to_vec();
        json.extend(to_json(&own));
        json.extend(b",\"PacketFilters\":{\"base\":");
        json.extend(to_json(&filters(&rules)));
        json.extend(b"},");
        Some(json)
    }

    /// What all devices are told alike, up to the bracket that opens the peers. Kept for the usual client.
    fn head(&mut self, client: Client, settings: &Settings) -> Bytes {
        let profiles = self.profiles.values().cloned().collect();
        let json = || {
            let mut json = to_json(&settings.head(&self.domain, profiles, client.pins));
            json.pop(); // the closing brace
            json.extend(b",\"Peers\":[");
            json.remove(0); // the opening brace
            json
        };
        match client {
            Client::USUAL => self.cache.head.get_or_insert_with(|| client.encoding.encode(&json())).clone(),
            other => other.encoding.encode(&json()),
        }
    }

    /// The nodes of a chunk without the viewer, separated by commas; `None` where nobody is left.
    fn chunk(&mut self, start: NodeNumber, viewer: NodeNumber, encoding: Encoding) -> Option<Bytes> {
        let chunk = self.cache.chunks.get(&start)?;
        let shared = encoding == Encoding::Zstd && !chunk.members.contains(&viewer);
        if let Some(kept) = chunk.compressed.as_ref().filter(|_| shared) {
            return Some(kept.clone());
        }
        let members = chunk.members.iter().filter(|n| **n != viewer).filter_map(|n| self.entry(*n));
        let nodes: Vec<_> = members.map(|entry| to_json(&self.peer(entry))).collect();
        if nodes.is_empty() {
            return None;
        }
        let piece = encoding.encode(&nodes.join(&b','));
        if let Some(chunk) = self.cache.chunks.get_mut(&start).filter(|_| shared) {
            chunk.compressed = Some(piece.clone());
        }
        Some(piece)
    }
}
