//! Secrets: text that does not print, and the hash of it that the database may hold.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::{Error, Result};

/// How the secrets begin that are made here, whoever makes them: by it they are known where nobody is to see them.
/// A new kind of secret goes into this list; `tests/conventions.rs` holds the whole of `src/` to it.
pub const PREFIXES: [&str; 14] = [
    "wjt_", "wak_", "wnd_", "wcs_", "wbs_", "whl_", "wsc_", "wwk_", "wiv_", "wat_", "wrt_", "wac_", "wdc_",
    "was_",
];

/// A secret in clear text. It has no `Display`, its `Debug` says nothing, and it is wiped when dropped.
/// Whoever must show or send it says so with [`Secret::reveal`].
#[derive(Clone, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// `prefix`, then 256 random bits in base64url.
    pub fn random(prefix: &str) -> Self {
        let mut bytes = random_bytes::<32>();
        let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes));
        bytes.zeroize();
        Secret(text)
    }

    /// The clear text. Grep for this name to find every place where a secret leaves its wrapper.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the database keeps instead. The secrets hashed here are random, 128 bits or more, so one
    /// round of SHA-256 is enough; passwords go to `auth::password`.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Secret)
    }
}

/// SHA-256 of a secret; compares in constant time.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Reads a hash back from the database: 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(SecretHash).map_err(|_| Error::bug("a stored secret hash is not 32 bytes long"))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn matches(&self, secret: &Secret) -> bool {
        self.0.ct_eq(&secret.hash().0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// `N` bytes from the system's generator.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "a system without randomness cannot run anything of this safely")]
    ring::rand::SystemRandom::new().fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::random("wak_");
        assert!(secret.reveal().starts_with("wak_"));
        assert!(!format!("{secret:?} {:?}", secret.hash()).contains(&secret.reveal()[4..]));
    }

    #[test]
    fn a_hash_matches_its_secret_only() {
        let hash = Secret::new("one").hash();
        let stored = SecretHash::from_slice(hash.as_bytes()).unwrap();
        assert!(stored.matches(&Secret::new("one")) && !stored.matches(&Secret::new("two")));
        assert!(SecretHash::from_slice(b"short").is_err());
    }
}
