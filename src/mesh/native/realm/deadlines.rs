//! What a realm does when nothing happens: tell that a device stayed away, delete an ephemeral node,
//! notice that a key is over.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::Instant;

use crate::core::Timestamp;
use crate::core::id::NodeNumber;

/// Keys expire by the wall clock, which can jump: it is looked at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What is due for a node that is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// Its peers are told that it is offline.
    Offline,
    /// It was ephemeral, and is deleted.
    Delete,
}

/// All deadlines of a realm: at most two a node that is away, and one a key that expires.
#[derive(Default)]
pub struct Deadlines {
    away: BTreeSet<(Instant, NodeNumber, Due)>,
    armed: HashMap<(NodeNumber, Due), Instant>,
    expiries: BTreeSet<(Timestamp, NodeNumber)>,
}

impl Deadlines {
    pub fn arm(&mut self, at: Instant, number: NodeNumber, due: Due) {
        if let Some(before) = self.armed.insert((number, due), at) {
            self.away.remove(&(before, number, due));
        }
        self.away.insert((at, number, due));
    }

    /// The node is back, or gone.
    pub fn disarm(&mut self, number: NodeNumber) {
        for due in [Due::Offline, Due::Delete] {
            if let Some(at) = self.armed.remove(&(number, due)) {
                self.away.remove(&(at, number, due));
            }
        }
    }

    /// Takes one deadline that has passed.
    pub fn pop(&mut self, now: Instant) -> Option<(NodeNumber, Due)> {
        let (at, number, due) = self.away.first().copied().filter(|(at, ..)| *at <= now)?;
        self.away.remove(&(at, number, due));
        self.armed.remove(&(number, due));
        Some((number, due))
    }

    /// The node's key ends at `at`.
    pub fn expire(&mut self, at: Timestamp, number: NodeNumber) {
        self.expiries.insert((at, number));
    }

    /// What was said to end at `at` ends at another time, or is gone.
    pub fn spare(&mut self, at: Timestamp, number: NodeNumber) {
        self.expiries.remove(&(at, number));
    }

    /// Takes one key whose time may have passed; whoever takes it looks whether it really has.
    pub fn pop_expired(&mut self, now: Timestamp) -> Option<NodeNumber> {
        let (at, number) = self.expiries.first().copied().filter(|(at, _)| *at <= now)?;
        self.expiries.remove(&(at, number));
        Some(number)
    }

    /// How long until something is due.
    pub fn wait(&self, now: Instant, wall: Timestamp) -> Duration {
        let away = self.away.first().map(|(at, ..)| at.saturating_duration_since(now));
        let expiry = self.expiries.first().map(|(at, _)| at.since(wall));
        away.into_iter().chain(expiry).fold(LOOK_AGAIN, Duration::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_comes_once_unless_disarmed() {
        let (mut deadlines, start) = (Deadlines::default(), Instant::now());
        deadlines.arm(start + Duration::from_secs(5), NodeNumber(1), Due::Offline);
        deadlines.arm(start + Duration::from_secs(5), NodeNumber(2), Due::Offline);
        deadlines.disarm(NodeNumber(2));
        assert_eq!(deadlines.pop(start), None);
        let later = start + Duration::from_secs(6);
        assert_eq!(deadlines.pop(later), Some((NodeNumber(1), Due::Offline)));
        assert_eq!(deadlines.pop(later), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_wait_is_the_shortest() {
        let (mut deadlines, now) = (Deadlines::default(), Instant::now());
        let wall = Timestamp::from_millis(0);
        assert_eq!(deadlines.wait(now, wall), LOOK_AGAIN);
        deadlines.expire(Timestamp::from_millis(2_000), NodeNumber(1));
        assert_eq!(deadlines.wait(now, wall), Duration::from_secs(2));
        deadlines.arm(now + Duration::from_secs(1), NodeNumber(1), Due::Delete);
        assert_eq!(deadlines.wait(now, wall), Duration::from_secs(1));
    }
}
