//! How often something may be tried, by key: a token bucket each (as a GCRA: one number a bucket), in a table
//! of fixed size. Keys that share a slot share its bucket, so nobody can fill the memory, and the hash is
//! seeded at start, so nobody can choose whom to share with.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::core::{Error, Kind, Result, Timestamp};

/// Buckets in a table: 128 KiB.
const SLOTS: usize = 1 << 14;

/// `burst` tries at once, then one more each `interval`.
pub struct Limit {
    burst: i64,
    interval: i64,
    hasher: RandomState,
    /// When each bucket is full again, in milliseconds since the epoch.
    full_at: Mutex<Vec<i64>>,
}

impl Limit {
    pub fn new(burst: u32, interval: Duration) -> Self {
        Limit {
            burst: burst.into(),
            interval: i64::try_from(interval.as_millis()).unwrap_or(i64::MAX / 1_000_000),
            hasher: RandomState::new(),
            full_at: Mutex::new(vec![0; SLOTS]),
        }
    }

    /// Takes one try, or refuses with `too_many_attempts` and says how long to wait.
    pub fn take(&self, key: impl Hash, now: Timestamp) -> Result<()> {
        let (slot, now) = (self.slot(key), now.as_millis());
        let mut full_at = self.lock();
        // A clock that was set back leaves no bucket emptier than empty.
        let used = full_at[slot].clamp(now, now + self.burst * self.interval);
        let next = used + self.interval;
        let over = next - now - self.burst * self.interval;
        full_at[slot] = if over > 0 { used } else { next };
        match over > 0 {
            true => Err(too_many(over)),
            false => Ok(()),
        }
    }

    /// Gives a try back: it turned out to be no guess.
    pub fn give_back(&self, key: impl Hash) {
        let slot = self.slot(key);
        self.lock()[slot] -= self.interval;
    }

    fn slot(&self, key: impl Hash) -> usize {
        usize::try_from(self.hasher.hash_one(key) % SLOTS as u64).unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<i64>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_many(millis: i64) -> Error {
    let seconds = (millis + 999) / 1000;
    Error::new(Kind::RateLimited, "too_many_attempts", "too many attempts")
        .hint(format!("try again in {seconds} s"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn a_burst_then_one_each_interval() {
        let limit = Limit::new(3, Duration::from_secs(10));
        for _ in 0..3 {
            limit.take("ada", START).unwrap();
        }
        let refused = limit.take("ada", START).unwrap_err();
        assert_eq!((refused.kind(), refused.hint_text()), (Kind::RateLimited, Some("try again in 10 s")));
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
