//! The chain of the audit trail: the hash of each link covers one event and the link before it, so that an
//! event that was changed, put in or taken out shows. Pure; `service::chain` makes the links and checks them.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

use super::{Error, Result, hex};

/// What a hash of this form begins with: another form would be another version.
const VERSION: &[u8] = b"wonder audit 1";

/// The hash of a link: SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkHash(pub [u8; 32]);

/// One link of the chain: its number, from 1 without a gap, and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub seq: i64,
    pub hash: LinkHash,
}

impl Link {
    /// What stands before the first event.
    pub const START: Link = Link { seq: 0, hash: LinkHash([0; 32]) };

    /// The link that follows this one for an event with these fields: SHA-256 of the version, the hash before, the number
    /// (8 bytes, big-endian), and for each field a byte 0 where it is missing, else a byte 1, its length in
    /// bytes (4 bytes, big-endian) and its text in UTF-8.
    #[must_use]
    pub fn next(self, fields: &[Option<String>]) -> Link {
        let seq = self.seq + 1;
        let mut digest = Sha256::new();
        digest.update(VERSION);
        digest.update(self.hash.0);
        digest.update(seq.to_be_bytes());
        for field in fields {
            match field {
                None => digest.update([0]),
                Some(text) => {
                    digest.update([1]);
                    digest.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                    digest.update(text);
                }
            }
        }
        Link { seq, hash: LinkHash(digest.finalize().into()) }
    }
}

impl LinkHash {
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.try_into().map_err(|_| Error::bug("a link's hash is not 32 bytes long"))?;
        Ok(LinkHash(bytes))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for LinkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// `17:4f0c…`: what somebody writes down to compare with later.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Link {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let (seq, hash) = text.trim().split_once(':')?;
            Some(Link { seq: seq.parse().ok().filter(|seq| *seq > 0)?, hash: LinkHash(hex::decode(hash)?) })
        };
        read().ok_or_else(|| {
            Error::usage("malformed_link", format!("{text:?} is no link of an audit trail")).hint(
                "it looks like 17:4f0c…, with 64 hexadecimal digits, as `wonder audit verify` prints it",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_link_depends_on_everything_before_it_and_on_where_fields_end() {
        let first = Link::START.next(&[some("a"), some("bc")]);
        assert_eq!(first, Link::START.next(&[some("a"), some("bc")]));
        for other in [vec![some("ab"), some("c")], vec![some("a"), None], vec![some("a"), some("bc"), None]] {
            assert_ne!(first.hash, Link::START.next(&other).hash);
        }
        assert_ne!(first.next(&[some("x")]).hash, first.next(&[some("y")]).next(&[some("x")]).hash);
        assert_eq!(first.seq, 1);
    }

    #[test]
    fn a_link_reads_back_as_it_was_written_down() {
        let link = Link::START.next(&[]);
        assert_eq!(link.to_string().parse::<Link>().unwrap(), link);
        for bad in ["", "1", "0:00", "x:00", &format!("-1:{}", link.hash)] {
            assert_eq!(bad.parse::<Link>().unwrap_err().code(), "malformed_link");
        }
    }
}
