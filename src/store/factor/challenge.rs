//! What browsers were asked to sign with a passkey.

use crate::core::id::UserId;
use crate::core::secret::SecretHash;
use crate::core::{Result, Timestamp};
use crate::store::engine::params;
use crate::store::{Read, Tx};

/// How many are forgotten at once where there are too many.
const MOST_AT_ONCE: i64 = 1000;

/// A row of `passkey_challenges`.
#[derive(Clone, Debug)]
pub struct Challenge {
    pub challenge: Vec<u8>,
    /// Of what the browser's forms are bound to.
    pub browser_hash: SecretHash,
    /// Who makes a passkey; none where one is to be shown.
    pub user: Option<UserId>,
    pub state: Vec<u8>,
    pub expires_at: Timestamp,
}

/// Keeps one, and of all others about the `most` newest.
pub fn insert(tx: &mut Tx<'_>, challenge: &Challenge, most: i64) -> Result<()> {
    let sql = "DELETE FROM passkey_challenges WHERE challenge IN \
        (SELECT challenge FROM passkey_challenges ORDER BY expires_at DESC LIMIT ?1 OFFSET ?2)";
    tx.execute(sql, params![MOST_AT_ONCE, most])?;
    let sql = "INSERT INTO passkey_challenges (challenge, browser_hash, user_id, state, expires_at) \
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let c = challenge.clone();
    tx.execute(sql, params![c.challenge, c.browser_hash, c.user, c.state, c.expires_at]).map(drop)
}

/// One that this browser was asked and that is not over.
pub fn find(
    read: &mut Read<'_>,
    challenge: Vec<u8>,
    browser_hash: SecretHash,
    now: Timestamp,
) -> Result<Option<Challenge>> {
    let sql = "SELECT challenge, browser_hash, user_id, state, expires_at FROM passkey_challenges \
        WHERE challenge = ?1 AND browser_hash = ?2 AND expires_at > ?3";
    let Some(mut row) = read.first(sql, params![challenge, browser_hash, now])? else { return Ok(None) };
    Ok(Some(Challenge {
        challenge: row.take(0)?,
        browser_hash: row.take(1)?,
        user: row.take(2)?,
        state: row.take(3)?,
        expires_at: row.take(4)?,
    }))
}

/// Uses one up, which can be done once; tells whether this was the time.
pub fn take(tx: &mut Tx<'_>, challenge: Vec<u8>) -> Result<bool> {
    Ok(tx.execute("DELETE FROM passkey_challenges WHERE challenge = ?1", params![challenge])? == 1)
}

/// Forgets those that are over.
pub fn delete_over(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM passkey_challenges WHERE expires_at <= ?1", params![now])
}
