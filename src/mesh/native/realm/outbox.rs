//! What waits to be sent to one device: a bounded queue between the realm, which never waits, and the
//! device's connection, which may be slow.

use bytes::{BufMut as _, Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Messages that may wait; the one after drops the backlog.
const MOST_MESSAGES: usize = 256;
/// Bytes of messages that may wait, if there are several; what is beyond drops the backlog. About as much as the
/// whole map of a realm of several thousand nodes, which is then sent instead.
const MOST_BYTES: usize = 1 << 20;
/// Parts are sent together up to this many bytes: one write instead of many.
const BATCH_BYTES: usize = 16 * 1024;

/// The next thing to do for the connection.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// Send these bytes of the stream.
    Send(Bytes),
    /// Messages were dropped: ask the realm for the whole map.
    Resync,
    /// The realm has ended this session.
    Close,
}

/// One device's queue. The realm fills it, the connection empties it.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    parts: VecDeque<Bytes>,
    /// Messages pushed since the queue was last empty, and the bytes in them.
    messages: usize,
    bytes: usize,
    overflowed: bool,
    /// The whole map has been asked for and is not there yet.
    asked: bool,
    closed: bool,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message. Never waits: a full queue is emptied, and the device is sent the whole map next.
    pub fn push(&self, message: Bytes) {
        let mut queue = self.lock();
        if queue.overflowed || queue.closed {
            return;
        }
        queue.messages += 1;
        queue.bytes += message.len();
        if queue.messages > MOST_MESSAGES || (queue.messages > 1 && queue.bytes > MOST_BYTES) {
            queue.parts = VecDeque::new();
            queue.overflowed = true;
        } else {
            queue.parts.push_back(message);
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Replaces whatever waits by a whole map, given in parts; deltas follow it again.
    pub fn restart(&self, map: Vec<Bytes>) {
        let mut queue = self.lock();
        queue.parts = VecDeque::from(map);
        (queue.messages, queue.bytes) = (1, 0);
        (queue.overflowed, queue.asked) = (false, false);
        drop(queue);
        self.filled.notify_one();
    }

    /// Ends the session once what waits has been sent.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// Waits for the next thing to do. Only the one connection calls this.
    pub async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.filled.notified().await;
        }
    }

    fn take(&self) -> Option<Next> {
        let mut queue = self.lock();
        let Some(first) = queue.parts.pop_front() else { return queue.end_of_parts() };
        let mut bytes = first.len();
        let mut batch = vec![first];
        while let Some(part) = queue.parts.front() {
            bytes += part.len();
            if bytes > BATCH_BYTES {
                break;
            }
            batch.extend(queue.parts.pop_front());
        }
        if queue.parts.is_empty() {
            queue.parts = VecDeque::new();
            (queue.messages, queue.bytes) = (0, 0);
        }
        drop(queue);
        Some(Next::Send(together(batch)))
    }
}

impl Queue {
    /// What to do when nothing waits to be sent. The whole map is asked for once: the realm may be busy.
    fn end_of_parts(&mut self) -> Option<Next> {
        if self.closed {
            return Some(Next::Close);
        }
        let ask = self.overflowed && !self.asked;
        self.asked |= ask;
        ask.then_some(Next::Resync)
    }
}

/// Joins parts into one buffer; a part alone stays as it is.
fn together(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() == 1 {
        return parts.pop().unwrap_or_default();
    }
    let mut joined = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    parts.iter().for_each(|part| joined.put_slice(part));
    joined.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn small_messages_travel_together_and_in_order() {
        let outbox = Outbox::default();
        outbox.push(message("one"));
        outbox.push(message("two"));
        assert_eq!(outbox.next().await, Next::Send(message("onetwo")));
    }

    #[tokio::test]
    async fn a_full_queue_is_dropped_and_the_whole_map_comes_next() {
        let outbox = Outbox::default();
        for _ in 0..=MOST_MESSAGES {
            outbox.push(message("delta"));
        }
        assert_eq!(outbox.next().await, Next::Resync);
        outbox.push(message("lost: it is in the map that is on its way"));
        outbox.restart(vec![message("m"), message("ap")]);
        outbox.push(message("delta"));
        assert_eq!(outbox.next().await, Next::Send(message("mapdelta")));
    }

    #[test]
    fn large_messages_are_dropped_sooner_but_not_one_alone() {
        let (outbox, large) = (Outbox::default(), Bytes::from(vec![7; MOST_BYTES]));
        outbox.push(large.clone());
        assert_eq!(outbox.take(), Some(Next::Send(large.clone())));
        outbox.restart(vec![large.clone()]);
        outbox.push(message("delta"));
        assert_eq!(outbox.take(), Some(Next::Send(large.clone())), "a whole map does not count");
        outbox.push(large);
        assert_eq!(outbox.take(), Some(Next::Resync));
    }

    #[test]
    fn a_whole_map_is_asked_for_once_and_not_after_the_end() {
        let outbox = Outbox::default();
        (0..=MOST_MESSAGES).for_each(|_| outbox.push(message("delta")));
        assert_eq!((outbox.take(), outbox.take()), (Some(Next::Resync), None));
        outbox.close();
        assert_eq!(outbox.take(), Some(Next::Close));
    }

    #[tokio::test]
    async fn a_closed_queue_is_sent_to_its_end() {
        let outbox = Outbox::default();
        outbox.push(message("last words"));
        outbox.close();
        assert_eq!(outbox.next().await, Next::Send(message("last words")));
        assert_eq!(outbox.next().await, Next::Close);
    }
}
