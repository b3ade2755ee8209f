//! What is counted while the process runs: requests, database work, joins, refusals, devices. Made once, and written to
//! from every floor; `server::metrics` tells it to Prometheus. Labels come from lists of ours, never from callers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The upper ends of a histogram's buckets, in seconds.
pub const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Label values that one family takes at most; further ones would only come of a defect, and are not counted.
const MOST: usize = 2_000;

/// How long something took, counted in buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each of [`BUCKETS`], and one for what is beyond.
    counts: [AtomicU64; BUCKETS.len() + 1],
    nanos: AtomicU64,
}

/// A histogram as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// How many were as short as each of [`BUCKETS`], or shorter; all at the end.
    pub cumulative: [u64; BUCKETS.len() + 1],
    pub seconds: f64,
}

impl Histogram {
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|end| seconds <= *end).unwrap_or(BUCKETS.len());
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn read(&self) -> Counted {
        let mut total = 0;
        let cumulative = std::array::from_fn(|bucket| {
            total += self.counts[bucket].load(Ordering::Relaxed);
            total
        });
        Counted {
            cumulative,
            seconds: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64(),
        }
    }
}

/// Requests of one method and route.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    pub took: Arc<Histogram>,
    /// By HTTP status.
    pub statuses: BTreeMap<u16, u64>,
}

/// Method and route, as a template.
type Route = (&'static str, String);

/// All that is counted. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: Mutex<BTreeMap<Route, Requests>>,
    refusals: Mutex<BTreeMap<&'static str, u64>>,
    joins: AtomicU64,
    returns: AtomicU64,
    devices: AtomicI64,
}

/// A device that is connected; it counts until this is dropped.
#[derive(Debug)]
pub struct Connected(Metrics);

impl Metrics {
    /// A request was answered.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let mut all = lock(&self.0.requests);
        let key = (method, route.to_owned());
        if all.len() >= MOST && !all.contains_key(&key) {
            return;
        }
        let requests = all.entry(key).or_default();
        *requests.statuses.entry(status).or_default() += 1;
        requests.took.observe(took);
    }

    pub fn requests(&self) -> BTreeMap<Route, Requests> {
        lock(&self.0.requests).clone()
    }

    /// Something was refused: `action` is a word of the audit trail's list.
    pub fn refusal(&self, action: &'static str) {
        *lock(&self.0.refusals).entry(action).or_default() += 1;
    }

    pub fn refusals(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.0.refusals).clone()
    }

    /// A device became a node, or came back with another key.
    pub fn join(&self, is_new: bool) {
        let counter = if is_new { &self.0.joins } else { &self.0.returns };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// New nodes, and those that came back.
    pub fn joins(&self) -> (u64, u64) {
        (self.0.joins.load(Ordering::Relaxed), self.0.returns.load(Ordering::Relaxed))
    }

    /// A device opened its map stream.
    pub fn connected(&self) -> Connected {
        self.0.devices.fetch_add(1, Ordering::Relaxed);
        Connected(self.clone())
    }

    pub fn devices(&self) -> i64 {
        self.0.devices.load(Ordering::Relaxed)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.0.devices.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_is_as_short_or_shorter() {
        let histogram = Histogram::default();
        for millis in [1, 3, 300, 60_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let counted = histogram.read();
        assert_eq!(counted.cumulative, [1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4]);
        assert!((counted.seconds - 60.304).abs() < 0.001);
    }

    #[test]
    fn labels_are_bounded_and_a_device_counts_as_long_as_it_is_there() {
        let metrics = Metrics::default();
        for n in 0..3 * MOST {
            metrics.request("GET", &format!("/{n}"), 200, Duration::ZERO);
        }
        assert_eq!(metrics.requests().len(), MOST);
        let device = metrics.connected();
        assert_eq!(metrics.devices(), 1);
        drop(device);
        assert_eq!(metrics.devices(), 0);
    }
}
