//! A small file that only its owner may read, replaced whole or not at all. Called by `profile` and `worker`.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::new_file::{self, directory};
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};

/// How long another `wonder` may hold the lock.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The lock on a file, held until it is dropped: for reading, changing and replacing it in one.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lasts as long as its file is open")] File);

/// Takes the lock beside `path`, whose directory is made where it is missing.
pub fn lock(path: &Path) -> Result<Lock> {
    let beside = path.with_extension("lock");
    make_directory(path)?;
    let file = new_file::open(&beside).map_err(|error| failed(&beside, "opened", error))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::Error(error)) => return Err(failed(&beside, "locked", error)),
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => return Err(locked(path)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
        }
    }
}

/// The text of the file; none where there is no file.
pub fn read(path: &Path) -> Result<Option<String>> {
    use std::io::Read as _;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "read", error)),
    };
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).map_err(|error| failed(path, "read", error))?;
    Ok(Some(text))
}

/// Replaces the file, mode 0600; it stays whose it was. It survives a power cut: the new text is on disk before it takes the name.
pub fn replace(_held: &Lock, path: &Path, text: &str) -> Result<()> {
    let temporary = path.with_extension("new");
    let like = if path.exists() { path } else { directory(path) };
    write(&temporary, like, text).map_err(|error| failed(&temporary, "written", error))?;
    fs::rename(&temporary, path).map_err(|error| failed(path, "replaced", error))?;
    sync_directory(path).map_err(|error| failed(path, "replaced", error))
}

/// Removes the file; it is fine where there is none.
pub fn remove(_held: &Lock, path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, "removed", error)),
        _ => Ok(()),
    }
}

/// Writes a secret in clear text: for a field of such a file.
pub fn reveal<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
}

fn write(path: &Path, like: &Path, text: &str) -> io::Result<()> {
    // What a crash left there may be anybody's to read.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = new_file::make(path, like)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

fn make_directory(path: &Path) -> Result<()> {
    let directory = directory(path);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| failed(directory, "created", error))
}

fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    let hint = match error.kind() {
        ErrorKind::PermissionDenied => {
            "look who owns it, or set WONDER_CONFIG_DIR to a directory of your own"
        }
        ErrorKind::InvalidData => "it is not text: move it away, and log in again",
        _ => "look at the disk, or set WONDER_CONFIG_DIR to another directory",
    };
    let message = format!("{} could not be {what}: {error}", path.display());
    Error::new(Kind::Local, "config_file", message).hint(hint).source(error)
}

fn locked(path: &Path) -> Error {
    let message = format!("another `wonder` is changing {}", path.display());
    Error::new(Kind::Local, "config_locked", message).hint("try again when it has ended")
}
