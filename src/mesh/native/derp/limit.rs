//! What the relay grants at most: connections, time, and answers to nonsense.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The relay's limits; [`Limits::default`] is what a coordinator runs with.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections whose client has not shown yet who it is.
    pub half_open: usize,
    /// The same from one address (IPv6: one /64).
    pub half_open_per_address: usize,
    /// From connecting to being admitted.
    pub handshake: Duration,
    /// Without progress in sending to a client; then it is cut off.
    pub write: Duration,
    /// Between two keep-alives.
    pub keep_alive: Duration,
    /// At most added to it, so that clients that came together do not stay in step.
    pub keep_alive_jitter: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 32_768,
            half_open: 2_048,
            half_open_per_address: 256,
            handshake: Duration::from_secs(10),
            write: Duration::from_secs(2),
            keep_alive: Duration::from_secs(60),
            keep_alive_jitter: Duration::from_secs(5),
        }
    }
}

/// Counts connections against the limits.
pub(super) struct Slots {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    half_open: usize,
    half_open_by_address: HashMap<IpAddr, usize>,
}

/// One connection's place, given back when dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    half_open_from: Option<IpAddr>,
}

impl Slots {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Slots { limits, taken: Mutex::default() })
    }

    /// A place for a connection that has yet to show who it is; `None` where a limit is reached.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Option<Slot> {
        let from = network(from);
        let mut taken = self.lock();
        let here = taken.half_open_by_address.get(&from).copied().unwrap_or(0);
        let full = taken.all >= self.limits.connections || taken.half_open >= self.limits.half_open;
        if full || here >= self.limits.half_open_per_address {
            return None;
        }
        taken.all += 1;
        taken.half_open += 1;
        taken.half_open_by_address.insert(from, here + 1);
        Some(Slot { slots: Arc::clone(self), half_open_from: Some(from) })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// The client was admitted and counts no longer as half open.
    pub(super) fn admitted(&mut self) {
        let Some(from) = self.half_open_from.take() else { return };
        let mut taken = self.slots.lock();
        taken.half_open -= 1;
        if let Some(here) = taken.half_open_by_address.get_mut(&from) {
            *here -= 1;
            if *here == 0 {
                taken.half_open_by_address.remove(&from);
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.admitted();
        self.slots.lock().all -= 1;
    }
}

/// One household: an IPv4 address, or the /64 of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

/// Allows a burst, and then one a second.
pub(super) struct Bucket {
    burst: u32,
    left: u32,
    since: Instant,
}

impl Bucket {
    pub(super) fn new(burst: u32) -> Self {
        Bucket { burst, left: burst, since: Instant::now() }
    }

    pub(super) fn allow(&mut self) -> bool {
        let seconds = self.since.elapsed().as_secs();
        if seconds > 0 {
            self.left = self.burst.min(self.left.saturating_add(u32::try_from(seconds).unwrap_or(u32::MAX)));
            self.since += Duration::from_secs(seconds);
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(connections: usize, half_open: usize, half_open_per_address: usize) -> Arc<Slots> {
        Slots::new(Limits { connections, half_open, half_open_per_address, ..Limits::default() })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn half_open_connections_are_bounded_by_address() {
        let slots = slots(10, 10, 1);
        let mut first = slots.take(ip("2001:db8::1")).unwrap();
        assert!(slots.take(ip("2001:db8::2")).is_none(), "the same /64");
        assert!(slots.take(ip("2001:db8:0:1::1")).is_some());
        first.admitted();
        assert!(slots.take(ip("2001:db8::2")).is_some());
    }

    #[test]
    fn places_come_back() {
        let slots = slots(2, 1, 1);
        let mut first = slots.take(ip("192.0.2.1")).unwrap();
        assert!(slots.take(ip("192.0.2.2")).is_none(), "one half open");
        first.admitted();
        let second = slots.take(ip("192.0.2.2")).unwrap();
        drop(second);
        let mut second = slots.take(ip("192.0.2.2")).unwrap();
        second.admitted();
        assert!(slots.take(ip("192.0.2.3")).is_none(), "two at once");
        drop(first);
        assert!(slots.take(ip("192.0.2.3")).is_some());
        assert!(slots.lock().half_open_by_address.is_empty());
    }

    #[test]
    fn a_bucket_allows_its_burst() {
        let mut bucket = Bucket::new(3);
        assert_eq!((0..5).filter(|_| bucket.allow()).count(), 3);
        bucket.since -= Duration::from_secs(2);
        assert_eq!((0..5).filter(|_| bucket.allow()).count(), 2);
    }
}
