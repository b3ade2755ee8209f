//! Memberships that a provider's rules made.

use crate::core::id::{OrgId, UserId};
use crate::core::role::Role;
use crate::core::{Result, Timestamp};
use crate::store::engine::params;
use crate::store::{Read, Row, Tx};

/// A row of `ruled_memberships`, with what it stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruled {
    pub org: OrgId,
    pub user: UserId,
    pub issuer: String,
    /// What they are now.
    pub role: Role,
    /// Their last log-in at the issuer; none where they have no identity there any more.
    pub last_used_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT r.org_id, r.user_id, r.issuer, m.role, \
    (SELECT MAX(i.last_used_at) FROM identities i WHERE i.user_id = r.user_id AND i.issuer = r.issuer) \
    FROM ruled_memberships r JOIN memberships m ON m.org_id = r.org_id AND m.user_id = r.user_id";

fn from_row(row: &mut Row) -> Result<Ruled> {
    Ok(Ruled {
        org: row.take(0)?,
        user: row.take(1)?,
        issuer: row.take(2)?,
        role: row.take(3)?,
        last_used_at: row.take(4)?,
    })
}

/// Says of a membership, which is there, that the rules of `issuer` made it.
pub fn insert(tx: &mut Tx<'_>, org: OrgId, user: UserId, issuer: &str) -> Result<()> {
    let sql = "INSERT INTO ruled_memberships (org_id, user_id, issuer) VALUES (?1, ?2, ?3) \
        ON CONFLICT (org_id, user_id) DO NOTHING";
    tx.execute(sql, params![org, user, issuer]).map(drop)
}

/// Where the rules of `issuer` made somebody a member.
pub fn of_user(read: &mut Read<'_>, user: UserId, issuer: &str) -> Result<Vec<Ruled>> {
    let sql = format!("{SELECT} WHERE r.user_id = ?1 AND r.issuer = ?2 ORDER BY r.org_id");
    read.query(&sql, params![user, issuer])?.iter_mut().map(from_row).collect()
}

/// At most `limit` of all, after the one of `after`.
pub fn page(read: &mut Read<'_>, after: Option<(OrgId, UserId)>, limit: i64) -> Result<Vec<Ruled>> {
    let (org, user) = after.map(|(org, user)| (org.to_string(), user.to_string())).unwrap_or_default();
    let sql = format!(
        "{SELECT} WHERE r.org_id > ?1 OR (r.org_id = ?1 AND r.user_id > ?2) ORDER BY r.org_id, r.user_id LIMIT ?3"
    );
    read.query(&sql, params![org, user, limit])?.iter_mut().map(from_row).collect()
}
