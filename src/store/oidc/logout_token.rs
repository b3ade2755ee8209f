//! Logout tokens that were used.

use crate::core::{Result, Timestamp};
use crate::store::Tx;
use crate::store::engine::params;

/// Tells whether it was unknown until now.
pub fn insert(tx: &mut Tx<'_>, issuer: &str, token_id: &str, expires_at: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO logout_tokens (issuer, token_id, expires_at) VALUES (?1, ?2, ?3) \
        ON CONFLICT (issuer, token_id) DO NOTHING";
    Ok(tx.execute(sql, params![issuer, token_id, expires_at])? == 1)
}

/// Forgets those that are over.
pub fn delete_over(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM logout_tokens WHERE expires_at < ?1", params![now])
}
