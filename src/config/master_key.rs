//! The coordinator's master keys: the newest, and those of before, with which older seals are opened. From the environment,
//! a credential of systemd, or `master.key` in the data directory, which is made at the first start and readable by
//! its owner alone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

use super::private_file;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, hex};

/// The variable that holds the keys, the newest first.
pub const VARIABLE: &str = "WONDER_MASTER_KEY";
/// The name of the credential (systemd.exec(5), `LoadCredential=`).
pub const CREDENTIAL: &str = "wonder.master-key";
/// Keys that are kept at most: the newest, and those of the last rotations.
const MOST: usize = 8;

/// Key material, the newest first.
pub type Keys = Vec<Zeroizing<[u8; 32]>>;

/// Where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Environment,
    Credential(PathBuf),
    File(PathBuf),
}

impl Place {
    /// Where this process looks: the environment, else a credential, else the data directory.
    pub fn find(data_dir: &Path) -> Place {
        Place::among(data_dir, |name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn among(data_dir: &Path, environment: impl Fn(&str) -> Option<OsString>) -> Place {
        if environment(VARIABLE).is_some() {
            return Place::Environment;
        }
        let credential = environment("CREDENTIALS_DIRECTORY").map(|dir| PathBuf::from(dir).join(CREDENTIAL));
        match credential.filter(|path| path.exists()) {
            Some(path) => Place::Credential(path),
            None => Place::File(data_dir.join("master.key")),
        }
    }

    /// The keys, where there are any.
    pub fn read(&self) -> Result<Option<Keys>> {
        let text = match self {
            Place::Environment => std::env::var(VARIABLE).ok(),
            Place::Credential(path) | Place::File(path) => {
                private_file::read(path).map_err(|error| self.unreadable(error))?
            }
        };
        text.map(|text| self.parse(&Secret::new(text))).transpose()
    }

    /// The keys; where there are none, the one that `generate` gives, which is kept. None is made for a database that is
    /// `sealed` already, which it could not open.
    pub fn load(&self, sealed: bool, generate: impl FnOnce() -> Secret) -> Result<Keys> {
        if let Some(keys) = self.read()? {
            return Ok(keys);
        }
        match self {
            Place::File(path) if !sealed => {
                let held = private_file::lock(path)?;
                // Another process may have been first.
                if let Some(keys) = self.read()? {
                    return Ok(keys);
                }
                let fresh = generate();
                private_file::replace(&held, path, fresh.reveal())?;
                self.parse(&fresh)
            }
            _ => Err(self.missing()),
        }
    }

    /// Puts `fresh` before the keys that there are, and forgets the oldest beyond eight.
    pub fn add(&self, fresh: &Secret) -> Result<Keys> {
        self.change(|mut keys| {
            keys.insert(0, fresh.reveal().to_owned());
            keys.truncate(MOST);
            keys
        })
    }

    /// Forgets all keys but the newest.
    pub fn forget_older(&self) -> Result<Keys> {
        self.change(|mut keys| {
            keys.truncate(1);
            keys
        })
    }

    fn change(&self, change: impl FnOnce(Vec<String>) -> Vec<String>) -> Result<Keys> {
        let Place::File(path) = self else { return Err(self.fixed()) };
        let held = private_file::lock(path)?;
        let text = private_file::read(path).map_err(|error| self.unreadable(error))?;
        let text = Zeroizing::new(text.ok_or_else(|| self.missing())?);
        let words = change(text.split_whitespace().map(str::to_owned).collect());
        let text = Secret::new(words.join("\n"));
        let keys = self.parse(&text)?;
        private_file::replace(&held, path, text.reveal())?;
        Ok(keys)
    }

    /// Each key is 64 hexadecimal digits; space, commas or line ends are between them.
    fn parse(&self, text: &Secret) -> Result<Keys> {
        let words =
            text.reveal().split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        let keys: Option<Keys> = words.map(|word| hex::decode(word).map(Zeroizing::new)).collect();
        keys.filter(|keys| (1..=MOST).contains(&keys.len())).ok_or_else(|| {
            let what = format!(
                "{self} holds no master keys: 64 hexadecimal digits each were expected, the newest first"
            );
            Error::new(Kind::Local, "malformed_master_key", what).hint("put back what was there")
        })
    }

    /// It is there, and this user may not have it.
    fn unreadable(&self, error: Error) -> Error {
        Error::new(Kind::Local, "master_key_unreadable", error.message())
            .hint("it must belong to the user that the coordinator runs as, and be for that user alone (mode 0600)")
            .source(error)
    }

    fn missing(&self) -> Error {
        let what = format!("{self} is missing, and the database is sealed with it");
        Error::new(Kind::Local, "master_key_missing", what).hint(
            "put it back from the backup, or name the data directory that it is in with --data-dir; if it is lost for \
             good: docs/operations.md, \"A lost master key\"",
        )
    }

    fn fixed(&self) -> Error {
        let what = format!("the master key comes from {self}, where this program cannot put another");
        Error::usage("master_key_elsewhere", what).hint(
            "put a new key first there, the old ones behind it, and restart the coordinator: it seals anew",
        )
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Environment => f.write_str(VARIABLE),
            Place::Credential(path) | Place::File(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(byte: u8) -> Secret {
        Secret::new(hex::encode(&[byte; 32]))
    }

    fn bytes(keys: &Keys) -> Vec<u8> {
        keys.iter().map(|key| key[0]).collect()
    }

    #[test]
    fn a_key_is_made_once_and_never_for_a_database_that_has_one() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::File(directory.path().join("master.key"));
        let error = place.load(true, || fresh(1)).unwrap_err();
        assert_eq!(error.code(), "master_key_missing");
        assert!(place.read().unwrap().is_none());
        assert_eq!(bytes(&place.load(false, || fresh(2)).unwrap()), [2]);
        assert_eq!(bytes(&place.load(true, || fresh(3)).unwrap()), [2]);
    }

    #[test]
    fn a_new_key_stands_before_the_old_ones_until_they_are_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::File(directory.path().join("master.key"));
        place.load(false, || fresh(1)).unwrap();
        for byte in 2..=12 {
            assert_eq!(place.add(&fresh(byte)).unwrap()[0][0], byte);
        }
        assert_eq!(bytes(&place.read().unwrap().unwrap()), [12, 11, 10, 9, 8, 7, 6, 5]);
        assert_eq!(bytes(&place.forget_older().unwrap()), [12]);
    }

    #[test]
    fn the_environment_wins_over_a_credential_and_that_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let data = Path::new("/data");
        let nothing = |_: &str| None;
        assert_eq!(Place::among(data, nothing), Place::File("/data/master.key".into()));
        let credentials = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| directory.path().into());
        assert_eq!(
            Place::among(data, credentials),
            Place::File("/data/master.key".into()),
            "none of that name"
        );
        std::fs::write(directory.path().join(CREDENTIAL), fresh(7).reveal()).unwrap();
        let place = Place::among(data, credentials);
        assert_eq!(bytes(&place.read().unwrap().unwrap()), [7]);
        assert_eq!(place.add(&fresh(8)).unwrap_err().code(), "master_key_elsewhere");
        assert_eq!(Place::among(data, |_: &str| Some("x".into())), Place::Environment);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_quoted() {
        let place = Place::Environment;
        let two = Secret::new(format!("{}, {}\n", fresh(1).reveal(), fresh(2).reveal()));
        assert_eq!(bytes(&place.parse(&two).unwrap()), [1, 2]);
        for bad in ["", "hush", "hush-hush-hush-hush-hush-hush-hush-hush-hush-hush-hush-hush-hush"] {
            let error = place.parse(&Secret::new(bad)).unwrap_err();
            assert!(error.code() == "malformed_master_key" && !format!("{error:?}").contains("hush"));
        }
    }
}
