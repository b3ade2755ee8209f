//! Times and durations as people say them.

use std::time::Duration;

use crate::core::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `45s`, `5m`, `8h`, `12d`: one number, rounded.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_millis().saturating_add(500) as u64 / 1000;
    let rounded = |unit: u64| (seconds + unit / 2) / unit;
    match seconds {
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR if rounded(MINUTE) < 60 => format!("{}m", rounded(MINUTE)),
        MINUTE..=172_799 if rounded(HOUR) < 48 => format!("{}h", rounded(HOUR)),
        _ => format!("{}d", rounded(DAY)),
    }
}

/// `in 8h`, or `expired` when it is over.
pub fn until(now: Timestamp, end: Timestamp) -> String {
    if end <= now { "expired".into() } else { format!("in {}", span(end.since(now))) }
}

/// `5m ago`, or `now`.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    match now.since(then) {
        short if short < Duration::from_secs(5) => "now".into(),
        long => format!("{} ago", span(long)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_one_rounded_number() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (90, "2m"),
            (3_599, "1h"),
            (28_799, "8h"),
            (47 * 3_600, "47h"),
            (172_799, "2d"),
            (90 * 86_400 - 1, "90d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn times_are_told_from_now() {
        let now = Timestamp::from_millis(100_000_000);
        assert_eq!(until(now, now.plus(Duration::from_secs(28_800))), "in 8h");
        assert_eq!(until(now, now), "expired");
        assert_eq!(ago(now, Timestamp::from_millis(100_000_000 - 300_000)), "5m ago");
        assert_eq!(ago(now, now), "now");
    }
}
