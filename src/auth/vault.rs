//! The key ring of a running coordinator, and of the commands beside it: what is sealed under another's newer key makes it
//! look again where the keys are, so that a rotation needs no restart. `service` is the caller.

use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

use super::seal::{KeyRing, MasterKey};
use crate::config::master_key::{Keys, Place};
use crate::core::secret::Secret;
use crate::core::{Result, hex};

/// Where the master keys are, and those that are known.
#[derive(Debug)]
pub struct Vault {
    place: Place,
    ring: RwLock<Arc<KeyRing>>,
}

impl Vault {
    /// The keys of a place, where there are any.
    pub fn find(place: Place) -> Result<Option<Vault>> {
        place.read()?.map(|keys| Vault::of(place.clone(), &keys)).transpose()
    }

    /// The keys of a place; the first start makes one, but none for a database that is `sealed` already.
    pub fn load(place: Place, sealed: bool) -> Result<Vault> {
        let keys = place.load(sealed, || Secret::new(hex::encode(&*MasterKey::generate())))?;
        Vault::of(place, &keys)
    }

    fn of(place: Place, keys: &Keys) -> Result<Vault> {
        Ok(Vault { place, ring: RwLock::new(Arc::new(ring(keys)?)) })
    }

    /// The keys, as they were when somebody looked last.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Opens what was sealed under `name` with the key `key_id`, which may be newer than those that are known.
    pub fn open(&self, name: &str, key_id: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match self.ring().open(name, key_id, sealed) {
            Err(error) if error.code() == "master_key_unknown" => self.look()?.open(name, key_id, sealed),
            opened => opened,
        }
    }

    /// Seals with the newest key that there is now: its name, and what is sealed.
    pub fn seal(&self, name: &str, secret: &[u8]) -> Result<(String, Vec<u8>)> {
        let ring = self.look()?;
        Ok((ring.newest().id().to_owned(), ring.newest().seal(name, secret)?))
    }

    /// Puts a new key before those that there are.
    pub fn add_key(&self) -> Result<()> {
        self.place.add(&Secret::new(hex::encode(&*MasterKey::generate())))?;
        self.look().map(drop)
    }

    /// Forgets all keys but the newest.
    pub fn forget_older(&self) -> Result<()> {
        self.place.forget_older()?;
        self.look().map(drop)
    }

    /// Reads the keys again; where they are gone, those that are known are still good.
    fn look(&self) -> Result<Arc<KeyRing>> {
        if let Some(keys) = self.place.read()? {
            let fresh = Arc::new(ring(&keys)?);
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        Ok(self.ring())
    }
}

fn ring(keys: &Keys) -> Result<KeyRing> {
    KeyRing::from_keys(keys.iter().map(|key| &**key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_coordinator_follows_a_rotation() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::File(directory.path().join("master.key"));
        let running = Vault::load(place.clone(), false).unwrap();
        let (id, sealed) = running.seal("signing key", b"one").unwrap();
        let command = Vault::find(place).unwrap().unwrap();
        command.add_key().unwrap();
        let (newer, again) = command.seal("signing key", b"one").unwrap();
        assert_ne!(id, newer);
        assert_eq!(&running.open("signing key", &newer, &again).unwrap()[..], b"one");
        assert_eq!(&running.open("signing key", &id, &sealed).unwrap()[..], b"one");
        command.forget_older().unwrap();
        assert_eq!(running.seal("signing key", b"two").unwrap().0, newer);
        assert_eq!(running.open("signing key", &id, &sealed).unwrap_err().code(), "master_key_unknown");
    }
}
