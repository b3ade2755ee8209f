//! What people write when they make something: names and lifetimes, within bounds.

use std::time::Duration;

use crate::core::{Error, Result};

/// The longest name, in characters.
const LONGEST_NAME: usize = 63;

/// A name that must be given: 1 to 63 characters that print, without space at its ends.
pub(super) fn name(text: &str) -> Result<String> {
    let name = text.trim();
    let length = name.chars().count();
    if (1..=LONGEST_NAME).contains(&length) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Error::usage("malformed_name", format!("a name has 1 to {LONGEST_NAME} characters that print"))
        .hint("choose another, without line breaks"))
}

/// A name that may be left out, which is written as the empty one.
pub(super) fn optional_name(text: Option<&str>) -> Result<String> {
    text.map_or(Ok(String::new()), name)
}

/// A lifetime: the wished one or the usual one, a second at least and `longest` at most.
pub(super) fn ttl(wished: Option<Duration>, usual: Duration, longest: Duration) -> Result<Duration> {
    let ttl = wished.unwrap_or(usual);
    if (Duration::from_secs(1)..=longest).contains(&ttl) {
        return Ok(ttl);
    }
    let days = longest.as_secs() / 86_400;
    Err(Error::usage("malformed_ttl", format!("this can last from one second to {days} days"))
        .hint("write it like 8h or 90d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_print() {
        assert_eq!(name(" build server ").unwrap(), "build server");
        for bad in ["", "  ", "a\nb", "a\0", &"x".repeat(64)] {
            assert_eq!(name(bad).unwrap_err().code(), "malformed_name", "{bad:?}");
        }
        assert_eq!(optional_name(None).unwrap(), "");
    }

    #[test]
    fn lifetimes_are_bounded() {
        let day = Duration::from_secs(86_400);
        assert_eq!(ttl(None, day, 2 * day).unwrap(), day);
        assert!(ttl(Some(3 * day), day, 2 * day).unwrap_err().message().contains("2 days"));
        assert!(ttl(Some(Duration::ZERO), day, day).is_err());
    }
}
