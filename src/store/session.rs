//! Log-ins of the command line and of browsers.

use std::net::IpAddr;

use super::engine::params;
use super::{Read, Row, Tx};
use crate::core::id::{SessionId, UserId, UserNumber};
use crate::core::secret::SecretHash;
use crate::core::session::SessionKind;
use crate::core::user::Email;
use crate::core::{Result, Timestamp};

/// A row of `sessions`, without its token's hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub kind: SessionKind,
    /// Where the log-in came from, as its owner will know it again.
    pub label: String,
    /// The address that it was begun from.
    pub address: Option<IpAddr>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Timestamp,
}

/// A session that is good, and what is asked of its user at every call.
#[derive(Clone, Debug)]
pub struct Live {
    pub session: Session,
    pub number: UserNumber,
    pub email: Email,
    pub admin: bool,
    /// When they last showed who they are.
    pub proven_at: Timestamp,
}

const COLUMNS: &str =
    "s.id, s.user_id, s.kind, s.label, s.address, s.created_at, s.expires_at, s.last_used_at";

fn from_row(row: &mut Row) -> Result<Session> {
    Ok(Session {
        id: row.take(0)?,
        user: row.take(1)?,
        kind: row.take(2)?,
        label: row.take(3)?,
        address: row.take(4)?,
        created_at: row.take(5)?,
        expires_at: row.take(6)?,
        last_used_at: row.take(7)?,
    })
}

pub fn insert(tx: &mut Tx<'_>, session: &Session, token_hash: SecretHash) -> Result<()> {
    let sql = "INSERT INTO sessions \
        (id, user_id, kind, label, address, token_hash, created_at, expires_at, last_used_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let s = session.clone();
    tx.execute(
        sql,
        params![
            s.id,
            s.user,
            s.kind,
            s.label,
            s.address,
            token_hash,
            s.created_at,
            s.expires_at,
            s.last_used_at
        ],
    )
    .map(drop)
}

/// The session of a token, when it is neither revoked nor over and its user is not disabled.
pub fn live(read: &mut Read<'_>, token_hash: SecretHash, now: Timestamp) -> Result<Option<Live>> {
    let sql = format!(
        "SELECT {COLUMNS}, u.number, u.email, u.admin, COALESCE(s.proven_at, s.created_at) \
        FROM sessions s JOIN users u ON u.id = s.user_id \
        WHERE s.token_hash = ?1 AND s.revoked_at IS NULL AND s.expires_at > ?2 AND u.disabled_at IS NULL"
    );
    let Some(mut row) = read.first(&sql, params![token_hash, now])? else { return Ok(None) };
    let session = from_row(&mut row)?;
    let (number, email, admin) = (UserNumber(row.take(8)?), row.take(9)?, row.take(10)?);
    Ok(Some(Live { session, number, email, admin, proven_at: row.take(11)? }))
}

/// A user's sessions that are good now, the last used first, at most `limit`.
pub fn of_user(read: &mut Read<'_>, user: UserId, now: Timestamp, limit: i64) -> Result<Vec<Session>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions s \
        WHERE s.user_id = ?1 AND s.revoked_at IS NULL AND s.expires_at > ?2 \
        ORDER BY s.last_used_at DESC, s.id DESC LIMIT ?3"
    );
    read.query(&sql, params![user, now, limit])?.iter_mut().map(from_row).collect()
}

/// Notes a use, which puts off the end.
pub fn renew(tx: &mut Tx<'_>, id: SessionId, now: Timestamp, expires_at: Timestamp) -> Result<()> {
    let sql = "UPDATE sessions SET last_used_at = ?2, expires_at = ?3 WHERE id = ?1 AND revoked_at IS NULL";
    tx.execute(sql, params![id, now, expires_at]).map(drop)
}

/// Notes that its owner has shown who they are.
pub fn note_proof(tx: &mut Tx<'_>, id: SessionId, at: Timestamp) -> Result<()> {
    tx.execute("UPDATE sessions SET proven_at = ?2 WHERE id = ?1", params![id, at]).map(drop)
}

/// Tells whether this changed anything.
pub fn revoke(tx: &mut Tx<'_>, id: SessionId, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE sessions SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, params![id, at])? == 1)
}

/// Ends every log-in of a user; tells how many there were.
pub fn revoke_all_of(tx: &mut Tx<'_>, user: UserId, at: Timestamp) -> Result<u64> {
    let sql = "UPDATE sessions SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL";
    tx.execute(sql, params![user, at])
}

/// How many log-ins of a kind are in a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Sessions {
    pub kind: String,
    /// `live`, `expired` or `revoked`.
    pub state: String,
    pub count: i64,
}

/// All log-ins that are kept, by kind and state.
pub fn count(read: &mut Read<'_>, now: Timestamp) -> Result<Vec<Sessions>> {
    let sql = "SELECT kind, state, COUNT(*) FROM (SELECT kind, CASE WHEN revoked_at IS NOT NULL THEN 'revoked' \
        WHEN expires_at > ?1 THEN 'live' ELSE 'expired' END AS state FROM sessions) s \
        GROUP BY kind, state ORDER BY kind, state";
    let sessions =
        |mut row: Row| Ok(Sessions { kind: row.take(0)?, state: row.take(1)?, count: row.take(2)? });
    read.query(sql, params![now])?.into_iter().map(sessions).collect()
}

/// Ends every log-in of a user but this one; tells how many there were.
pub fn revoke_others(tx: &mut Tx<'_>, user: UserId, kept: SessionId, at: Timestamp) -> Result<u64> {
    let sql = "UPDATE sessions SET revoked_at = ?3 \
        WHERE user_id = ?1 AND id <> ?2 AND revoked_at IS NULL AND expires_at > ?3";
    tx.execute(sql, params![user, kept, at])
}

/// Forgets what ended before `before`.
pub fn delete_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM sessions WHERE expires_at < ?1 OR revoked_at < ?1", params![before])
}
