//! How a realm tells its sessions: a change as one common message, a whole map to those that are owed one.

use bytes::Bytes;
use std::collections::BTreeSet;

use super::delta::Delta;
use super::frame::{self, Client, Encoding};
use super::handle::{Attached, Device, Session, node_unknown};
use super::outbox::Outbox;
use super::task::{Asker, Connected, Task, Waiting};
use super::view::digest;
use crate::core::id::NodeNumber;
use crate::core::{Result, Timestamp};

impl Task {
    /// Tells every session what changed. Cost: one queue operation a session; the message itself is made
    /// and compressed once.
    pub(super) fn tell(&mut self) {
        let now = self.now();
        let delta = self.state.take_delta();
        if !delta.touched.is_empty() {
            self.note_change();
        }
        let owed: BTreeSet<NodeNumber> = self.waiting.iter().map(|w| w.session.number).collect();
        if !delta.is_empty() {
            let mut common = Common::new(&delta);
            for (number, session) in &self.sessions {
                if !session.muted && !delta.concerns(*number) && !owed.contains(number) {
                    common.send(session);
                }
            }
        }
        for number in delta.touched.iter().filter(|n| !owed.contains(n)) {
            self.tell_concerned(*number, &delta, now);
        }
    }

    /// A device that is itself part of the change: it is told of the others as peers, and of itself where
    /// that is news. Whoever's key is over is told of himself alone, until it is renewed.
    fn tell_concerned(&mut self, number: NodeNumber, delta: &Delta, now: Timestamp) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let muted = self.state.is_alone(number, session.client, now);
        if std::mem::replace(&mut session.muted, muted) && !muted {
            let session = Session { number, serial: session.serial };
            return self.waiting.push(Waiting { session, asker: None });
        }
        let own = self.state.own_part(number, now).unwrap_or_default();
        let news = digest(&own);
        let own = if std::mem::replace(&mut session.told_self, news) == news { &[] } else { own.as_slice() };
        let nothing = Delta::default();
        if let Some(json) = (if muted { &nothing } else { delta }).to_json(Some(number), own) {
            session.outbox.push(frame::small_message(session.client.encoding, &json));
        }
    }

    /// Gives whole maps to those that wait for one.
    pub(super) fn answer(&mut self) {
        let now = self.now();
        for Waiting { session, asker } in std::mem::take(&mut self.waiting) {
            let number = session.number;
            let Some(connected) = self.sessions.get_mut(&number).filter(|s| s.serial == session.serial)
            else {
                // It has been replaced or removed meanwhile; its outbox is closed.
                drop(asker.map(|(_, reply)| reply.send(Err(node_unknown()))));
                continue;
            };
            connected.muted = self.state.is_alone(number, connected.client, now);
            match self.state.own_part(number, now) {
                // A list without peers changes nothing in a client: only a new stream starts empty.
                Some(_) if asker.is_none() && self.state.peers_of(number) == 0 => connected.outbox.close(),
                Some(own) => {
                    connected.told_self = digest(&own);
                    let settings = &self.around.settings;
                    connected.outbox.restart(self.state.full_map(
                        number,
                        &own,
                        connected.client,
                        settings,
                        now,
                    ));
                }
                None => connected.outbox.close(),
            }
            if let Some((realm, reply)) = asker {
                // Unheard, it is dropped, which tells us that the device has gone.
                drop(reply.send(Ok(Attached { realm, session })));
            }
        }
    }
}

impl Task {
    /// A connected node is online, unless its key is over: then it reaches nobody, and carries no route.
    pub(super) fn show(&mut self, number: NodeNumber) {
        if self.sessions.contains_key(&number) {
            let now = self.now();
            self.state.set_online(number, !self.state.is_expired(number, now), now);
            self.save(number);
        }
    }

    /// Gives one map each to those that asked for no more, after all have been told what changed.
    pub(super) fn answer_once(&mut self) {
        for Asker { device, client, outbox, reply } in std::mem::take(&mut self.askers) {
            // Unheard, the map is dropped with its outbox.
            drop(reply.send(self.map_once(device, client, &outbox)));
        }
    }

    fn map_once(&mut self, device: Device, client: Client, outbox: &Outbox) -> Result<()> {
        let (number, now) = (self.number_of(device)?, self.now());
        let own = self.state.own_part(number, now).ok_or_else(node_unknown)?;
        outbox.restart(self.state.full_map(number, &own, client, &self.around.settings, now));
        outbox.close();
        Ok(())
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
        let slot = match session.client.encoding {
            Encoding::Zstd => &mut self.zstd,
            Encoding::Plain => &mut self.plain,
        };
        let message = slot.get_or_insert_with(|| {
            frame::small_message(session.client.encoding, &delta.to_json(None, b"").unwrap_or_default())
        });
        session.outbox.push(message.clone());
    }
}
