//! Log-ins whose password was right, and whose second factor is still to come.

use crate::core::id::UserId;
use crate::core::secret::SecretHash;
use crate::core::{Result, Timestamp};
use crate::store::engine::params;
use crate::store::{Read, Tx};

/// A row of `half_log_ins`.
#[derive(Clone, Debug)]
pub struct HalfLogIn {
    /// Of the secret in the browser's cookie.
    pub token_hash: SecretHash,
    pub user: UserId,
    /// Where it came from, as its owner will know it again.
    pub label: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Keeps one, and of the account's others the newest, so many.
pub fn insert(tx: &mut Tx<'_>, half: &HalfLogIn, others: i64) -> Result<()> {
    let sql = "DELETE FROM half_log_ins WHERE user_id = ?1 AND token_hash NOT IN \
        (SELECT token_hash FROM half_log_ins WHERE user_id = ?1 ORDER BY created_at DESC, token_hash LIMIT ?2)";
    tx.execute(sql, params![half.user, others])?;
    let sql = "INSERT INTO half_log_ins (token_hash, user_id, label, created_at, expires_at) \
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let HalfLogIn { token_hash, user, label, created_at, expires_at } = half.clone();
    tx.execute(sql, params![token_hash, user, label, created_at, expires_at]).map(drop)
}

/// One that is not over.
pub fn find(read: &mut Read<'_>, token_hash: SecretHash, now: Timestamp) -> Result<Option<HalfLogIn>> {
    let sql = "SELECT token_hash, user_id, label, created_at, expires_at FROM half_log_ins \
        WHERE token_hash = ?1 AND expires_at > ?2";
    let Some(mut row) = read.first(sql, params![token_hash, now])? else { return Ok(None) };
    Ok(Some(HalfLogIn {
        token_hash: row.take(0)?,
        user: row.take(1)?,
        label: row.take(2)?,
        created_at: row.take(3)?,
        expires_at: row.take(4)?,
    }))
}

/// Uses one up, which can be done once; tells whether this was the time.
pub fn take(tx: &mut Tx<'_>, token_hash: SecretHash) -> Result<bool> {
    Ok(tx.execute("DELETE FROM half_log_ins WHERE token_hash = ?1", params![token_hash])? == 1)
}

/// Ends all of an account.
pub fn delete_of(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM half_log_ins WHERE user_id = ?1", params![user]).map(drop)
}

/// Forgets those that are over.
pub fn delete_over(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM half_log_ins WHERE expires_at <= ?1", params![now])
}
