//! The coordinator's own machine key, by which every device knows it.

use std::fmt;
use zeroize::Zeroizing;

use crate::core::key::MachineKey;
use crate::core::secret::random_bytes;

/// The private half of the coordinator's machine key (X25519, RFC 7748). It does not print and is wiped
/// when dropped; whoever stores it seals [`ControlKey::secret_bytes`] first.
#[derive(Clone)]
pub struct ControlKey(crypto_box::SecretKey);

impl ControlKey {
    pub fn random() -> Self {
        ControlKey(random_bytes().into())
    }

    pub fn from_bytes(secret: [u8; 32]) -> Self {
        ControlKey(secret.into())
    }

    /// What devices see at `/key`.
    pub fn public(&self) -> MachineKey {
        MachineKey(self.0.public_key().to_bytes())
    }

    /// The 32 secret bytes, wiped when dropped.
    pub fn secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }
}

impl fmt::Debug for ControlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_half_is_that_of_rfc_7748() {
        // RFC 7748 section 6.1: Alice's keys.
        let secret = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        let public = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
        let key = ControlKey::from_bytes(secret);
        assert_eq!(key.public(), MachineKey(public));
        assert_eq!(*key.secret_bytes(), secret);
        assert!(!format!("{key:?}").contains("77"));
    }

    fn hex(text: &str) -> [u8; 32] {
        format!("{}{text}", MachineKey::PREFIX).parse::<MachineKey>().unwrap().0
    }
}
