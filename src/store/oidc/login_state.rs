//! Browsers that are away at a provider.

use crate::core::id::UserId;
use crate::core::secret::SecretHash;
use crate::core::{Result, Timestamp};
use crate::store::engine::params;
use crate::store::{Read, Tx};

/// A row of `login_states`.
#[derive(Clone, Debug)]
pub struct LoginState {
    pub state_hash: SecretHash,
    /// Of the secret in the browser's cookie.
    pub browser_hash: SecretHash,
    /// The provider's name.
    pub provider: String,
    /// Where the browser was going.
    pub next_path: Option<String>,
    /// Who wants this identity for their account.
    pub link_to: Option<UserId>,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

pub fn insert(tx: &mut Tx<'_>, state: &LoginState) -> Result<()> {
    let sql = "INSERT INTO login_states (state_hash, browser_hash, provider, next_path, link_to, expires_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let s = state.clone();
    tx.execute(sql, params![s.state_hash, s.browser_hash, s.provider, s.next_path, s.link_to, s.expires_at])
        .map(drop)
}

pub fn find(read: &mut Read<'_>, state_hash: SecretHash) -> Result<Option<LoginState>> {
    let sql = "SELECT state_hash, browser_hash, provider, next_path, link_to, expires_at, used_at \
        FROM login_states WHERE state_hash = ?1";
    let Some(mut row) = read.first(sql, params![state_hash])? else { return Ok(None) };
    Ok(Some(LoginState {
        state_hash: row.take(0)?,
        browser_hash: row.take(1)?,
        provider: row.take(2)?,
        next_path: row.take(3)?,
        link_to: row.take(4)?,
        expires_at: row.take(5)?,
        used_at: row.take(6)?,
    }))
}

/// Uses a state up, which can be done once; tells whether this was the time.
pub fn take(tx: &mut Tx<'_>, state_hash: SecretHash, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE login_states SET used_at = ?2 WHERE state_hash = ?1 AND used_at IS NULL";
    Ok(tx.execute(sql, params![state_hash, at])? == 1)
}

/// Forgets what was over before `before`.
pub fn delete_over(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM login_states WHERE expires_at < ?1", params![before])
}
