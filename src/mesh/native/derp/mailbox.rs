//! What waits for one client: two bounded queues of packets that drop the oldest, and the relay's own notices.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::frame::{KEEP_ALIVE, PONG, encode};

/// Packets in either queue.
pub(super) const DEPTH: usize = 32;
/// Notices of peers that are gone.
const MAX_NOTICES: usize = 256;

/// Filled by other clients' tasks, emptied by the client's own. Empty, it holds no memory.
#[derive(Default)]
pub(super) struct Mailbox(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    disco: VecDeque<Vec<u8>>,
    data: VecDeque<Vec<u8>>,
    notices: VecDeque<Vec<u8>>,
    pong: Option<[u8; 8]>,
    keep_alive: bool,
    closed: bool,
    owner: Option<Waker>,
    /// The owner found nothing and sleeps until something comes.
    idle: bool,
}

/// The client was cut off.
pub(super) struct Closed;

impl Mailbox {
    /// Queues a packet's whole frame; tells how many packets had to go for it (0 or 1).
    pub(super) fn packet(&self, frame: Vec<u8>, disco: bool) -> u64 {
        let mut inner = self.lock();
        if inner.closed {
            return 1;
        }
        let queue = if disco { &mut inner.disco } else { &mut inner.data };
        let dropped = push_bounded(queue, frame, DEPTH);
        wake(inner);
        dropped
    }

    /// Queues a frame of the relay's own.
    pub(super) fn notice(&self, frame: Vec<u8>) {
        let mut inner = self.lock();
        push_bounded(&mut inner.notices, frame, MAX_NOTICES);
        wake(inner);
    }

    /// Answers the latest ping; who pings faster than it reads gets one answer.
    pub(super) fn pong(&self, data: [u8; 8]) {
        self.lock().pong = Some(data);
    }

    pub(super) fn keep_alive(&self) {
        self.lock().keep_alive = true;
    }

    /// Cuts the client off.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.idle = true;
        wake(inner);
    }

    /// Moves frames to `out` until it holds `limit` bytes. Where there is none, `owner` will be woken.
    pub(super) fn take(
        &self,
        out: &mut VecDeque<Vec<u8>>,
        limit: usize,
        owner: &Waker,
    ) -> Result<(), Closed> {
        let mut inner = self.lock();
        inner.check_open(owner)?;
        if let Some(data) = inner.pong.take() {
            out.push_back(encode(PONG, &[&data]));
        }
        if std::mem::take(&mut inner.keep_alive) {
            out.push_back(encode(KEEP_ALIVE, &[]));
        }
        let mut room = limit;
        let Inner { notices, disco, data, .. } = &mut *inner;
        for queue in [notices, disco, data] {
            drain(queue, out, &mut room);
        }
        inner.idle = out.is_empty();
        Ok(())
    }

    /// Looks for nothing but being cut off: the owner still has frames that the network does not take.
    pub(super) fn check(&self, owner: &Waker) -> Result<(), Closed> {
        self.lock().check_open(owner)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn check_open(&mut self, owner: &Waker) -> Result<(), Closed> {
        self.idle = false;
        if !self.owner.as_ref().is_some_and(|known| known.will_wake(owner)) {
            self.owner = Some(owner.clone());
        }
        if self.closed { Err(Closed) } else { Ok(()) }
    }
}

fn push_bounded(queue: &mut VecDeque<Vec<u8>>, frame: Vec<u8>, depth: usize) -> u64 {
    let full = queue.len() >= depth;
    if full {
        queue.pop_front();
    }
    queue.push_back(frame);
    full.into()
}

fn drain(queue: &mut VecDeque<Vec<u8>>, out: &mut VecDeque<Vec<u8>>, room: &mut usize) {
    while *room > 0 {
        let Some(frame) = queue.pop_front() else {
            *queue = VecDeque::new();
            return;
        };
        *room = room.saturating_sub(frame.len());
        out.push_back(frame);
    }
}

/// Wakes the owner once for all that comes before it looks.
fn wake(mut inner: MutexGuard<'_, Inner>) {
    if std::mem::take(&mut inner.idle) {
        let owner = inner.owner.clone();
        drop(inner);
        if let Some(owner) = owner {
            owner.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(mailbox: &Mailbox) -> Vec<Vec<u8>> {
        let mut out = VecDeque::new();
        assert!(mailbox.take(&mut out, usize::MAX, Waker::noop()).is_ok());
        out.into()
    }

    #[test]
    fn the_oldest_packet_goes_first_and_disco_has_its_own_room() {
        let mailbox = Mailbox::default();
        let dropped: u64 = (0..40).map(|n| mailbox.packet(vec![n], false)).sum();
        assert_eq!(dropped, 8);
        assert_eq!(mailbox.packet(vec![100], true), 0);
        let expected: Vec<Vec<u8>> = std::iter::once(100).chain(8..40).map(|n| vec![n]).collect();
        assert_eq!(taken(&mailbox), expected);
        assert!(taken(&mailbox).is_empty());
    }

    #[test]
    fn pings_are_answered_once_and_notices_are_bounded() {
        let mailbox = Mailbox::default();
        mailbox.pong([1; 8]);
        mailbox.pong([2; 8]);
        for _ in 0..1_000 {
            mailbox.notice(vec![8]);
        }
        let out = taken(&mailbox);
        assert_eq!(out[0], encode(PONG, &[&[2; 8]]));
        assert_eq!(out.len(), 1 + MAX_NOTICES);
    }

    #[test]
    fn a_closed_mailbox_says_so() {
        let mailbox = Mailbox::default();
        mailbox.close();
        assert!(mailbox.take(&mut VecDeque::new(), 1, Waker::noop()).is_err());
        assert_eq!(mailbox.packet(vec![1], false), 1);
    }
}
