//! What SQLite's failures mean to whoever runs the coordinator.

use std::io;
use std::path::Path;

use rusqlite::ffi::{self, ErrorCode};

use super::super::{conflict, unavailable};
use crate::core::{Error, Kind, Result};

/// A failure of a statement of a running coordinator or command.
pub(super) fn at_run_time(path: &Path, failure: rusqlite::Error) -> Error {
    let error = match &failure {
        rusqlite::Error::SqliteFailure(raw, _) => match raw.code {
            ErrorCode::ConstraintViolation => broken_constraint(raw.extended_code),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                unavailable("another process keeps the database busy")
            }
            // The caller can try again once there is room: 503, not a defect.
            ErrorCode::DiskFull => disk_full(Kind::Unavailable, path),
            _ => describe(path, raw).unwrap_or_else(|| Error::bug("a database statement failed")),
        },
        _ => Error::bug("a database statement failed"),
    };
    error.source(failure)
}

/// A failure while the database is opened or migrated: always this machine's.
pub(in crate::store) fn on_open(path: &Path, failure: rusqlite::Error) -> Error {
    let error = match &failure {
        rusqlite::Error::SqliteFailure(raw, _) => describe(path, raw),
        _ => None,
    };
    let unknown = || local("database_unusable", format!("the database {} cannot be used", path.display()));
    error.unwrap_or_else(unknown).source(failure)
}

/// The failures that are about the file and its disk.
fn describe(path: &Path, raw: &ffi::Error) -> Option<Error> {
    let file = path.display();
    Some(match raw.code {
        ErrorCode::DiskFull => disk_full(Kind::Local, path),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => corrupt(path),
        ErrorCode::ReadOnly => read_only(path),
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            local("database_unwritable", format!("the database {file} cannot be opened"))
                .hint("check that this user may write the file and its directory")
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            local("database_busy", format!("another process keeps the database {file} busy"))
                .hint("wait for it to finish, then try again")
        }
        ErrorCode::SystemIoFailure => {
            local("database_io", format!("reading or writing the database {file} failed"))
                .hint("check the disk that it is on (`dmesg`, `df`)")
        }
        _ => return None,
    })
}

pub(super) fn corrupt(path: &Path) -> Error {
    let message = format!("{} is not a database, or a damaged one", path.display());
    local("database_corrupt", message).hint("put a backup in its place, or name another file with --database")
}

pub(super) fn read_only(path: &Path) -> Error {
    let message = format!("the database {} is read-only", path.display());
    local("database_read_only", message).hint("make the file and its directory writable for this user")
}

/// A file or directory of the database that the system refuses.
pub(in super::super) fn unusable_path(path: &Path, failure: io::Error) -> Error {
    let error = match failure.kind() {
        io::ErrorKind::StorageFull => disk_full(Kind::Local, path),
        io::ErrorKind::ReadOnlyFilesystem => read_only(path),
        kind => local("database_unwritable", format!("cannot write {}: {kind}", path.display()))
            .hint("check that this user may write there, or name another file with --database"),
    };
    error.source(failure)
}

fn disk_full(kind: Kind, path: &Path) -> Error {
    let message = format!("no space is left for the database {}", path.display());
    Error::new(kind, "disk_full", message).hint("free some space on that disk; nothing else is needed")
}

fn local(code: &str, message: String) -> Error {
    Error::new(Kind::Local, code, message)
}

/// <https://sqlite.org/rescode.html>, the extended codes of `SQLITE_CONSTRAINT`.
fn broken_constraint(extended: i32) -> Error {
    match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => conflict("unique_violation"),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => conflict("foreign_key_violation"),
        ffi::SQLITE_CONSTRAINT_CHECK => conflict("check_violation"),
        _ => Error::bug("a database constraint was broken"),
    }
}

/// Shorthand for opening code.
pub(super) trait OnOpen<T> {
    fn on_open(self, path: &Path) -> Result<T>;
}

impl<T> OnOpen<T> for rusqlite::Result<T> {
    fn on_open(self, path: &Path) -> Result<T> {
        self.map_err(|e| on_open(path, e))
    }
}
