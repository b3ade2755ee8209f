//! The one task of a realm: takes commands, changes the map, and tells every session what changed. Nothing
//! waits for a ticker: what has come together while it worked is told together, else at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::deadlines::{Deadlines, Due};
use super::frame::{self, Client};
use super::handle::{
    Attached, Command, Device, Event, Live, MOST_COMMANDS, Realm, Reported, Session, node_unknown,
};
use super::outbox::Outbox;
use super::settings::Settings;
use super::state::State;
use super::unsaved::Unsaved;
use crate::core::id::NodeNumber;
use crate::core::key::NodeKey;
use crate::core::node::{Node, Report};
use crate::core::{Result, Timestamp};
use crate::mesh::backend::Counts;
use crate::mesh::native::wire::{MapRequest, SelfNode};
use crate::runtime::{Clock, Stop, Supervisor};

/// Commands taken before the sessions are told: bounds how long a change can wait for others.
const MOST_TOGETHER: usize = 256;

/// When the end of a key is told again that found no place among the events.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// An ephemeral node has at least this much of its grace when its realm starts: while the coordinator was down
/// nobody could come back.
const RETURN: Duration = Duration::from_secs(30);

/// What all realms of a coordinator share.
#[derive(Clone)]
pub struct Surroundings {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub supervisor: Supervisor,
    pub unsaved: Arc<Unsaved>,
    pub events: mpsc::Sender<Event>,
}

pub(super) struct Task {
    pub(super) state: State,
    pub(super) sessions: BTreeMap<NodeNumber, Connected>,
    /// Sessions that are owed a whole map.
    pub(super) waiting: Vec<Waiting>,
    /// Devices that asked for one map, and no stream.
    pub(super) askers: Vec<Asker>,
    deadlines: Deadlines,
    serial: u64,
    ended: bool,
    pub(super) around: Surroundings,
    /// For whoever looks on without being a device.
    changes: watch::Sender<u64>,
}

/// A device that holds a stream open; dropped, the stream is told to end.
pub(super) struct Connected {
    pub(super) serial: u64,
    pub(super) outbox: Arc<Outbox>,
    pub(super) client: Client,
    /// Digest of what it was last told of itself.
    pub(super) told_self: u64,
    /// Its key is over, or it asked for no peers: it is told of nobody else.
    pub(super) muted: bool,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.outbox.close();
    }
}

pub(super) struct Waiting {
    pub(super) session: Session,
    /// Whoever attached it and is not answered yet.
    pub(super) asker: Option<(Realm, oneshot::Sender<Result<Attached>>)>,
}

pub(super) struct Asker {
    pub(super) device: Device,
    pub(super) client: Client,
    pub(super) outbox: Arc<Outbox>,
    pub(super) reply: oneshot::Sender<Result<()>>,
}

/// Starts a realm's task with all of its nodes, as the database has them.
pub fn start(domain: String, nodes: Vec<Node>, around: Surroundings) -> Realm {
    let (commands, incoming) = mpsc::channel(MOST_COMMANDS);
    let (ended, endings) = mpsc::unbounded_channel();
    let (changed, changes) = watch::channel(0);
    let mut task = Task {
        deadlines: Deadlines::default(),
        state: State::new(domain, Vec::new()),
        sessions: BTreeMap::new(),
        waiting: Vec::new(),
        askers: Vec::new(),
        serial: 0,
        ended: false,
        around: around.clone(),
        changes: changed,
    };
    nodes.into_iter().for_each(|node| task.load(node));
    let stop = around.supervisor.stop_signal();
    around.supervisor.spawn("realm", task.run(incoming, endings, stop));
    Realm { commands, ended, changes }
}

impl Task {
    async fn run(
        mut self,
        mut incoming: mpsc::Receiver<Command>,
        mut endings: mpsc::UnboundedReceiver<Session>,
        mut stop: Stop,
    ) {
        self.state.take_delta();
        loop {
            let wait = self.deadlines.wait(Instant::now(), self.now());
            tokio::select! {
                biased;
                () = stop.wait() => break,
                Some(session) = endings.recv() => self.detach(session),
                command = incoming.recv() => match command {
                    Some(command) => self.handle(command),
                    None => break,
                },
                () = tokio::time::sleep(wait) => {}
            }
            // Whoever is ready to say something gets to say it first: on a busy machine changes come together,
            // on an idle one this costs nothing.
            tokio::task::yield_now().await;
            for _ in 1..MOST_TOGETHER {
                let Ok(command) = incoming.try_recv() else { break };
                self.handle(command);
            }
            self.meet_deadlines();
            self.tell();
            self.answer();
            self.answer_once();
            if self.ended {
                break;
            }
        }
    }

    /// Says to whoever looks on that something is different.
    pub(super) fn note_change(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn now(&self) -> Timestamp {
        self.around.clock.now()
    }

    /// A node that the database had when the realm started: whoever was connected is so no more. The grace of
    /// an ephemeral one began when it was seen last.
    fn load(&mut self, mut node: Node) {
        if std::mem::take(&mut node.report.connected) {
            node.report.last_seen_at = Some(self.now());
        }
        if node.ephemeral {
            let away = self.now().since(node.report.last_seen_at.unwrap_or(node.created_at));
            let grace = self.around.settings.ephemeral_grace;
            let left = grace.saturating_sub(away).max(RETURN.min(grace));
            self.deadlines.arm(Instant::now() + left, node.number, Due::Delete);
        }
        self.put(node);
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Attach { device, request, outbox, realm, reply } => {
                self.attach(device, &request, outbox, (realm, reply));
            }
            Command::Report { device, request, reply } => {
                // A device that went away before it was answered has nothing to be told.
                let _ = reply.send(self.report(device, &request));
            }
            Command::Once { device, client, outbox, reply } => {
                self.askers.push(Asker { device, client, outbox, reply });
            }
            Command::Resync(session) => self.waiting.push(Waiting { session, asker: None }),
            Command::Put(node) => self.put_live(*node),
            Command::Remove(number) => self.remove(number),
            Command::Offline(number) => self.go_offline(number),
            Command::Look(numbers, reply) => {
                let _ = reply.send(numbers.into_iter().filter_map(|n| Some((n, self.look(n)?))).collect());
            }
            Command::LookAtAll(reply) => {
                let all =
                    self.state.entries().filter_map(|e| Some((e.node.clone(), self.look(e.node.number)?)));
                let _ = reply.send(all.collect());
            }
            Command::Count(reply) => {
                let (all, online) = (self.state.entries().count(), self.state.entries().filter(|e| e.online));
                let _ = reply.send(Counts { all, online: online.count() });
            }
            Command::Admits(key, reply) => {
                let _ = reply.send(self.admits(&key));
            }
            Command::End => {
                let all: Vec<_> = self.state.entries().map(|entry| entry.node.number).collect();
                all.into_iter().for_each(|number| self.remove(number));
                self.ended = true;
            }
        }
    }

    fn admits(&self, key: &NodeKey) -> bool {
        let now = self.now();
        self.state.number_of(key).is_some_and(|number| !self.state.is_expired(number, now))
    }

    /// The node that speaks with both of these keys.
    pub(super) fn number_of(&self, device: Device) -> Result<NodeNumber> {
        let number = self.state.number_of(&device.node_key).ok_or_else(node_unknown)?;
        let entry = self.state.entry(number).ok_or_else(node_unknown)?;
        if entry.node.machine_key == device.machine_key { Ok(number) } else { Err(node_unknown()) }
    }

    fn attach(
        &mut self,
        device: Device,
        request: &MapRequest,
        outbox: Arc<Outbox>,
        asker: (Realm, oneshot::Sender<Result<Attached>>),
    ) {
        let number = match self.number_of(device) {
            Ok(number) => number,
            Err(error) => return drop(asker.1.send(Err(error))),
        };
        self.take_stream_report(number, request);
        self.deadlines.disarm(number);
        self.serial += 1;
        let (serial, client) = (self.serial, Client::of(request));
        self.sessions.insert(number, Connected { serial, outbox, client, told_self: 0, muted: false });
        self.show(number);
        self.waiting.push(Waiting { session: Session { number, serial }, asker: Some(asker) });
    }

    /// A stream's request repeats what the device posts on its own; once it has posted, the stream's copy
    /// may be the older one, and only the keys and the version of it count.
    fn take_stream_report(&mut self, number: NodeNumber, request: &MapRequest) {
        let Some(entry) = self.state.entry(number) else { return };
        let before = &entry.node.report;
        let said = request.report_over(before);
        let report = if entry.has_reported {
            Report { disco_key: said.disco_key, capability: said.capability, ..before.clone() }
        } else {
            said
        };
        self.state.report(number, report);
    }

    fn report(&mut self, device: Device, request: &MapRequest) -> Result<Reported> {
        let number = self.number_of(device)?;
        let entry = self.state.entry_mut(number).ok_or_else(node_unknown)?;
        entry.has_reported = true;
        let (node, before) = (entry.node.id, &entry.node.report);
        let report = request.report_over(before);
        let hostname = &report.hostinfo.hostname;
        let new_hostname = (*hostname != before.hostinfo.hostname).then(|| hostname.clone());
        if self.state.report(number, report) {
            self.save(number);
        }
        Ok(Reported { node, new_hostname })
    }

    pub(super) fn save(&self, number: NodeNumber) {
        if let Some(entry) = self.state.entry(number) {
            self.around.unsaved.add(number, entry.node.report.clone());
        }
    }

    fn put(&mut self, node: Node) {
        let (number, clock) = (node.number, self.now());
        let (before, was_over) = (self.key_end(number), self.state.is_expired(number, clock));
        self.state.put(node);
        if was_over && !self.state.is_expired(number, clock) {
            self.show(number);
        }
        let now = self.key_end(number);
        if let Some(at) = before.filter(|_| before != now) {
            self.deadlines.spare(at, number);
        }
        if let Some(at) = now {
            self.deadlines.expire(at, number);
        }
    }

    fn key_end(&self, number: NodeNumber) -> Option<Timestamp> {
        self.state.entry(number).and_then(|entry| entry.node.key_expires_at)
    }

    /// A node that was registered while the realm runs: an ephemeral one must connect within its grace.
    fn put_live(&mut self, node: Node) {
        let (number, ephemeral) = (node.number, node.ephemeral);
        self.put(node);
        if ephemeral && !self.sessions.contains_key(&number) {
            self.deadlines.arm(Instant::now() + self.around.settings.ephemeral_grace, number, Due::Delete);
        }
    }

    fn detach(&mut self, session: Session) {
        let current = self.sessions.get(&session.number).is_some_and(|s| s.serial == session.serial);
        if !current {
            return;
        }
        self.sessions.remove(&session.number);
        let number = session.number;
        let (now, settings) = (Instant::now(), &self.around.settings);
        self.deadlines.arm(now + settings.offline_grace, number, Due::Offline);
        if self.state.entry(number).is_some_and(|e| e.node.ephemeral) {
            self.deadlines.arm(now + settings.ephemeral_grace, number, Due::Delete);
        }
        self.state.left(number, self.now());
        self.save(number);
    }

    fn go_offline(&mut self, number: NodeNumber) {
        if !self.sessions.contains_key(&number) {
            self.deadlines.disarm(number);
        }
        self.state.set_online(number, false, self.now());
        self.save(number);
    }

    /// Tells the device that its key is over, for a device that is only cut off goes on believing; then its
    /// stream ends.
    fn remove(&mut self, number: NodeNumber) {
        self.deadlines.disarm(number);
        let Some(entry) = self.state.remove(number) else { return };
        self.note_change();
        if let Some(at) = entry.node.key_expires_at {
            self.deadlines.spare(at, number);
        }
        let Some(session) = self.sessions.remove(&number) else { return };
        let now = self.now();
        let over = Node { key_expires_at: Some(Timestamp::from_millis(1000)), ..entry.node };
        let own = SelfNode::new(&over, self.state.domain(), Vec::new(), now);
        if let Ok(json) = serde_json::to_vec(&serde_json::json!({ "Node": own })) {
            session.outbox.push(frame::small_message(session.client.encoding, &json));
        }
    }

    fn look(&self, number: NodeNumber) -> Option<Live> {
        let entry = self.state.entry(number)?;
        Some(Live {
            online: entry.online,
            connected: self.sessions.contains_key(&number),
            report: entry.node.report.clone(),
            primary_routes: self.state.primary_routes(number),
        })
    }

    fn meet_deadlines(&mut self) {
        let now = Instant::now();
        while let Some((number, due)) = self.deadlines.pop(now) {
            match due {
                Due::Offline => self.state.set_offline(number),
                Due::Delete => self.delete(number),
            }
        }
        while let Some(number) = self.deadlines.pop_expired(self.now()) {
            self.expire(number);
        }
        while let Some(number) = self.deadlines.pop_revived(self.now()) {
            self.show(number);
            self.state.touch(number);
        }
    }

    /// Asks for the deletion, and once more after each grace until it is done or the node is back.
    fn delete(&mut self, number: NodeNumber) {
        let Some(entry) = self.state.entry(number) else { return };
        // Where too much waits already, or nobody listens any more, this is not the last time.
        let _ = self.around.events.try_send(Event::EphemeralGone(entry.node.id));
        self.deadlines.arm(Instant::now() + self.around.settings.ephemeral_grace, number, Due::Delete);
    }

    fn expire(&mut self, number: NodeNumber) {
        let now = self.now();
        let Some(entry) = self.state.entry(number).filter(|e| e.node.is_expired(now)) else { return };
        if let Err(TrySendError::Full(_)) =
            self.around.events.try_send(Event::KeyExpired(entry.node.node_key))
        {
            self.deadlines.expire(now.plus(TELL_AGAIN), number);
        }
        self.show(number);
        self.state.touch(number);
    }
}
