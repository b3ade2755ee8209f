//! API keys. Of the secrets only hashes are here; during a rotation two of them are good.

use std::time::Duration;

use super::{Read, Row, Tx};
use crate::core::id::{ApiKeyId, OrgId, UserId};
use crate::core::role::Scope;
use crate::core::secret::SecretHash;
use crate::core::{Error, Result, Timestamp};
use crate::params;

/// An API key, as it is kept.
#[derive(Clone, Debug)]
pub struct ApiKeyRow {
    pub id: ApiKeyId,
    pub org_id: OrgId,
    pub name: String,
    /// How its secret begins.
    pub prefix: String,
    pub scopes: Vec<Scope>,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// How long each secret is good for: a rotation begins it anew.
    pub ttl: Duration,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, org_id, name, prefix, scopes, created_by, created_at, expires_at, ttl, last_used_at, revoked_at";

impl ApiKeyRow {
    fn read(mut row: Row) -> Result<Self> {
        let scopes: String = row.take(4)?;
        let ttl: i64 = row.take(8)?;
        Ok(ApiKeyRow {
            id: row.take(0)?,
            org_id: row.take(1)?,
            name: row.take(2)?,
            prefix: row.take(3)?,
            scopes: serde_json::from_str(&scopes)
                .map_err(|e| Error::bug("a list of scopes in the database cannot be read").source(e))?,
            created_by: row.take(5)?,
            created_at: row.take(6)?,
            expires_at: row.take(7)?,
            ttl: Duration::from_millis(u64::try_from(ttl).unwrap_or(0)),
            last_used_at: row.take(9)?,
            revoked_at: row.take(10)?,
        })
    }
}

fn scopes_as_json(scopes: &[Scope]) -> Result<String> {
    serde_json::to_string(scopes).map_err(|e| Error::bug("scopes cannot be written").source(e))
}

pub fn insert(tx: &mut Tx<'_>, key: &ApiKeyRow, secret: SecretHash) -> Result<()> {
    tx.execute(
        "INSERT INTO api_keys (id, org_id, name, prefix, secret_hash, scopes, created_by, created_at, expires_at, \
         ttl) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            key.id,
            key.org_id,
            key.name.as_str(),
            key.prefix.as_str(),
            secret,
            scopes_as_json(&key.scopes)?,
            key.created_by,
            key.created_at,
            key.expires_at,
            i64::try_from(key.ttl.as_millis()).unwrap_or(i64::MAX),
        ],
    )?;
    Ok(())
}

/// The newest first, those older than `before`.
pub fn list_of_org(
    db: &mut Read<'_>,
    org: OrgId,
    before: Option<ApiKeyId>,
    limit: i64,
) -> Result<Vec<ApiKeyRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys WHERE org_id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR id < ?2) \
         ORDER BY id DESC LIMIT ?3"
    );
    db.query(&sql, params![org, before, limit])?.into_iter().map(ApiKeyRow::read).collect()
}

pub fn by_id(db: &mut Read<'_>, org: OrgId, id: ApiKeyId) -> Result<Option<ApiKeyRow>> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE org_id = ?1 AND id = ?2");
    db.first(&sql, params![org, id])?.map(ApiKeyRow::read).transpose()
}

/// At most two keys of this name that are not revoked: enough to know whether the name is ambiguous.
pub fn by_name(db: &mut Read<'_>, org: OrgId, name: &str) -> Result<Vec<ApiKeyRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys WHERE org_id = ?1 AND name = ?2 AND revoked_at IS NULL \
         ORDER BY id DESC LIMIT 2"
    );
    db.query(&sql, params![org, name])?.into_iter().map(ApiKeyRow::read).collect()
}

/// The key whose secret this is now, or was until a rotation whose overlap is not over at `now`. A key is
/// gone with its organization, and while its maker is disabled or could not make it any more.
pub fn live_by_secret(db: &mut Read<'_>, secret: SecretHash, now: Timestamp) -> Result<Option<ApiKeyRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys \
         WHERE (secret_hash = ?1 OR (previous_hash = ?1 AND previous_until > ?2)) \
         AND EXISTS (SELECT 1 FROM users u WHERE u.id = created_by AND u.disabled_at IS NULL) \
         AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = org_id AND o.deleted_at IS NULL) \
         AND EXISTS (SELECT 1 FROM memberships m WHERE m.org_id = api_keys.org_id \
         AND m.user_id = api_keys.created_by AND m.role IN ('owner', 'admin'))"
    );
    db.first(&sql, params![secret, now])?.map(ApiKeyRow::read).transpose()
}

/// A new secret in the place of `key`'s; the old one is good until `previous_until`.
pub fn rotate(
    tx: &mut Tx<'_>,
    key: &ApiKeyRow,
    secret: SecretHash,
    previous_until: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE api_keys SET previous_hash = secret_hash, previous_until = ?2, secret_hash = ?3, \
               prefix = ?4, expires_at = ?5 WHERE id = ?1 AND revoked_at IS NULL";
    let params = params![key.id, previous_until, secret, key.prefix.as_str(), key.expires_at];
    Ok(tx.execute(sql, params)? == 1)
}

/// Notes a use.
pub fn touch(tx: &mut Tx<'_>, id: ApiKeyId, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1", params![id, now])?;
    Ok(())
}

/// Revokes it; tells whether it was not revoked before.
pub fn revoke(tx: &mut Tx<'_>, id: ApiKeyId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, params![id, now])? == 1)
}

/// Revokes all that somebody made in an organization; tells how many were good until now.
pub fn revoke_made_by(tx: &mut Tx<'_>, org: OrgId, user: UserId, now: Timestamp) -> Result<u64> {
    let sql = "UPDATE api_keys SET revoked_at = ?3 WHERE org_id = ?1 AND created_by = ?2 \
               AND revoked_at IS NULL AND expires_at > ?3";
    tx.execute(sql, params![org, user, now])
}
