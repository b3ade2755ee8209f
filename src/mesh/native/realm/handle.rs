//! The way to a realm: what can be asked of it, and by whom it is answered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::frame::Client;
use super::outbox::Outbox;
use crate::core::id::{NodeId, NodeNumber};
use crate::core::key::{MachineKey, NodeKey};
use crate::core::node::{Node, Report};
use crate::core::{Error, Kind, Result};
use crate::mesh::backend::Counts;
use crate::mesh::native::wire::MapRequest;

/// Commands that may wait for a realm; whoever sends one more waits.
pub(super) const MOST_COMMANDS: usize = 1024;
/// How long whoever tells or asks a realm something waits for it. A realm waits for nobody, so that this passes only
/// on a machine that is too busy to be of use.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who speaks: both keys, because a node key alone is no proof.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    pub machine_key: MachineKey,
    pub node_key: NodeKey,
}

/// What a realm is told or asked.
pub(super) enum Command {
    Attach {
        device: Device,
        request: Arc<MapRequest>,
        outbox: Arc<Outbox>,
        /// For the [`Attached`] that is answered.
        realm: Realm,
        reply: oneshot::Sender<Result<Attached>>,
    },
    Report {
        device: Device,
        request: Box<MapRequest>,
        reply: oneshot::Sender<Result<Reported>>,
    },
    /// The map as it is now, for a device that opens no stream.
    Once {
        device: Device,
        client: Client,
        outbox: Arc<Outbox>,
        reply: oneshot::Sender<Result<()>>,
    },
    Resync(Session),
    Put(Box<Node>),
    Remove(NodeNumber),
    Offline(NodeNumber),
    Look(Vec<NodeNumber>, oneshot::Sender<HashMap<NodeNumber, Live>>),
    LookAtAll(oneshot::Sender<Vec<(Node, Live)>>),
    Count(oneshot::Sender<Counts>),
    Admits(NodeKey, oneshot::Sender<bool>),
    End,
}

/// A stream that a device holds open; the newest one of a node counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub number: NodeNumber,
    pub(super) serial: u64,
}

/// What came of a device's report.
#[derive(Debug)]
pub struct Reported {
    pub node: NodeId,
    /// Its hostname is another than before: the node may want another name.
    pub new_hostname: Option<String>,
}

/// A node as its realm knows it at this moment.
#[derive(Clone, Debug)]
pub struct Live {
    pub online: bool,
    /// It holds a stream open at this moment; a node is online for a little longer.
    pub connected: bool,
    pub report: Report,
    /// The subnet routes that it carries now.
    pub primary_routes: Vec<ipnet::IpNet>,
}

/// What a realm tells `service`.
#[derive(Debug)]
pub enum Event {
    /// An ephemeral node stayed away for longer than its grace: it is to be deleted. Told again after each
    /// further grace.
    EphemeralGone(NodeId),
    /// A node's key is over: the relay must not carry for it.
    KeyExpired(NodeKey),
}

/// A realm's address. Cheap to clone.
#[derive(Clone)]
pub struct Realm {
    pub(super) commands: mpsc::Sender<Command>,
    // One message a session and never more, so it is as bounded as the sessions are.
    pub(super) ended: mpsc::UnboundedSender<Session>,
    /// Counts what has changed; what it was, one looks for.
    pub(super) changes: watch::Receiver<u64>,
}

impl Realm {
    async fn send(&self, command: Command) -> Result<()> {
        let sent = timeout(PATIENCE, self.commands.send(command)).await.map_err(|_| busy())?;
        sent.map_err(|_| shutting_down())
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        timeout(PATIENCE, answer).await.map_err(|_| busy())?.map_err(|_| shutting_down())
    }

    /// Opens a device's map stream: the whole map is put into `outbox`, deltas follow. A stream that the
    /// node had before is closed. Fails with `node_unknown` where there is no such node.
    pub async fn attach(
        &self,
        device: Device,
        request: Arc<MapRequest>,
        outbox: Arc<Outbox>,
    ) -> Result<Attached> {
        let realm = self.clone();
        self.ask(|reply| Command::Attach { device, request, outbox, realm, reply }).await?
    }

    /// Takes what a device says of itself. Fails with `node_unknown`.
    pub async fn report(&self, device: Device, request: MapRequest) -> Result<Reported> {
        let request = Box::new(request);
        self.ask(|reply| Command::Report { device, request, reply }).await?
    }

    /// Puts the whole map into `outbox` and closes it. Fails with `node_unknown`.
    pub async fn once(&self, device: Device, client: Client, outbox: Arc<Outbox>) -> Result<()> {
        self.ask(|reply| Command::Once { device, client, outbox, reply }).await?
    }

    /// A node is new or has changed in the database.
    pub async fn put(&self, node: Node) -> Result<()> {
        self.send(Command::Put(Box::new(node))).await
    }

    /// A node is deleted: it is told, and so are its peers.
    pub async fn remove(&self, number: NodeNumber) -> Result<()> {
        self.send(Command::Remove(number)).await
    }

    /// A node has logged out: its peers are told at once.
    pub async fn offline(&self, number: NodeNumber) -> Result<()> {
        self.send(Command::Offline(number)).await
    }

    /// How the given nodes are now; those that are not here are left out.
    pub async fn look(&self, numbers: Vec<NodeNumber>) -> Result<HashMap<NodeNumber, Live>> {
        self.ask(|reply| Command::Look(numbers, reply)).await
    }

    /// All nodes, in the order of their numbers.
    pub async fn look_at_all(&self) -> Result<Vec<(Node, Live)>> {
        self.ask(Command::LookAtAll).await
    }

    /// How many nodes there are. Costs a look at each, in memory.
    pub async fn count(&self) -> Result<Counts> {
        self.ask(Command::Count).await
    }

    /// Whether the node with this key is here and its key is good: whom a relay may carry for.
    pub async fn admits(&self, key: NodeKey) -> Result<bool> {
        self.ask(|reply| Command::Admits(key, reply)).await
    }

    /// Is told whenever a node has come, gone or changed; closed when the realm ends.
    pub fn changes(&self) -> watch::Receiver<u64> {
        let mut changes = self.changes.clone();
        changes.mark_unchanged();
        changes
    }

    /// Whether its task has ended: because the realm was ended, the coordinator stops, or it broke.
    pub fn is_over(&self) -> bool {
        self.commands.is_closed()
    }

    /// Tells every device that it is out, and ends the realm.
    pub async fn end(&self) -> Result<()> {
        self.send(Command::End).await
    }
}

/// An open stream. Dropping it tells the realm that the device is away, also where the device was gone
/// before it was answered.
pub struct Attached {
    pub(super) realm: Realm,
    pub(super) session: Session,
}

impl Attached {
    /// Asks for the whole map, after messages were dropped.
    pub async fn resync(&self) -> Result<()> {
        self.realm.send(Command::Resync(self.session)).await
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // A realm that has ended needs no farewell.
        let _ = self.realm.ended.send(self.session);
    }
}

pub fn node_unknown() -> Error {
    Error::new(Kind::NotFound, "node_unknown", "this node is not part of any mesh here")
        .hint("log in again: `tailscale up --force-reauth`")
}

fn busy() -> Error {
    Error::new(Kind::Unavailable, "mesh_busy", "this mesh is too busy to answer").hint("try again shortly")
}

pub fn shutting_down() -> Error {
    Error::new(Kind::Unavailable, "shutting_down", "the coordinator is shutting down")
        .hint("try again shortly")
}
