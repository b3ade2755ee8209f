//! The one-time code that makes the first account over HTTP: at most one row.

use super::engine::params;
use super::{Read, Tx};
use crate::core::secret::SecretHash;
use crate::core::{Result, Timestamp};

/// Keeps `hash` in place of any earlier code.
pub fn replace(tx: &mut Tx<'_>, hash: SecretHash, at: Timestamp) -> Result<()> {
    let sql = "INSERT INTO setup_codes (id, code_hash, created_at) VALUES (1, ?1, ?2) \
        ON CONFLICT (id) DO UPDATE SET code_hash = excluded.code_hash, created_at = excluded.created_at";
    tx.execute(sql, params![hash, at]).map(drop)
}

/// Whether this is the code.
pub fn is_current(read: &mut Read<'_>, hash: SecretHash) -> Result<bool> {
    Ok(read.first("SELECT 1 FROM setup_codes WHERE code_hash = ?1", params![hash])?.is_some())
}

/// Takes the code, which can be done once; tells whether it was this one.
pub fn take(tx: &mut Tx<'_>, hash: SecretHash) -> Result<bool> {
    Ok(tx.execute("DELETE FROM setup_codes WHERE code_hash = ?1", params![hash])? == 1)
}

/// Forgets the code, whichever it is.
pub fn clear(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute("DELETE FROM setup_codes", &[]).map(drop)
}
