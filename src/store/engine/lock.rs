//! The lock file beside a SQLite database: held by the one coordinator that runs on it, and for a moment by
//! whoever migrates it. The system drops it with the process, however that ends.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::config::new_file;
use crate::core::{Error, Kind, Result};

/// Holds the database until it is dropped.
pub(super) struct Lock(#[expect(dead_code, reason = "it is held, not read")] File);

impl Lock {
    /// Takes the lock of `database`, unless somebody holds it: then an error for whoever will not wait.
    pub fn take(database: &Path) -> Result<Result<Lock, Error>> {
        let path = lock_path(database);
        let mut file = new_file::open(&path).map_err(|e| super::sqlite::unusable_path(&path, e))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(Err(in_use(database, &mut file)));
        }
        // The holder's number is a courtesy to whoever is refused.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Ok(Lock(file)))
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn in_use(database: &Path, file: &mut File) -> Error {
    let mut holder = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut holder));
    let holder = match holder.trim() {
        "" => String::new(),
        pid => format!(" (process {pid})"),
    };
    let message = format!("another coordinator{holder} uses the database {}", database.display());
    Error::new(Kind::Local, "database_in_use", message)
        .hint("stop it first, or give this one a --data-dir of its own")
}
