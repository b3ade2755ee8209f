//! Recovery codes, each good for one time.

use crate::core::id::UserId;
use crate::core::secret::SecretHash;
use crate::core::{Result, Timestamp};
use crate::store::engine::params;
use crate::store::{Read, Tx};

/// Keeps these in place of all that the account had.
pub fn replace(tx: &mut Tx<'_>, user: UserId, hashes: &[SecretHash]) -> Result<()> {
    delete_of(tx, user)?;
    for hash in hashes {
        tx.execute("INSERT INTO recovery_codes (user_id, code_hash) VALUES (?1, ?2)", params![user, *hash])?;
    }
    Ok(())
}

/// How many are left.
pub fn left(read: &mut Read<'_>, user: UserId) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = ?1 AND used_at IS NULL";
    read.first(sql, params![user])?.map_or(Ok(0), |mut row| row.take(0))
}

/// Uses one up; tells whether it counted.
pub fn spend(tx: &mut Tx<'_>, user: UserId, hash: SecretHash, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE recovery_codes SET used_at = ?3 \
        WHERE user_id = ?1 AND code_hash = ?2 AND used_at IS NULL";
    Ok(tx.execute(sql, params![user, hash, at])? == 1)
}

pub fn delete_of(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM recovery_codes WHERE user_id = ?1", params![user]).map(drop)
}
