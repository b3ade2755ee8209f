//! Sealing what the coordinator must be able to read back, so that the database alone gives nothing away:
//! AES-256-GCM under a master key that lies in the data directory.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

use crate::core::secret::random_bytes;
use crate::core::{Error, Kind, Result, hex};

/// The length of a master key, in bytes.
pub const KEY_LENGTH: usize = 32;

/// The master keys of a coordinator: it seals with the newest, and opens what any of them has sealed.
#[derive(Debug)]
pub struct KeyRing {
    newest: MasterKey,
    older: Vec<MasterKey>,
}

impl KeyRing {
    /// Key material, the newest first.
    pub fn from_keys<'k>(keys: impl IntoIterator<Item = &'k [u8; KEY_LENGTH]>) -> Result<Self> {
        let mut keys = keys.into_iter().map(MasterKey::from_bytes);
        let newest = keys.next().ok_or_else(|| Error::bug("a key ring has no key"))??;
        Ok(KeyRing { newest, older: keys.collect::<Result<_>>()? })
    }

    /// What seals from now on.
    pub fn newest(&self) -> &MasterKey {
        &self.newest
    }

    /// The names of the keys, the newest first.
    pub fn ids(&self) -> Vec<&str> {
        std::iter::once(&self.newest).chain(&self.older).map(MasterKey::id).collect()
    }

    /// Opens what was sealed under `name` with the key `key_id`. Fails with `master_key_unknown` where that is not here, and
    /// with `sealed_otherwise` where what was sealed was changed.
    pub fn open(&self, name: &str, key_id: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut keys = std::iter::once(&self.newest).chain(&self.older);
        keys.find(|key| key.id == key_id).ok_or_else(|| self.unknown(name, key_id))?.open(name, sealed)
    }

    fn unknown(&self, name: &str, key_id: &str) -> Error {
        let here = self.ids().join(", ");
        let what =
            format!("the coordinator's {name} is sealed with the master key {key_id}, and here is {here}");
        Error::new(Kind::Local, "master_key_unknown", what).hint(
            "put back the master key that belongs to this database, from the backup that it is in; if it is lost for \
             good: docs/operations.md, \"A lost master key\"",
        )
    }
}

/// The key that seals the coordinator's secrets. It does not print.
pub struct MasterKey {
    id: String,
    key: LessSafeKey,
}

impl MasterKey {
    /// New random key material, to be kept where only the coordinator reads it.
    pub fn generate() -> Zeroizing<[u8; KEY_LENGTH]> {
        Zeroizing::new(random_bytes())
    }

    pub fn from_bytes(bytes: &[u8; KEY_LENGTH]) -> Result<Self> {
        let key =
            UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| Error::bug("AES-256 refuses its own key"))?;
        let digest = Sha256::digest([b"wonder master key ".as_slice(), bytes].concat());
        Ok(MasterKey { id: hex::encode(&digest[..8]), key: LessSafeKey::new(key) })
    }

    /// A name for the key that gives nothing away: 16 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Seals `secret` under `name`, which must be given to open it: nonce, ciphertext, tag.
    pub fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = random_bytes();
        let mut sealed = secret.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut sealed)
            .map_err(|_| Error::bug("a secret could not be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed under `name` with this key. Fails with `sealed_otherwise`.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(|| otherwise(name))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| otherwise(name))?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let length =
            self.key.open_in_place(nonce, Aad::from(name), &mut bytes).map_err(|_| otherwise(name))?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

fn otherwise(name: &str) -> Error {
    let what =
        format!("the coordinator's {name} in the database was changed: it does not open with its master key");
    Error::new(Kind::Local, "sealed_otherwise", what).hint("restore the database from a backup")
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_opens_with_old_keys_and_names_the_one_that_it_lacks() {
        let keys = [[1; 32], [2; 32], [3; 32]];
        let old = KeyRing::from_keys([&keys[1]]).unwrap();
        let sealed = old.newest().seal("relay key", b"secret").unwrap();
        let id = old.newest().id();
        let ring = KeyRing::from_keys([&keys[0], &keys[1]]).unwrap();
        assert_eq!(&ring.open("relay key", id, &sealed).unwrap()[..], b"secret");
        let other = KeyRing::from_keys([&keys[2]]).unwrap();
        let error = other.open("relay key", id, &sealed).unwrap_err();
        assert!(error.code() == "master_key_unknown" && error.message().contains(id), "{error}");
        assert!(!format!("{ring:?}").contains("1, 1"));
    }

    #[test]
    fn what_is_sealed_opens_under_its_name_and_key_only() {
        let (key, other) = (MasterKey::generate(), MasterKey::generate());
        let (key, other) = (MasterKey::from_bytes(&key).unwrap(), MasterKey::from_bytes(&other).unwrap());
        let sealed = key.seal("relay key", b"secret").unwrap();
        assert_eq!(&key.open("relay key", &sealed).unwrap()[..], b"secret");
        for refused in
            [key.open("control key", &sealed), other.open("relay key", &sealed), key.open("relay key", b"x")]
        {
            assert_eq!(refused.unwrap_err().code(), "sealed_otherwise");
        }
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }
}
