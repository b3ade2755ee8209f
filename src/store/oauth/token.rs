//! Access and refresh tokens. Whether one is good is asked of the database at every use: its family, its
//! grant, its app, its person and that person's membership must all stand.

use crate::core::id::{AppId, FamilyId, GrantId, OrgId, UserId};
use crate::core::oauth::ScopeSet;
use crate::core::secret::SecretHash;
use crate::core::user::Email;
use crate::core::{Result, Timestamp};
use crate::params;
use crate::store::{Read, Row, Tx};

/// A token of a family that stands.
#[derive(Clone, Debug)]
pub struct Held {
    pub hash: SecretHash,
    pub refresh: bool,
    /// What it may do: its own scopes, as far as the grant still has them.
    pub scopes: ScopeSet,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// A refresh token that another has replaced.
    pub used_at: Option<Timestamp>,
    pub family: Family,
}

/// The family, and what it stands on.
#[derive(Clone, Debug)]
pub struct Family {
    pub id: FamilyId,
    pub scopes: ScopeSet,
    pub nonce: Option<String>,
    pub logged_in_at: Option<Timestamp>,
    pub grant: GrantId,
    pub grant_scopes: ScopeSet,
    pub grant_used_at: Option<Timestamp>,
    pub own: bool,
    pub app: AppId,
    pub app_name: String,
    pub org: OrgId,
    pub org_name: String,
    pub user: UserId,
    pub email: Email,
}

/// What a token is made of.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub hash: SecretHash,
    pub family: FamilyId,
    pub refresh: bool,
    pub scopes: ScopeSet,
    pub expires_at: Timestamp,
}

impl Family {
    /// Whom its tokens speak of: the app itself where nobody consented (RFC 9068 section 2.2), else the person.
    pub fn subject(&self) -> String {
        if self.own { self.app.to_string() } else { self.user.to_string() }
    }
}

const FAMILY: &str = "f.id, f.scopes, f.nonce, f.logged_in_at, g.id, g.scopes, g.last_used_at, g.own, a.id, \
    a.name, o.id, o.name, u.id, u.email";

/// Everything that must stand.
const STANDS: &str = "FROM token_families f JOIN grants g ON g.id = f.grant_id AND g.revoked_at IS NULL \
    JOIN apps a ON a.id = g.app_id AND a.revoked_at IS NULL \
    JOIN organizations o ON o.id = g.org_id AND o.deleted_at IS NULL \
    JOIN users u ON u.id = g.user_id AND u.disabled_at IS NULL \
    JOIN memberships m ON m.org_id = g.org_id AND m.user_id = g.user_id";

fn family(row: &mut Row) -> Result<Family> {
    Ok(Family {
        id: row.take(0)?,
        scopes: row.take(1)?,
        nonce: row.take(2)?,
        logged_in_at: row.take(3)?,
        grant: row.take(4)?,
        grant_scopes: row.take(5)?,
        grant_used_at: row.take(6)?,
        own: row.take(7)?,
        app: row.take(8)?,
        app_name: row.take(9)?,
        org: row.take(10)?,
        org_name: row.take(11)?,
        user: row.take(12)?,
        email: row.take(13)?,
    })
}

pub fn insert(tx: &mut Tx<'_>, new: NewToken, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO oauth_tokens (token_hash, family_id, refresh, scopes, created_at, expires_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.execute(sql, params![new.hash, new.family, new.refresh, new.scopes, now, new.expires_at]).map(drop)
}

/// A family that stands.
pub fn live_family(read: &mut Read<'_>, id: FamilyId) -> Result<Option<Family>> {
    let sql = format!("SELECT {FAMILY} {STANDS} WHERE f.id = ?1 AND f.ended_at IS NULL");
    read.first(&sql, params![id])?.map(|mut row| family(&mut row)).transpose()
}

/// The token of this hash, if all that it stands on does. It may be over, or replaced: the caller looks.
pub fn find(read: &mut Read<'_>, hash: SecretHash) -> Result<Option<Held>> {
    let sql = format!(
        "SELECT {FAMILY}, t.token_hash, t.refresh, t.scopes, t.created_at, t.expires_at, t.used_at {STANDS} \
         JOIN oauth_tokens t ON t.family_id = f.id WHERE t.token_hash = ?1 AND f.ended_at IS NULL"
    );
    let Some(mut row) = read.first(&sql, params![hash])? else { return Ok(None) };
    let family = family(&mut row)?;
    let scopes: ScopeSet = row.take(16)?;
    Ok(Some(Held {
        hash: row.take(14)?,
        refresh: row.take(15)?,
        scopes: scopes.and(&family.grant_scopes),
        created_at: row.take(17)?,
        expires_at: row.take(18)?,
        used_at: row.take(19)?,
        family,
    }))
}

/// Marks a refresh token as replaced; tells whether it was not before.
pub fn replace(tx: &mut Tx<'_>, hash: SecretHash, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE oauth_tokens SET used_at = ?2 WHERE token_hash = ?1 AND used_at IS NULL";
    Ok(tx.execute(sql, params![hash, now])? == 1)
}

/// Ends this one token.
pub fn delete(tx: &mut Tx<'_>, hash: SecretHash) -> Result<()> {
    tx.execute("DELETE FROM oauth_tokens WHERE token_hash = ?1", params![hash]).map(drop)
}

/// Forgets those that were over before `before`.
pub fn delete_expired(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM oauth_tokens WHERE expires_at < ?1", params![before])
}
