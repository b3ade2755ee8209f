//! Authorization codes: good for a minute and one exchange. A used one is kept for a while, so that its replay
//! is noticed.

use crate::core::id::{AppId, FamilyId};
use crate::core::secret::SecretHash;
use crate::core::{Result, Timestamp};
use crate::params;
use crate::store::{Read, Row, Tx};

/// An authorization code, as it is kept.
#[derive(Clone, Debug)]
pub struct CodeRow {
    pub hash: SecretHash,
    pub family: FamilyId,
    /// Whom it was issued to.
    pub app: AppId,
    pub redirect_uri: String,
    /// PKCE, S256.
    pub challenge: Option<String>,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// What a code is made of.
#[derive(Clone, Debug)]
pub struct NewCode {
    pub hash: SecretHash,
    pub family: FamilyId,
    pub redirect_uri: String,
    pub challenge: Option<String>,
    pub expires_at: Timestamp,
}

fn from_row(mut row: Row) -> Result<CodeRow> {
    Ok(CodeRow {
        hash: row.take(0)?,
        family: row.take(1)?,
        app: row.take(2)?,
        redirect_uri: row.take(3)?,
        challenge: row.take(4)?,
        expires_at: row.take(5)?,
        used_at: row.take(6)?,
    })
}

pub fn insert(tx: &mut Tx<'_>, new: NewCode) -> Result<()> {
    let sql = "INSERT INTO authorization_codes (code_hash, family_id, redirect_uri, challenge, expires_at) \
        VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.execute(sql, params![new.hash, new.family, new.redirect_uri, new.challenge, new.expires_at]).map(drop)
}

pub fn find(read: &mut Read<'_>, hash: SecretHash) -> Result<Option<CodeRow>> {
    let sql = "SELECT c.code_hash, c.family_id, g.app_id, c.redirect_uri, c.challenge, c.expires_at, c.used_at \
        FROM authorization_codes c JOIN token_families f ON f.id = c.family_id \
        JOIN grants g ON g.id = f.grant_id WHERE c.code_hash = ?1";
    read.first(sql, params![hash])?.map(from_row).transpose()
}

/// Uses it up; tells whether nobody had before.
pub fn take(tx: &mut Tx<'_>, hash: SecretHash, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE authorization_codes SET used_at = ?2 WHERE code_hash = ?1 AND used_at IS NULL";
    Ok(tx.execute(sql, params![hash, now])? == 1)
}

/// Forgets those that were over before `before`.
pub fn delete_expired(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM authorization_codes WHERE expires_at < ?1", params![before])
}
