//! The file that holds the coordinator's master key: `master.key` in the data directory, made at the first
//! start, readable by its owner alone.

use std::path::{Path, PathBuf};

use super::private_file;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, hex};

/// Reads the key in `data_dir`, or keeps the one that `generate` gives: 64 hexadecimal digits. None is made for
/// a database that is `sealed` already, which it could not open.
pub fn load(data_dir: &Path, sealed: bool, generate: impl FnOnce() -> Secret) -> Result<[u8; 32]> {
    let path = path_in(data_dir);
    let held = private_file::lock(&path)?;
    let text = match private_file::read(&path)? {
        Some(text) => Secret::new(text),
        None if sealed => return Err(missing(&path)),
        None => {
            let fresh = generate();
            private_file::replace(&held, &path, fresh.reveal())?;
            fresh
        }
    };
    parse(&path, &text)
}

/// The key in `data_dir`, where there is one.
pub fn find(data_dir: &Path) -> Result<Option<[u8; 32]>> {
    let path = path_in(data_dir);
    private_file::read(&path)?.map(|text| parse(&path, &Secret::new(text))).transpose()
}

fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("master.key")
}

fn parse(path: &Path, text: &Secret) -> Result<[u8; 32]> {
    hex::decode(text.reveal().trim()).ok_or_else(|| {
        let what = format!("{} is not a master key: 64 hexadecimal digits were expected", path.display());
        Error::new(Kind::Local, "malformed_master_key", what).hint("put back the file as it was")
    })
}

fn missing(path: &Path) -> Error {
    let what = format!("{} is missing, and the database is sealed with it", path.display());
    Error::new(Kind::Local, "master_key_missing", what)
        .hint("put it back from the backup, or name the data directory that it is in with --data-dir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_never_for_a_database_that_has_one() {
        let directory = tempfile::tempdir().unwrap();
        let fresh = |byte: u8| move || Secret::new(hex::encode(&[byte; 32]));
        let error = load(directory.path(), true, fresh(1)).unwrap_err();
        assert_eq!(error.code(), "master_key_missing");
        assert!(!directory.path().join("master.key").exists());
        assert_eq!(load(directory.path(), false, fresh(2)).unwrap(), [2; 32]);
        assert_eq!(load(directory.path(), true, fresh(3)).unwrap(), [2; 32]);
    }
}
