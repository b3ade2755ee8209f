//! Apps: the OAuth 2.0 clients of third parties.

use crate::core::id::{AppId, OrgId, UserId};
use crate::core::oauth::ScopeSet;
use crate::core::secret::SecretHash;
use crate::core::{Error, Result, Timestamp};
use crate::params;
use crate::store::{Read, Row, Tx};

/// An app, as it is kept.
#[derive(Clone, Debug)]
pub struct AppRow {
    pub id: AppId,
    pub org_id: OrgId,
    pub name: String,
    /// `None`: a public client, which can keep no secret.
    pub secret: Option<SecretHash>,
    pub redirect_uris: Vec<String>,
    /// Where browsers may be led after a log-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// The most that it may ask for.
    pub scopes: ScopeSet,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, org_id, name, secret_hash, redirect_uris, scopes, created_by, created_at, revoked_at, \
    post_logout_redirect_uris";

fn from_row(mut row: Row) -> Result<AppRow> {
    Ok(AppRow {
        id: row.take(0)?,
        org_id: row.take(1)?,
        name: row.take(2)?,
        secret: row.take(3)?,
        redirect_uris: read_uris(&row.take::<String>(4)?)?,
        post_logout_redirect_uris: read_uris(&row.take::<String>(9)?)?,
        scopes: row.take(5)?,
        created_by: row.take(6)?,
        created_at: row.take(7)?,
        revoked_at: row.take(8)?,
    })
}

fn read_uris(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text)
        .map_err(|e| Error::bug("a list of redirect URIs in the database cannot be read").source(e))
}

pub fn insert(tx: &mut Tx<'_>, app: &AppRow) -> Result<()> {
    let sql = "INSERT INTO apps (id, org_id, name, secret_hash, redirect_uris, scopes, created_by, created_at, \
        post_logout_redirect_uris) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let written = |uris: &[String]| serde_json::Value::from(uris.to_vec()).to_string();
    let (uris, after) = (written(&app.redirect_uris), written(&app.post_logout_redirect_uris));
    let AppRow { id, org_id, name, secret, scopes, created_by, created_at, .. } = app.clone();
    tx.execute(sql, params![id, org_id, name, secret, uris, scopes, created_by, created_at, after]).map(drop)
}

/// An app that is neither revoked nor gone with its organization.
pub fn live(read: &mut Read<'_>, id: AppId) -> Result<Option<AppRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM apps WHERE id = ?1 AND revoked_at IS NULL \
         AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = org_id AND o.deleted_at IS NULL)"
    );
    read.first(&sql, params![id])?.map(from_row).transpose()
}

pub fn by_id(read: &mut Read<'_>, org: OrgId, id: AppId) -> Result<Option<AppRow>> {
    let sql = format!("SELECT {COLUMNS} FROM apps WHERE org_id = ?1 AND id = ?2");
    read.first(&sql, params![org, id])?.map(from_row).transpose()
}

/// At most two apps of this name that are not revoked: enough to know whether the name is ambiguous.
pub fn by_name(read: &mut Read<'_>, org: OrgId, name: &str) -> Result<Vec<AppRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM apps WHERE org_id = ?1 AND name = ?2 AND revoked_at IS NULL ORDER BY id DESC LIMIT 2"
    );
    read.query(&sql, params![org, name])?.into_iter().map(from_row).collect()
}

/// The newest first, those older than `before`.
pub fn list_of_org(
    read: &mut Read<'_>,
    org: OrgId,
    before: Option<AppId>,
    limit: i64,
) -> Result<Vec<AppRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM apps WHERE org_id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR id < ?2) \
         ORDER BY id DESC LIMIT ?3"
    );
    read.query(&sql, params![org, before, limit])?.into_iter().map(from_row).collect()
}

/// Those that somebody registered for an organization and that are not revoked.
pub fn live_made_by(read: &mut Read<'_>, org: OrgId, user: UserId) -> Result<Vec<AppRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM apps WHERE org_id = ?1 AND created_by = ?2 AND revoked_at IS NULL ORDER BY id"
    );
    read.query(&sql, params![org, user])?.into_iter().map(from_row).collect()
}

/// Those of an organization that are not revoked.
pub fn live_of_org(read: &mut Read<'_>, org: OrgId) -> Result<Vec<AppRow>> {
    let sql = format!("SELECT {COLUMNS} FROM apps WHERE org_id = ?1 AND revoked_at IS NULL ORDER BY id");
    read.query(&sql, params![org])?.into_iter().map(from_row).collect()
}

/// How many apps of the organization are not revoked.
pub fn count(read: &mut Read<'_>, org: OrgId) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM apps WHERE org_id = ?1 AND revoked_at IS NULL";
    read.first(sql, params![org])?.map_or(Ok(0), |mut row| row.take(0))
}

/// Tells whether it was not revoked before.
pub fn revoke(tx: &mut Tx<'_>, id: AppId, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE apps SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, params![id, at])? == 1)
}
