//! The coordinator's stamp on the audit chain: HMAC-SHA256 (RFC 2104) under a key that is sealed in the database,
//! so that whoever changes the database alone cannot make the chain anew. `service::chain` is the caller.

use ring::hmac;

use crate::core::chain::Link;
use crate::core::secret::random_bytes;

/// The key of the stamps. It does not print.
#[derive(Clone, Debug)]
pub struct StampKey(hmac::Key);

impl StampKey {
    /// New key material, to be sealed.
    pub fn generate() -> [u8; 32] {
        random_bytes()
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        StampKey(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The stamp on a link, and so on all before it: 32 bytes.
    pub fn stamp(&self, link: &Link) -> Vec<u8> {
        hmac::sign(&self.0, link.to_string().as_bytes()).as_ref().to_vec()
    }

    pub fn is_of(&self, stamp: &[u8], link: &Link) -> bool {
        hmac::verify(&self.0, link.to_string().as_bytes(), stamp).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_of_one_link_and_one_key() {
        let (key, other) = (StampKey::from_bytes(&[1; 32]), StampKey::from_bytes(&[2; 32]));
        let link = Link::START.next(&[]);
        let stamp = key.stamp(&link);
        assert!(key.is_of(&stamp, &link));
        assert!(!other.is_of(&stamp, &link) && !key.is_of(&stamp, &Link::START) && !key.is_of(b"", &link));
        assert!(!format!("{key:?}").contains("1, 1"));
    }
}
