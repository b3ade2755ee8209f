//! What an account is called: an e-mail address.

use std::fmt;
use std::str::FromStr;

use super::{Error, Result};

/// The longest address (RFC 5321 section 4.5.3.1.3: a path of 256 octets, less its brackets).
const LONGEST: usize = 254;

/// An e-mail address, in lower case: two spellings are one account. Whether mail arrives is not known here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

impl FromStr for Email {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let address = text.trim().to_lowercase();
        let plain =
            |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
        let is_address = |(local, domain): (&str, &str)| {
            plain(local) && plain(domain) && !domain.starts_with('.') && !domain.ends_with('.')
        };
        match address.len() <= LONGEST && address.rsplit_once('@').is_some_and(is_address) {
            true => Ok(Email(address)),
            false => Err(Error::usage("malformed_email", format!("{text:?} is not an e-mail address"))
                .hint("write it like ada@example.org")),
        }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_are_one_account() {
        let email: Email = " Ada@Example.ORG ".parse().unwrap();
        assert_eq!(email.as_str(), "ada@example.org");
        assert_eq!(email.local_part(), "ada");
        assert!("root@localhost".parse::<Email>().is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(250));
        for text in ["", "ada", "@example.org", "ada@", "a b@example.org", "a\0@b", "ada@.org", &long] {
            assert_eq!(text.parse::<Email>().unwrap_err().code(), "malformed_email", "{text}");
        }
    }
}
