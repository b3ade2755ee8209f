//! Host names: one DNS label (RFC 1123 section 2.1, RFC 1035 section 2.3.1), which is what a node is called in
//! its realm. Called wherever a person names a device, and where a device brings a name of its own.

use std::fmt;
use std::str::FromStr;

use super::{Error, Result};

/// The longest DNS label, in octets.
const MAX_LABEL: usize = 63;

/// One DNS label: 1 to 63 of `a-z 0-9 -`, no hyphen at either end. Held in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hostname(String);

impl Hostname {
    /// The nearest label to what a device or a person calls it ("My Raspberry Pi" gives `my-raspberry-pi`);
    /// none where the text holds no letter or digit of ASCII.
    pub fn adapt(text: &str) -> Option<Self> {
        let mut label = String::with_capacity(text.len());
        for c in text.chars().filter(|c| !matches!(c, '\'' | '\u{2019}')) {
            match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9') => label.push(c),
                _ if label.is_empty() || label.ends_with('-') => {}
                _ => label.push('-'),
            }
        }
        label.truncate(MAX_LABEL);
        let label = label.trim_end_matches('-');
        (!label.is_empty()).then(|| Hostname(label.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Hostname {
    type Err = Error;

    /// Refuses what is no DNS label, with the nearest one as the hint. Upper case is taken for lower case.
    fn from_str(text: &str) -> Result<Self> {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let ends_well = !text.starts_with('-') && !text.ends_with('-');
        if !text.is_empty() && text.len() <= MAX_LABEL && text.chars().all(inside) && ends_well {
            return Ok(Hostname(text.to_ascii_lowercase()));
        }
        let error = Error::usage("malformed_hostname", format!("{text:?} is not a DNS label"));
        Err(match Hostname::adapt(text) {
            Some(nearest) => error.hint(format!("{nearest} would do")),
            None => error.hint("a name is 1 to 63 letters, digits and hyphens, with no hyphen at either end"),
        })
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_is_no_label_is_refused_with_a_suggestion() {
        let refused = |text: &str| text.parse::<Hostname>().unwrap_err();
        assert_eq!(refused("My Raspberry Pi").code(), "malformed_hostname");
        assert_eq!(refused("My Raspberry Pi").hint_text(), Some("my-raspberry-pi would do"));
        assert_eq!(refused("Anna's iPhone").hint_text(), Some("annas-iphone would do"));
        assert_eq!(refused("pi.lan").hint_text(), Some("pi-lan would do"));
        assert_eq!(refused("-pi-").hint_text(), Some("pi would do"));
        for hopeless in ["", "-", "树莓派"] {
            assert!(refused(hopeless).hint_text().unwrap().starts_with("a name is"));
        }
    }

    #[test]
    fn a_label_is_taken_in_lower_case() {
        assert_eq!("Pi-4".parse::<Hostname>().unwrap().as_str(), "pi-4");
        assert!("a".repeat(63).parse::<Hostname>().is_ok());
        assert!("a".repeat(64).parse::<Hostname>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_adapted_is_a_label(text in any::<String>()) {
            if let Some(name) = Hostname::adapt(&text) {
                prop_assert_eq!(name.as_str().parse::<Hostname>().unwrap(), name);
            }
        }
    }
}
