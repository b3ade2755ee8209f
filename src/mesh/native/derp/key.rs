//! The relay's own key, with which it and a client prove to each other who they are (NaCl boxes).

use crypto_box::SalsaBox;
use crypto_box::aead::Aead as _;
use std::fmt;
use zeroize::Zeroizing;

use crate::core::key::NodeKey;
use crate::core::secret::random_bytes;

/// Bytes of a nonce, which stands before its box.
pub(super) const NONCE: usize = 24;

/// The private half of the relay's key (Curve25519). It does not print and is wiped when dropped.
#[derive(Clone)]
pub struct RelayKey(crypto_box::SecretKey);

impl RelayKey {
    pub fn random() -> Self {
        RelayKey(random_bytes().into())
    }

    pub fn from_bytes(secret: [u8; 32]) -> Self {
        RelayKey(secret.into())
    }

    /// The 32 secret bytes, wiped when dropped.
    pub fn secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// What clients know the relay by: the protocol gives it the form of a node's key.
    pub fn public(&self) -> NodeKey {
        NodeKey(self.0.public_key().to_bytes())
    }

    /// Seals `message` for `to`: a fresh nonce and the box. `None` only where the cipher refuses.
    pub(super) fn seal(&self, to: &NodeKey, message: &[u8]) -> Option<Vec<u8>> {
        let nonce = random_bytes::<NONCE>();
        let sealed = self.shared_with(to).encrypt(&nonce.into(), message).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// Opens what [`RelayKey::seal`] of the other side made; `None` where it was not `from` who sealed it.
    pub(super) fn open(&self, from: &NodeKey, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        self.shared_with(from).decrypt(nonce.into(), sealed).ok()
    }

    fn shared_with(&self, other: &NodeKey) -> SalsaBox {
        SalsaBox::new(&other.0.into(), &self.0)
    }
}

impl fmt::Debug for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelayKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_can_read_it() {
        let (relay, node, other) = (RelayKey::random(), RelayKey::random(), RelayKey::random());
        let sealed = node.seal(&relay.public(), b"hello").unwrap();
        assert_eq!(relay.open(&node.public(), &sealed).unwrap(), b"hello");
        assert!(relay.open(&other.public(), &sealed).is_none());
        assert!(other.open(&node.public(), &sealed).is_none());
        assert!(relay.open(&node.public(), &sealed[..20]).is_none());
    }
}
