//! How often something may be tried, by key: the GCRA of `governor` over a table of fixed size. Keys that share
//! a slot share its bucket, so nobody can fill the memory, and the hash is seeded at start, so nobody can
//! choose whom to share with.

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::core::allowance::{Rate, Reached};
use crate::core::{Error, Result, Timestamp};

/// Buckets in a table: 128 KiB, taken when the first is needed.
const SLOTS: usize = 1 << 14;

type Buckets = LazyLock<Box<[AtomicU64]>>;

/// So many tries at once, then one more each interval.
pub struct Limit {
    policy: &'static str,
    rate: Rate,
    hasher: RandomState,
    /// In nanoseconds.
    interval: u64,
    buckets: Arc<Buckets>,
    cells: RateLimiter<Try, Slots, Still, NoOpMiddleware<Duration>>,
}

impl Limit {
    /// `burst` tries at once, then one more each `interval`.
    pub fn new(burst: u32, interval: Duration) -> Self {
        Limit::named("attempts", Rate { count: burst.max(1), per: interval * burst.max(1) })
    }

    /// A limit whose callers are told its name.
    pub fn named(policy: &'static str, rate: Rate) -> Self {
        let interval = rate.interval().max(Duration::from_nanos(1));
        let burst = NonZeroU32::new(rate.count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(interval).unwrap_or_else(|| Quota::per_second(burst));
        let interval = nanos(interval);
        let buckets: Arc<Buckets> =
            Arc::new(LazyLock::new(|| (0..SLOTS).map(|_| AtomicU64::new(0)).collect()));
        let slots = Slots { buckets: Arc::clone(&buckets), window: interval * u64::from(rate.count) };
        let cells = RateLimiter::new(quota.allow_burst(burst), slots, Still);
        Limit { policy, rate, hasher: RandomState::new(), interval, buckets, cells }
    }

    /// Takes one try, or refuses with `too_many_attempts` and says how long to wait.
    pub fn take(&self, key: impl Hash, now: Timestamp) -> Result<()> {
        self.cells.check_key(&Try { slot: self.slot(key), now: nanos_of(now) }).map_err(|refused| {
            let wait = refused.wait_time_from(Still.now());
            Error::too_many(Reached { policy: self.policy, rate: self.rate, wait })
        })
    }

    /// Gives a try back: it turned out to be no guess.
    pub fn give_back(&self, key: impl Hash) {
        let less = |full_at: u64| Some(full_at.saturating_sub(self.interval));
        // It cannot fail: there is always less.
        let _ = self.buckets[self.slot(key)].fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    fn slot(&self, key: impl Hash) -> usize {
        usize::try_from(self.hasher.hash_one(key) % SLOTS as u64).unwrap_or(0)
    }
}

/// A try, at a time.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Try {
    slot: usize,
    now: u64,
}

/// Time comes with each try, so that a story can move it: for governor it is always now.
#[derive(Clone, Debug)]
struct Still;

impl Clock for Still {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// The buckets: when each is full again, in nanoseconds since the epoch. What governor is told and says is
/// measured from the try.
struct Slots {
    buckets: Arc<Buckets>,
    window: u64,
}

impl StateStore for Slots {
    type Key = Try;

    fn measure_and_replace<T, F, E>(&self, key: &Try, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let cell = &self.buckets[key.slot];
        // A clock that was set back leaves no bucket emptier than empty.
        let emptiest = key.now.saturating_add(self.window);
        let mut before = cell.fetch_min(emptiest, Ordering::AcqRel).min(emptiest);
        loop {
            let (outcome, after) = decide(Some(Nanos::new(before.saturating_sub(key.now))))?;
            let after = key.now.saturating_add(after.as_u64());
            match cell.compare_exchange_weak(before, after, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(outcome),
                Err(other) => before = other,
            }
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4)
}

fn nanos_of(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(0).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Kind;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn a_burst_then_one_each_interval() {
        let limit = Limit::named("tries", Rate::new(3, 30));
        for _ in 0..3 {
            limit.take("ada", START).unwrap();
        }
        let refused = limit.take("ada", START).unwrap_err();
        assert_eq!((refused.kind(), refused.hint_text()), (Kind::RateLimited, Some("try again in 10 s")));
        let reached = refused.reached().unwrap();
        assert_eq!((reached.policy, reached.rate, reached.seconds()), ("tries", Rate::new(3, 30), 10));
        let later = START.plus(Duration::from_secs(10));
        limit.take("ada", later).unwrap();
        assert!(limit.take("ada", later).is_err());
    }

    #[test]
    fn a_try_that_was_given_back_does_not_count() {
        let limit = Limit::new(1, Duration::from_secs(10));
        for _ in 0..100 {
            limit.take("ada", START).unwrap();
            limit.give_back("ada");
        }
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out_for_longer_than_a_burst() {
        let limit = Limit::new(2, Duration::from_secs(10));
        limit.take("ada", START).unwrap();
        let yesterday = Timestamp::from_millis(START.as_millis() - 86_400_000);
        assert!(limit.take("ada", yesterday).is_err());
        limit.take("ada", yesterday.plus(Duration::from_secs(10))).unwrap();
    }

    /// The table is as large after a million addresses as before the first, and still limits each.
    #[test]
    fn a_million_addresses_take_no_memory() {
        let limit = Limit::new(1_000, Duration::from_secs(1));
        let table = limit.buckets.as_ptr_range();
        for address in 0..1_000_000_u32 {
            let _ = limit.take(std::net::Ipv4Addr::from_bits(address), START);
        }
        assert_eq!((limit.buckets.as_ptr_range(), limit.buckets.len()), (table, SLOTS));
        assert_eq!(size_of_val(&limit.buckets[..]), 128 * 1024);
        let refused = (0..2_000).filter(|_| limit.take("one more", START).is_err()).count();
        assert!(refused >= 1_000, "{refused} of 2,000 were refused");
    }

    #[test]
    fn threads_share_one_bucket() {
        let limit = Limit::new(100, Duration::from_secs(10));
        let taken: usize = std::thread::scope(|scope| {
            let one = || (0..100).filter(|_| limit.take("ada", START).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 100);
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_the_rate(gaps in prop::collection::vec(0u64..3_000, 1..200)) {
            let limit = Limit::new(5, Duration::from_secs(1));
            let (mut now, mut taken) = (START, 0u64);
            for gap in gaps {
                now = now.plus(Duration::from_millis(gap));
                taken += u64::from(limit.take("ada", now).is_ok());
                prop_assert!(taken <= 5 + now.since(START).as_secs());
            }
        }
    }
}
