//! API keys. Of the secrets only hashes are here; during a rotation two of them are good.

use std::net::IpAddr;
use std::time::Duration;

use super::{Read, Row, Tx};
use crate::core::id::{ApiKeyId, GrantId, OrgId, UserId};
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
    pub last_used_from: Option<IpAddr>,
    pub revoked_at: Option<Timestamp>,
    /// When the secret that is good now was made.
    pub secret_at: Timestamp,
    /// What its organization says about its age.
    pub policy: Option<KeyPolicy>,
    /// By which grant an app made it, or was last given its secret: it ends with that.
    pub grant: Option<GrantId>,
}

/// How old the secret of an API key may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPolicy {
    pub max_age: Duration,
    /// How long before its end a secret is warned of.
    pub warn_before: Duration,
}

const SELECT: &str = "SELECT k.id, k.org_id, k.name, k.prefix, k.scopes, k.created_by, k.created_at, k.expires_at, \
    k.ttl, k.last_used_at, k.last_used_from, k.revoked_at, COALESCE(k.rotated_at, k.created_at), p.max_age, \
    p.warn_before, k.grant_id FROM api_keys k LEFT JOIN key_policies p ON p.org_id = k.org_id";

impl ApiKeyRow {
    /// When its secret is good no longer: by its own time, or by its organization's policy.
    pub fn ends_at(&self) -> Timestamp {
        let by_policy = self.policy.map(|policy| self.secret_at.plus(policy.max_age));
        by_policy.map_or(self.expires_at, |end| end.min(self.expires_at))
    }

    /// Whether it is time for another secret, as its organization's policy says.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none()
            && self.policy.is_some_and(|policy| now.plus(policy.warn_before) >= self.ends_at())
    }

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
            ttl: duration(ttl),
            last_used_at: row.take(9)?,
            last_used_from: row.take(10)?,
            revoked_at: row.take(11)?,
            secret_at: row.take(12)?,
            policy: policy(row.take(13)?, row.take(14)?),
            grant: row.take(15)?,
        })
    }
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn policy(max_age: Option<i64>, warn_before: Option<i64>) -> Option<KeyPolicy> {
    Some(KeyPolicy { max_age: duration(max_age?), warn_before: duration(warn_before?) })
}

/// What an organization says about the age of its keys' secrets.
pub fn policy_of(db: &mut Read<'_>, org: OrgId) -> Result<Option<KeyPolicy>> {
    let row = db.first("SELECT max_age, warn_before FROM key_policies WHERE org_id = ?1", params![org])?;
    row.map_or(Ok(None), |mut row| Ok(policy(row.take(0)?, row.take(1)?)))
}

/// Sets it; `None`: secrets may get as old as they are good.
pub fn set_policy(tx: &mut Tx<'_>, org: OrgId, policy: Option<KeyPolicy>) -> Result<()> {
    let Some(policy) = policy else {
        return tx.execute("DELETE FROM key_policies WHERE org_id = ?1", params![org]).map(drop);
    };
    let sql = "INSERT INTO key_policies (org_id, max_age, warn_before) VALUES (?1, ?2, ?3) \
        ON CONFLICT (org_id) DO UPDATE SET max_age = ?2, warn_before = ?3";
    tx.execute(sql, params![org, millis(policy.max_age), millis(policy.warn_before)]).map(drop)
}

fn scopes_as_json(scopes: &[Scope]) -> Result<String> {
    serde_json::to_string(scopes).map_err(|e| Error::bug("scopes cannot be written").source(e))
}

pub fn insert(tx: &mut Tx<'_>, key: &ApiKeyRow, secret: SecretHash) -> Result<()> {
    tx.execute(
        "INSERT INTO api_keys (id, org_id, name, prefix, secret_hash, scopes, created_by, created_at, expires_at, \
         ttl, grant_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
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
            millis(key.ttl),
            key.grant,
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
        "{SELECT} WHERE k.org_id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR k.id < ?2) \
         ORDER BY k.id DESC LIMIT ?3"
    );
    db.query(&sql, params![org, before, limit])?.into_iter().map(ApiKeyRow::read).collect()
}

pub fn by_id(db: &mut Read<'_>, org: OrgId, id: ApiKeyId) -> Result<Option<ApiKeyRow>> {
    let sql = format!("{SELECT} WHERE k.org_id = ?1 AND k.id = ?2");
    db.first(&sql, params![org, id])?.map(ApiKeyRow::read).transpose()
}

/// At most two keys of this name that are not revoked: enough to know whether the name is ambiguous.
pub fn by_name(db: &mut Read<'_>, org: OrgId, name: &str) -> Result<Vec<ApiKeyRow>> {
    let sql = format!(
        "{SELECT} WHERE k.org_id = ?1 AND k.name = ?2 AND k.revoked_at IS NULL \
         ORDER BY k.id DESC LIMIT 2"
    );
    db.query(&sql, params![org, name])?.into_iter().map(ApiKeyRow::read).collect()
}

/// The key whose secret this is now, or was until a rotation whose overlap is not over at `now`. A key is
/// gone with its organization, and while its maker is disabled or could not make it any more.
pub fn live_by_secret(db: &mut Read<'_>, secret: SecretHash, now: Timestamp) -> Result<Option<ApiKeyRow>> {
    let sql = format!(
        "{SELECT} \
         WHERE (k.secret_hash = ?1 OR (k.previous_hash = ?1 AND k.previous_until > ?2)) \
         AND EXISTS (SELECT 1 FROM users u WHERE u.id = k.created_by AND u.disabled_at IS NULL) \
         AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = k.org_id AND o.deleted_at IS NULL) \
         AND EXISTS (SELECT 1 FROM memberships m WHERE m.org_id = k.org_id \
         AND m.user_id = k.created_by AND m.role IN ('owner', 'admin'))"
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
               prefix = ?4, expires_at = ?5, rotated_at = ?6, grant_id = ?7 WHERE id = ?1 AND revoked_at IS NULL";
    let (prefix, grant) = (key.prefix.as_str(), key.grant);
    let params = params![key.id, previous_until, secret, prefix, key.expires_at, key.secret_at, grant];
    Ok(tx.execute(sql, params)? == 1)
}

/// Notes a use, and where it came from.
pub fn touch(tx: &mut Tx<'_>, id: ApiKeyId, now: Timestamp, from: Option<IpAddr>) -> Result<()> {
    let sql = "UPDATE api_keys SET last_used_at = ?2, last_used_from = ?3 WHERE id = ?1";
    tx.execute(sql, params![id, now, from]).map(drop)
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

/// Revokes all whose secret an app was given by this grant; tells how many were good until now.
pub fn revoke_of_grant(tx: &mut Tx<'_>, grant: GrantId, now: Timestamp) -> Result<u64> {
    let sql =
        "UPDATE api_keys SET revoked_at = ?2 WHERE grant_id = ?1 AND revoked_at IS NULL AND expires_at > ?2";
    tx.execute(sql, params![grant, now])
}
