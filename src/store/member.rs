//! Who is in an organization, and as what. There is one owner, never none and never two: the index
//! `memberships_one_owner` refuses a second, and no statement here takes the one away.

use super::engine::params;
use super::{Read, Row, Tx};
use crate::core::id::{OrgId, UserId};
use crate::core::role::Role;
use crate::core::user::Email;
use crate::core::{Result, Timestamp};

/// A row of `memberships`, with whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub user: UserId,
    pub email: Email,
    pub role: Role,
    /// May not log in since then.
    pub disabled_at: Option<Timestamp>,
    pub joined_at: Timestamp,
}

const SELECT: &str = "SELECT m.user_id, u.email, m.role, u.disabled_at, m.created_at \
    FROM memberships m JOIN users u ON u.id = m.user_id";

fn from_row(row: &mut Row) -> Result<Member> {
    Ok(Member {
        user: row.take(0)?,
        email: row.take(1)?,
        role: row.take(2)?,
        disabled_at: row.take(3)?,
        joined_at: row.take(4)?,
    })
}

pub fn by_user(read: &mut Read<'_>, org: OrgId, user: UserId) -> Result<Option<Member>> {
    let sql = format!("{SELECT} WHERE m.org_id = ?1 AND m.user_id = ?2");
    read.first(&sql, params![org, user])?.map(|mut row| from_row(&mut row)).transpose()
}

pub fn by_email(read: &mut Read<'_>, org: OrgId, email: &Email) -> Result<Option<Member>> {
    let sql = format!("{SELECT} WHERE m.org_id = ?1 AND u.email = ?2");
    read.first(&sql, params![org, email.clone()])?.map(|mut row| from_row(&mut row)).transpose()
}

/// At most `limit` members after the account `after`, in the order of their accounts' age.
pub fn list(read: &mut Read<'_>, org: OrgId, after: Option<UserId>, limit: i64) -> Result<Vec<Member>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let sql = format!("{SELECT} WHERE m.org_id = ?1 AND m.user_id > ?2 ORDER BY m.user_id LIMIT ?3");
    read.query(&sql, params![org, after, limit])?.iter_mut().map(from_row).collect()
}

pub fn count(read: &mut Read<'_>, org: OrgId) -> Result<i64> {
    let row = read.first("SELECT COUNT(*) FROM memberships WHERE org_id = ?1", params![org])?;
    row.map_or(Ok(0), |mut row| row.take(0))
}

/// Adds a member; tells whether they were none yet.
pub fn insert(tx: &mut Tx<'_>, org: OrgId, user: UserId, role: Role, at: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (org_id, user_id) DO NOTHING";
    Ok(tx.execute(sql, params![org, user, role, at])? == 1)
}

/// Makes somebody who is not the owner an admin or a member; tells whether they were there.
pub fn set_role(tx: &mut Tx<'_>, org: OrgId, user: UserId, role: Role) -> Result<bool> {
    let sql = "UPDATE memberships SET role = ?3 WHERE org_id = ?1 AND user_id = ?2 AND role <> 'owner'";
    Ok(tx.execute(sql, params![org, user, role])? == 1)
}

/// Takes somebody out who is not the owner; tells whether they were there.
pub fn delete(tx: &mut Tx<'_>, org: OrgId, user: UserId) -> Result<bool> {
    let sql = "DELETE FROM memberships WHERE org_id = ?1 AND user_id = ?2 AND role <> 'owner'";
    Ok(tx.execute(sql, params![org, user])? == 1)
}

/// Makes the owner an admin and another member the owner; tells whether both were what they had to be. If
/// not, the transaction must not commit.
pub fn transfer(tx: &mut Tx<'_>, org: OrgId, from: UserId, to: UserId) -> Result<bool> {
    let give = "UPDATE memberships SET role = 'admin' WHERE org_id = ?1 AND user_id = ?2 AND role = 'owner'";
    let take = "UPDATE memberships SET role = 'owner' WHERE org_id = ?1 AND user_id = ?2";
    Ok(tx.execute(give, params![org, from])? == 1 && tx.execute(take, params![org, to])? == 1)
}
