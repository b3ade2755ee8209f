//! What people allowed apps to do, each in one organization. At most one of an app, a person and an
//! organization is live: who authorizes again changes it.

use crate::core::id::{AppId, GrantId, NodeId, OrgId, UserId};
use crate::core::oauth::ScopeSet;
use crate::core::user::Email;
use crate::core::{Error, Result, Timestamp};
use crate::params;
use crate::store::{Read, Row, Tx, Value};

/// A grant, with the names of those whom it is about.
#[derive(Clone, Debug)]
pub struct GrantRow {
    pub id: GrantId,
    pub app: AppId,
    pub app_name: String,
    pub org: OrgId,
    pub org_name: String,
    /// Who granted it, and answers for what the app does.
    pub user: UserId,
    pub email: Email,
    /// The app acts for its own organization by its own secret: nobody consented.
    pub own: bool,
    pub scopes: ScopeSet,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// What a grant is made of.
#[derive(Clone, Debug)]
pub struct NewGrant {
    pub app: AppId,
    pub org: OrgId,
    pub user: UserId,
    pub own: bool,
    pub scopes: ScopeSet,
}

const SELECT: &str = "SELECT g.id, g.app_id, a.name, g.org_id, o.name, g.user_id, u.email, g.own, g.scopes, \
     g.created_at, g.last_used_at, g.revoked_at \
     FROM grants g JOIN apps a ON a.id = g.app_id JOIN users u ON u.id = g.user_id \
     JOIN organizations o ON o.id = g.org_id AND o.deleted_at IS NULL";

fn from_row(mut row: Row) -> Result<GrantRow> {
    Ok(GrantRow {
        id: row.take(0)?,
        app: row.take(1)?,
        app_name: row.take(2)?,
        org: row.take(3)?,
        org_name: row.take(4)?,
        user: row.take(5)?,
        email: row.take(6)?,
        own: row.take(7)?,
        scopes: row.take(8)?,
        created_at: row.take(9)?,
        last_used_at: row.take(10)?,
        revoked_at: row.take(11)?,
    })
}

/// Makes a grant, or gives the live one these scopes: what a person said last holds. Gives its id.
pub fn put(tx: &mut Tx<'_>, new: NewGrant, now: Timestamp) -> Result<GrantId> {
    let sql = "INSERT INTO grants (id, app_id, org_id, user_id, own, scopes, created_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
        ON CONFLICT (app_id, user_id, org_id, own) WHERE revoked_at IS NULL \
        DO UPDATE SET scopes = excluded.scopes RETURNING id";
    let NewGrant { app, org, user, own, scopes } = new;
    let row = tx.query(sql, params![GrantId::new(now), app, org, user, own, scopes, now])?.pop();
    row.ok_or_else(|| Error::bug("a written grant has no id"))?.take(0)
}

pub fn by_id(read: &mut Read<'_>, id: GrantId) -> Result<Option<GrantRow>> {
    read.first(&format!("{SELECT} WHERE g.id = ?1"), params![id])?.map(from_row).transpose()
}

/// Live ones for an organization, the newest first, those older than `before`.
pub fn list_of_org(
    read: &mut Read<'_>,
    org: OrgId,
    before: Option<GrantId>,
    limit: i64,
) -> Result<Vec<GrantRow>> {
    page(read, "g.org_id = ?1", params![org, before, limit])
}

/// Live ones of a person, the newest first, those older than `before`.
pub fn list_of_user(
    read: &mut Read<'_>,
    user: UserId,
    before: Option<GrantId>,
    limit: i64,
) -> Result<Vec<GrantRow>> {
    page(read, "g.user_id = ?1", params![user, before, limit])
}

/// Live ones that `whose` is true of, the newest first; `?2` is the cursor and `?3` the most.
fn page(read: &mut Read<'_>, whose: &str, params: &[Value]) -> Result<Vec<GrantRow>> {
    let sql = format!(
        "{SELECT} WHERE {whose} AND g.revoked_at IS NULL AND (CAST(?2 AS TEXT) IS NULL OR g.id < ?2) \
         ORDER BY g.id DESC LIMIT ?3"
    );
    read.query(&sql, params)?.into_iter().map(from_row).collect()
}

/// Every live grant of an app, whoever gave it.
pub fn live_of_app(read: &mut Read<'_>, app: AppId) -> Result<Vec<GrantRow>> {
    let sql = format!("{SELECT} WHERE g.app_id = ?1 AND g.revoked_at IS NULL ORDER BY g.id");
    read.query(&sql, params![app])?.into_iter().map(from_row).collect()
}

/// Every live grant of a person for one organization.
pub fn live_of_member(read: &mut Read<'_>, org: OrgId, user: UserId) -> Result<Vec<GrantRow>> {
    let sql =
        format!("{SELECT} WHERE g.org_id = ?1 AND g.user_id = ?2 AND g.revoked_at IS NULL ORDER BY g.id");
    read.query(&sql, params![org, user])?.into_iter().map(from_row).collect()
}

/// Tells whether it was not revoked before.
pub fn revoke(tx: &mut Tx<'_>, id: GrantId, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE grants SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, params![id, at])? == 1)
}

/// Notes a use.
pub fn touch(tx: &mut Tx<'_>, id: GrantId, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE grants SET last_used_at = ?2 WHERE id = ?1", params![id, now]).map(drop)
}

/// Revokes the join tokens that a grant made.
pub fn revoke_join_tokens(tx: &mut Tx<'_>, id: GrantId, at: Timestamp) -> Result<u64> {
    let sql = "UPDATE join_tokens SET revoked_at = ?2 WHERE grant_id = ?1 AND revoked_at IS NULL";
    tx.execute(sql, params![id, at])
}

/// The nodes that came by a grant.
pub fn nodes(read: &mut Read<'_>, id: GrantId) -> Result<Vec<NodeId>> {
    let sql = "SELECT DISTINCT r.node_id FROM redemptions r JOIN join_tokens t ON t.id = r.token_id \
        WHERE t.grant_id = ?1 AND r.node_id IS NOT NULL";
    read.query(sql, params![id])?.into_iter().map(|mut row| row.take(0)).collect()
}

/// Forgets those that were revoked before `before`, with all that came of them.
pub fn delete_revoked(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM grants WHERE revoked_at < ?1", params![before])
}
