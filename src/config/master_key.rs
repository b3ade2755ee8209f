//! The file that holds the coordinator's master key: `master.key` in the data directory, made at the first
//! start, readable by its owner alone.

use std::path::Path;

use super::private_file;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, hex};

/// Reads the key in `data_dir`, or keeps the one that `generate` gives: 64 hexadecimal digits.
pub fn load(data_dir: &Path, generate: impl FnOnce() -> Secret) -> Result<[u8; 32]> {
    let path = data_dir.join("master.key");
    let held = private_file::lock(&path)?;
    let text = match private_file::read(&path)? {
        Some(text) => Secret::new(text),
        None => {
            let fresh = generate();
            private_file::replace(&held, &path, fresh.reveal())?;
            fresh
        }
    };
    hex::decode(text.reveal().trim()).ok_or_else(|| {
        let what = format!("{} is not a master key: 64 hexadecimal digits were expected", path.display());
        Error::new(Kind::Local, "malformed_master_key", what).hint("put back the file as it was")
    })
}
