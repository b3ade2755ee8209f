//! Which session at a provider a log-in here came from.

use crate::core::id::{SessionId, UserId};
use crate::core::{Result, Timestamp};
use crate::store::engine::params;
use crate::store::{Read, Tx};

/// A row of `session_origins`.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    pub session: SessionId,
    /// The provider's name.
    pub provider: String,
    pub issuer: String,
    pub subject: String,
    /// The provider's id of its session, where it tells it.
    pub sid: Option<String>,
    pub id_token: String,
}

pub fn insert(tx: &mut Tx<'_>, origin: &Origin) -> Result<()> {
    let sql = "INSERT INTO session_origins (session_id, provider, issuer, subject, sid, id_token) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let o = origin.clone();
    tx.execute(sql, params![o.session, o.provider, o.issuer, o.subject, o.sid, o.id_token]).map(drop)
}

pub fn find(read: &mut Read<'_>, session: SessionId) -> Result<Option<Origin>> {
    let sql = "SELECT session_id, provider, issuer, subject, sid, id_token FROM session_origins \
        WHERE session_id = ?1";
    let Some(mut row) = read.first(sql, params![session])? else { return Ok(None) };
    Ok(Some(Origin {
        session: row.take(0)?,
        provider: row.take(1)?,
        issuer: row.take(2)?,
        subject: row.take(3)?,
        sid: row.take(4)?,
        id_token: row.take(5)?,
    }))
}

/// Ends the log-ins that came from a session at the provider, or from all of a person's there; gives those
/// that were good until now, with their users.
pub fn revoke(
    tx: &mut Tx<'_>,
    issuer: &str,
    subject: Option<&str>,
    sid: Option<&str>,
    now: Timestamp,
) -> Result<Vec<(SessionId, UserId)>> {
    let sql = "UPDATE sessions SET revoked_at = ?4 \
        WHERE revoked_at IS NULL AND expires_at > ?4 AND id IN (SELECT session_id FROM session_origins \
            WHERE issuer = ?1 AND (CAST(?2 AS TEXT) IS NULL OR subject = ?2) AND (CAST(?3 AS TEXT) IS NULL OR sid = ?3)) \
        RETURNING id, user_id";
    let (subject, sid) = (subject.map(str::to_owned), sid.map(str::to_owned));
    let mut rows = tx.query(sql, params![issuer, subject, sid, now])?;
    rows.iter_mut().map(|row| Ok((row.take(0)?, row.take(1)?))).collect()
}
