//! Join tokens. Of the secret only the hash is here: that of its auth key.

use super::{Read, Row, Tx};
use crate::core::id::{GrantId, OrgId, RealmId, TokenId, UserId};
use crate::core::role::Role;
use crate::core::secret::SecretHash;
use crate::core::{Error, Result, Timestamp};
use crate::params;

/// A join token, as it is kept.
#[derive(Clone, Debug)]
pub struct JoinTokenRow {
    pub id: TokenId,
    pub org_id: OrgId,
    /// Empty: it has none.
    pub name: String,
    /// `None`: reusable.
    pub uses: Option<i64>,
    pub used: i64,
    pub ephemeral: bool,
    pub tags: Vec<String>,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// The e-mail of `created_by`, by which people know them.
    pub creator: String,
    /// When `created_by` was disabled: their tokens let nobody in any more.
    pub creator_disabled_at: Option<Timestamp>,
    /// What `created_by` is in the organization now; none who has left it.
    pub creator_role: Option<Role>,
    pub org_name: String,
    pub realm_id: RealmId,
    /// The DNS label of the realm.
    pub realm_label: String,
}

/// What a new join token is made of.
pub struct NewJoinToken {
    pub id: TokenId,
    pub org_id: OrgId,
    pub name: String,
    pub secret: SecretHash,
    pub uses: Option<i64>,
    pub ephemeral: bool,
    pub tags: Vec<String>,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// The app's grant that it is made by, and ends with.
    pub grant: Option<GrantId>,
}

/// A deleted organization's tokens are nobody's.
const SELECT: &str = "SELECT t.id, t.org_id, t.name, t.uses, t.used, t.ephemeral, t.tags, t.created_by, \
     t.created_at, t.expires_at, t.last_used_at, t.revoked_at, u.email, u.disabled_at, o.name, r.id, r.label, \
     m.role FROM join_tokens t JOIN users u ON u.id = t.created_by \
     LEFT JOIN memberships m ON m.org_id = t.org_id AND m.user_id = t.created_by \
     JOIN organizations o ON o.id = t.org_id AND o.deleted_at IS NULL JOIN realms r ON r.id = o.realm_id";

impl JoinTokenRow {
    fn read(mut row: Row) -> Result<Self> {
        Ok(JoinTokenRow {
            id: row.take(0)?,
            org_id: row.take(1)?,
            name: row.take(2)?,
            uses: row.take(3)?,
            used: row.take(4)?,
            ephemeral: row.take(5)?,
            tags: list(&row.take::<String>(6)?)?,
            created_by: row.take(7)?,
            created_at: row.take(8)?,
            expires_at: row.take(9)?,
            last_used_at: row.take(10)?,
            revoked_at: row.take(11)?,
            creator: row.take(12)?,
            creator_disabled_at: row.take(13)?,
            org_name: row.take(14)?,
            realm_id: row.take(15)?,
            realm_label: row.take(16)?,
            creator_role: row.take(17)?,
        })
    }
}

/// Reads a JSON list of words.
fn list(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|e| Error::bug("a list in the database is not JSON").source(e))
}

/// Writes a list of words as JSON.
fn json(words: &[String]) -> String {
    serde_json::Value::from(words).to_string()
}

pub fn insert(tx: &mut Tx<'_>, token: NewJoinToken) -> Result<()> {
    tx.execute(
        "INSERT INTO join_tokens (id, org_id, name, secret_hash, uses, ephemeral, tags, created_by, \
         created_at, expires_at, grant_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            token.id,
            token.org_id,
            token.name,
            token.secret,
            token.uses,
            token.ephemeral,
            json(&token.tags),
            token.created_by,
            token.created_at,
            token.expires_at,
            token.grant,
        ],
    )?;
    Ok(())
}

/// The newest first, those older than `before`.
pub fn list_of_org(
    db: &mut Read<'_>,
    org: OrgId,
    before: Option<TokenId>,
    limit: i64,
) -> Result<Vec<JoinTokenRow>> {
    let sql = format!(
        "{SELECT} WHERE t.org_id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR t.id < ?2) ORDER BY t.id DESC LIMIT ?3"
    );
    db.query(&sql, params![org, before, limit])?.into_iter().map(JoinTokenRow::read).collect()
}

pub fn by_id(db: &mut Read<'_>, org: OrgId, id: TokenId) -> Result<Option<JoinTokenRow>> {
    let sql = format!("{SELECT} WHERE t.org_id = ?1 AND t.id = ?2");
    db.first(&sql, params![org, id])?.map(JoinTokenRow::read).transpose()
}

/// At most two tokens of this name that are not revoked: enough to know whether the name is ambiguous.
pub fn by_name(db: &mut Read<'_>, org: OrgId, name: &str) -> Result<Vec<JoinTokenRow>> {
    let sql = format!(
        "{SELECT} WHERE t.org_id = ?1 AND t.name = ?2 AND t.revoked_at IS NULL ORDER BY t.id DESC LIMIT 2"
    );
    db.query(&sql, params![org, name])?.into_iter().map(JoinTokenRow::read).collect()
}

pub fn by_secret(db: &mut Read<'_>, secret: SecretHash) -> Result<Option<JoinTokenRow>> {
    let sql = format!("{SELECT} WHERE t.secret_hash = ?1");
    db.first(&sql, params![secret])?.map(JoinTokenRow::read).transpose()
}

/// The token that a redemption belongs to, whatever its organization.
pub fn of_redemption(db: &mut Read<'_>, id: TokenId) -> Result<Option<JoinTokenRow>> {
    let sql = format!("{SELECT} WHERE t.id = ?1");
    db.first(&sql, params![id])?.map(JoinTokenRow::read).transpose()
}

/// Takes one use, if one is left of a token that is neither over nor revoked; tells whether it did. The
/// condition stands in the `UPDATE`, so that as many takers at once find as many uses as there are.
pub fn take_use(tx: &mut Tx<'_>, id: TokenId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE join_tokens SET used = used + 1, last_used_at = ?2 \
               WHERE id = ?1 AND revoked_at IS NULL AND expires_at > ?2 AND (uses IS NULL OR used < uses)";
    Ok(tx.execute(sql, params![id, now])? == 1)
}

/// Gives one use back.
pub fn give_back(tx: &mut Tx<'_>, id: TokenId) -> Result<()> {
    tx.execute("UPDATE join_tokens SET used = used - 1 WHERE id = ?1 AND used > 0", params![id])?;
    Ok(())
}

/// Revokes it; tells whether it was not revoked before.
pub fn revoke(tx: &mut Tx<'_>, id: TokenId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE join_tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, params![id, now])? == 1)
}

/// Revokes all that somebody made in an organization; tells how many were good until now.
pub fn revoke_made_by(tx: &mut Tx<'_>, org: OrgId, user: UserId, now: Timestamp) -> Result<u64> {
    let sql = "UPDATE join_tokens SET revoked_at = ?3 WHERE org_id = ?1 AND created_by = ?2 \
               AND revoked_at IS NULL AND expires_at > ?3";
    tx.execute(sql, params![org, user, now])
}
