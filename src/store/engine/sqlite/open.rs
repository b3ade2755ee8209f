//! Opens a SQLite file: refuses what cannot be used before anything is touched, then migrates.

use std::fs::{DirBuilder, File};
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{MAIN_DB, OpenFlags};

use super::connection::Connection;
use super::error::{OnOpen as _, corrupt, read_only, unusable_path};
use crate::config::new_file;
use crate::core::{Error, Kind, Result};
use crate::store::engine::Purpose;
use crate::store::engine::lock::Lock;
use crate::store::engine::turn::{self, Turn};
use crate::store::migrate;

/// How long a statement waits for another process to finish its write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(8);

/// The connection that writes, and the lock when it is a coordinator's.
pub(super) fn open(path: &Path, purpose: Purpose) -> Result<(Connection, Option<Lock>)> {
    inspect(path)?;
    create(path)?;
    let mut raw = connect(path)?;
    let is_behind = |raw: &mut _| migrate::sqlite_is_behind(raw, path);
    let Turn { lock, is_behind } = turn::wait(&mut raw, purpose, is_behind, |_| Lock::take(path))?;
    if is_behind {
        use_write_ahead_log(&raw, path)?;
        migrate::sqlite(&mut raw, path)?;
    }
    let kept = lock.filter(|_| purpose == Purpose::Serve);
    Ok((Connection::new(raw, path.to_owned()), kept))
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    let raw = connect(path)?;
    raw.pragma_update(None, "query_only", true).on_open(path)?;
    Ok(Connection::new(raw, path.to_owned()))
}

/// Looks at an existing file before SQLite may touch it.
fn inspect(path: &Path) -> Result<()> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
    if !metadata.is_file() {
        let message = format!("{} is not a file", path.display());
        return Err(Error::new(Kind::Local, "database_unusable", message)
            .hint("name another with --database, or move this away"));
    }
    let mut head = Vec::new();
    let file = File::open(path).map_err(|e| unusable_path(path, e))?;
    file.take(16).read_to_end(&mut head).map_err(|e| unusable_path(path, e))?;
    match head.is_empty() || head == b"SQLite format 3\0" {
        true => Ok(()),
        false => Err(corrupt(path)),
    }
}

/// Makes the file, and the directories above it, for one user alone. SQLite itself gives its log and its shared memory to
/// whom the file belongs to.
fn create(path: &Path) -> Result<()> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(parent);
        made.map_err(|e| unusable_path(parent, e))?;
    }
    new_file::open(path).map(drop).map_err(|e| unusable_path(path, e))
}

/// `synchronous=FULL`: a commit that was answered survives a power cut.
fn connect(path: &Path) -> Result<rusqlite::Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let raw = rusqlite::Connection::open_with_flags(path, flags).on_open(path)?;
    if raw.is_readonly(MAIN_DB).on_open(path)? {
        return Err(read_only(path));
    }
    raw.busy_timeout(BUSY_TIMEOUT).on_open(path)?;
    raw.pragma_update(None, "foreign_keys", true).on_open(path)?;
    raw.pragma_update(None, "synchronous", "FULL").on_open(path)?;
    Ok(raw)
}

/// Readers and the writer do not wait for each other. The file remembers it.
fn use_write_ahead_log(raw: &rusqlite::Connection, path: &Path) -> Result<()> {
    let mode: String =
        raw.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).on_open(path)?;
    if mode == "wal" {
        return Ok(());
    }
    let message = format!("the file system of {} has no write-ahead log for SQLite", path.display());
    Err(Error::new(Kind::Local, "database_unusable", message).hint("use a local disk, or PostgreSQL"))
}
