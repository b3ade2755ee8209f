//! The one task of a realm: takes commands, changes the map, and tells every session what changed. Nothing
//! waits for a ticker: what has come together while it worked is told together, else at once.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::deadlines::{Deadlines, Due};
use super::delta::Delta;
use super::frame::{self, Encoding};
use super::handle::{Command, Device, Event, Live, MOST_COMMANDS, Realm, Reported, Session, node_unknown};
use super::outbox::Outbox;
use super::settings::Settings;
use super::state::State;
use super::unsaved::Unsaved;
use super::view::digest;
use crate::core::id::NodeNumber;
use crate::core::node::{Node, Report};
use crate::core::{Result, Timestamp};
use crate::mesh::native::wire::{MapRequest, SelfNode};
use crate::runtime::{Clock, Stop, Supervisor};

/// Commands taken before the sessions are told: bounds how long a change can wait for others.
const MOST_TOGETHER: usize = 256;

/// What all realms of a coordinator share.
#[derive(Clone)]
pub struct Surroundings {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub supervisor: Supervisor,
    pub unsaved: Arc<Unsaved>,
    pub events: mpsc::Sender<Event>,
}

struct Task {
    state: State,
    sessions: BTreeMap<NodeNumber, Connected>,
    /// Sessions that are owed a whole map.
    waiting: Vec<Waiting>,
    deadlines: Deadlines,
    serial: u64,
    ended: bool,
    around: Surroundings,
}

/// A device that holds a stream open.
struct Connected {
    serial: u64,
    outbox: Arc<Outbox>,
    encoding: Encoding,
    /// Digest of what it was last told of itself.
    told_self: u64,
}

struct Waiting {
    session: Session,
    reply: Option<oneshot::Sender<Result<Session>>>,
}

/// Starts a realm's task with all of its nodes, as the database has them.
pub fn start(domain: String, nodes: Vec<Node>, around: Surroundings) -> Realm {
    let (commands, incoming) = mpsc::channel(MOST_COMMANDS);
    let (ended, endings) = mpsc::unbounded_channel();
    let mut task = Task {
        deadlines: Deadlines::default(),
        state: State::new(domain, Vec::new(), around.clock.now()),
        sessions: BTreeMap::new(),
        waiting: Vec::new(),
        serial: 0,
        ended: false,
        around: around.clone(),
    };
    nodes.into_iter().for_each(|node| task.load(node));
    let stop = around.supervisor.stop_signal();
    around.supervisor.spawn("realm", task.run(incoming, endings, stop));
    Realm { commands, ended }
}

impl Task {
    async fn run(
        mut self,
        mut incoming: mpsc::Receiver<Command>,
        mut endings: mpsc::UnboundedReceiver<Session>,
        mut stop: Stop,
    ) {
        self.state.take_delta(self.now());
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
            if self.ended {
                break;
            }
        }
        self.sessions.values().for_each(|session| session.outbox.close());
    }

    fn now(&self) -> Timestamp {
        self.around.clock.now()
    }

    /// A node that the database had when the realm started.
    fn load(&mut self, node: Node) {
        let (number, ephemeral) = (node.number, node.ephemeral);
        self.put(node);
        if ephemeral {
            self.deadlines.arm(Instant::now() + self.around.settings.ephemeral_grace, number, Due::Delete);
        }
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Attach { device, request, outbox, reply } => {
                self.attach(device, &request, outbox, reply)
            }
            Command::Report { device, request, reply } => {
                // A device that went away before it was answered has nothing to be told.
                let _ = reply.send(self.report(device, &request));
            }
            Command::Resync(session) => self.waiting.push(Waiting { session, reply: None }),
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
            Command::End => {
                let all: Vec<_> = self.state.entries().map(|entry| entry.node.number).collect();
                all.into_iter().for_each(|number| self.remove(number));
                self.ended = true;
            }
        }
    }

    /// The node that speaks with both of these keys.
    fn number_of(&self, device: Device) -> Result<NodeNumber> {
        let number = self.state.number_of(&device.node_key).ok_or_else(node_unknown)?;
        let entry = self.state.entry(number).ok_or_else(node_unknown)?;
        if entry.node.machine_key == device.machine_key { Ok(number) } else { Err(node_unknown()) }
    }

    fn attach(
        &mut self,
        device: Device,
        request: &MapRequest,
        outbox: Arc<Outbox>,
        reply: oneshot::Sender<Result<Session>>,
    ) {
        let number = match self.number_of(device) {
            Ok(number) => number,
            Err(error) => return drop(reply.send(Err(error))),
        };
        self.take_stream_report(number, request);
        self.deadlines.disarm(number);
        self.serial += 1;
        let session =
            Connected { serial: self.serial, outbox, encoding: Encoding::of(request), told_self: 0 };
        if let Some(older) = self.sessions.insert(number, session) {
            older.outbox.close();
        }
        self.state.set_online(number, true, self.now());
        self.save(number);
        let session = Session { number, serial: self.serial };
        self.waiting.push(Waiting { session, reply: Some(reply) });
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

    fn save(&self, number: NodeNumber) {
        if let Some(entry) = self.state.entry(number) {
            self.around.unsaved.add(number, entry.node.report.clone());
        }
    }

    fn put(&mut self, node: Node) {
        if let Some(at) = node.key_expires_at {
            self.deadlines.expire(at, node.number);
        }
        self.state.put(node);
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
        let Some(session) = self.sessions.remove(&number) else { return };
        let now = self.now();
        let over = Node { key_expires_at: Some(Timestamp::from_millis(1000)), ..entry.node };
        let own = SelfNode::new(&over, self.state.domain(), Vec::new(), now);
        if let Ok(json) = serde_json::to_vec(&serde_json::json!({ "Node": own })) {
            session.outbox.push(frame::small_message(session.encoding, &json));
        }
        session.outbox.close();
    }

    fn look(&self, number: NodeNumber) -> Option<Live> {
        let entry = self.state.entry(number)?;
        Some(Live {
            online: entry.online,
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
            self.state.touch(number);
        }
    }

    fn delete(&mut self, number: NodeNumber) {
        let Some(entry) = self.state.entry(number) else { return };
        if self.around.events.try_send(Event::EphemeralGone(entry.node.id)).is_err() {
            self.deadlines.arm(Instant::now() + self.around.settings.ephemeral_grace, number, Due::Delete);
        }
    }

    fn expire(&mut self, number: NodeNumber) {
        let now = self.now();
        let Some(entry) = self.state.entry(number).filter(|e| e.node.is_expired(now)) else { return };
        // Where nobody listens any more, the coordinator is going down with its relay.
        let _ = self.around.events.try_send(Event::KeyExpired(entry.node.node_key));
        self.state.touch(number);
    }

    /// Tells every session what changed. Cost: one queue operation a session; the message itself is made
    /// and compressed once.
    fn tell(&mut self) {
        let now = self.now();
        let delta = self.state.take_delta(now);
        let owed: Vec<NodeNumber> = self.waiting.iter().map(|w| w.session.number).collect();
        if !delta.is_empty() {
            let mut common = Common::new(&delta);
            for (number, session) in &self.sessions {
                if !delta.concerns(*number) && !owed.contains(number) {
                    common.send(session);
                }
            }
        }
        for number in delta.touched.iter().filter(|n| !owed.contains(n)) {
            self.tell_concerned(*number, &delta, now);
        }
    }

    /// A device that is itself part of the change: it is told of the others as peers, and of itself where
    /// that is news.
    fn tell_concerned(&mut self, number: NodeNumber, delta: &Delta, now: Timestamp) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let own = self.state.own_part(number, now).unwrap_or_default();
        let news = digest(&own);
        let own = if std::mem::replace(&mut session.told_self, news) == news { &[] } else { own.as_slice() };
        if let Some(json) = delta.to_json(Some(number), own) {
            session.outbox.push(frame::small_message(session.encoding, &json));
        }
    }

    /// Gives whole maps to those that wait for one.
    fn answer(&mut self) {
        let now = self.now();
        for Waiting { session, reply } in std::mem::take(&mut self.waiting) {
            let number = session.number;
            let Some(connected) = self.sessions.get_mut(&number).filter(|s| s.serial == session.serial)
            else {
                // It has been replaced or removed meanwhile; its outbox is closed.
                drop(reply.map(|reply| reply.send(Err(node_unknown()))));
                continue;
            };
            connected.told_self = self.state.own_part(number, now).map_or(0, |own| digest(&own));
            match self.state.full_map(number, connected.encoding, &self.around.settings, now) {
                // A list without peers changes nothing in a client: only a new stream starts empty.
                Some(_) if reply.is_none() && self.state.peers_of(number) == 0 => connected.outbox.close(),
                Some(map) => connected.outbox.restart(map),
                None => connected.outbox.close(),
            }
            drop(reply.map(|reply| reply.send(Ok(session))));
        }
    }
}

/// The message for everybody who is not part of a change, in each encoding made when first needed.
struct Common<'a> {
    delta: &'a Delta,
    zstd: Option<Bytes>,
    plain: Option<Bytes>,
}

impl<'a> Common<'a> {
    fn new(delta: &'a Delta) -> Self {
        Common { delta, zstd: None, plain: None }
    }

    fn send(&mut self, session: &Connected) {
        let delta = self.delta;
        let slot = match session.encoding {
            Encoding::Zstd => &mut self.zstd,
            Encoding::Plain => &mut self.plain,
        };
        let message = slot.get_or_insert_with(|| {
            frame::small_message(session.encoding, &delta.to_json(None, b"").unwrap_or_default())
        });
        session.outbox.push(message.clone());
    }
}
