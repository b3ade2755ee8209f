//! What a device knows: the messages of its map stream, put together by the rules of the clients (Tailscale's
//! `control/controlclient/map.go`).

use h2::RecvStream;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use super::Encoding;

/// How long a device waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open map stream, and what it has said so far.
pub struct MapStream {
    body: RecvStream,
    encoding: Encoding,
    buffer: Vec<u8>,
    pub view: View,
}

impl MapStream {
    pub fn new(body: RecvStream, encoding: Encoding) -> MapStream {
        MapStream { body, encoding, buffer: Vec::new(), view: View::default() }
    }

    /// The next message, applied already; keep-alives are messages too. `None` at the end of the stream.
    pub async fn read(&mut self) -> io::Result<Option<Value>> {
        let Some(message) = self.read_raw().await? else { return Ok(None) };
        let message = serde_json::from_slice(&message)?;
        self.view.apply(&message);
        Ok(Some(message))
    }

    /// The JSON of the next message, which is not applied: for crowds, whose views nobody can afford.
    pub async fn read_raw(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            let Some(part) = self.body.data().await else { return Ok(None) };
            let part = part.map_err(io::Error::other)?;
            let _ = self.body.flow_control().release_capacity(part.len());
            self.buffer.extend_from_slice(&part);
        }
    }

    /// [`MapStream::read`] of a message that must come soon.
    pub async fn next(&mut self) -> io::Result<Value> {
        let read = tokio::time::timeout(PATIENCE, self.read()).await;
        let read = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        read.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Reads until the view is as it should be; a panic that says what it is instead.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&View) -> bool) {
        // Keep-alives alone do not make it come.
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.view) {
            let next = tokio::time::timeout_at(deadline.into(), self.next()).await;
            if let Err(error) = next.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                panic!("{what}: {error}; the view: {:#?}", self.view);
            }
        }
    }

    /// Reads to the end of the stream, which must come soon.
    pub async fn ended(&mut self) {
        let end = async { while let Ok(Some(_)) = self.read().await {} };
        tokio::time::timeout(PATIENCE, end).await.expect("the stream ends");
    }

    /// A whole message out of the buffer.
    fn take(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some((length, rest)) = self.buffer.split_first_chunk() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        let Some(message) = rest.get(..length) else { return Ok(None) };
        let json = match self.encoding {
            Encoding::Plain => message.to_vec(),
            Encoding::Zstd => zstd::decode_all(message)?,
        };
        self.buffer.drain(..4 + length);
        Ok(Some(json))
    }
}

/// What a device knows of itself, its peers and its network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    pub node: Value,
    /// By their numbers, as the protocol's JSON has them.
    pub peers: BTreeMap<i64, Value>,
    pub profiles: BTreeMap<i64, Value>,
    /// The members that a message replaces whole.
    pub others: BTreeMap<String, Value>,
}

/// Members of a message that are no state.
const PASSING: [&str; 2] = ["KeepAlive", "ControlTime"];

impl View {
    /// A peer by the first part of its name.
    pub fn peer(&self, name: &str) -> Option<&Value> {
        self.peers.values().find(|peer| first_label(peer) == name)
    }

    /// The first parts of the peers' names.
    pub fn names(&self) -> Vec<&str> {
        self.peers.values().map(first_label).collect()
    }

    /// The first part of the device's own name.
    pub fn own_name(&self) -> &str {
        first_label(&self.node)
    }

    /// Applies one message. Parts of it come in the order of the clients.
    pub fn apply(&mut self, message: &Value) {
        for (name, value) in message.as_object().into_iter().flatten() {
            match name.as_str() {
                "Node" => self.node = value.clone(),
                "UserProfiles" => each(value, |p| drop(self.profiles.insert(number(p, "ID"), p.clone()))),
                name if name.starts_with("Peers") || PASSING.contains(&name) => {}
                name => drop(self.others.insert(name.to_owned(), value.clone())),
            }
        }
        if message["Peers"].as_array().is_some_and(|peers| !peers.is_empty()) {
            self.peers.clear();
            each(&message["Peers"], |peer| self.put(peer));
        }
        each(&message["PeersRemoved"], |gone| drop(self.peers.remove(&gone.as_i64().unwrap())));
        each(&message["PeersChanged"], |peer| self.put(peer));
        each(&message["PeersChangedPatch"], |patch| self.patch(patch));
    }

    fn put(&mut self, peer: &Value) {
        self.peers.insert(number(peer, "ID"), peer.clone());
    }

    /// A patch of a peer that is not known says nothing.
    fn patch(&mut self, patch: &Value) {
        let Some(peer) = self.peers.get_mut(&number(patch, "NodeID")) else { return };
        for (name, value) in patch.as_object().into_iter().flatten() {
            let name = match name.as_str() {
                "NodeID" => continue,
                "DERPRegion" => "HomeDERP",
                other => other,
            };
            peer[name] = value.clone();
        }
    }

    /// The same without what clients do not look at: when a peer that is online was last seen, and the
    /// order of members that has no meaning.
    pub fn settled(&self) -> View {
        let mut view = self.clone();
        for peer in view.peers.values_mut().filter(|peer| peer["Online"] == json!(true)) {
            peer.as_object_mut().unwrap().remove("LastSeen");
        }
        view
    }
}

fn each(list: &Value, act: impl FnMut(&Value)) {
    list.as_array().into_iter().flatten().for_each(act);
}

fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn first_label(node: &Value) -> &str {
    node["Name"].as_str().and_then(|name| name.split('.').next()).unwrap_or_default()
}
