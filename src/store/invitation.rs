//! Invitations. Of the code only the hash is here.

use super::engine::params;
use super::{Read, Row, Tx};
use crate::core::id::{InvitationId, OrgId, UserId};
use crate::core::role::Role;
use crate::core::secret::SecretHash;
use crate::core::user::Email;
use crate::core::{Result, Timestamp};

/// A row of `invitations`, without its code's hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    pub id: InvitationId,
    pub org: OrgId,
    /// Whose account alone may accept it.
    pub email: Email,
    pub role: Role,
    pub invited_by: UserId,
    /// The e-mail of `invited_by`.
    pub inviter: Email,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// Used up.
    pub accepted_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// What a new invitation is made of.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    pub id: InvitationId,
    pub org: OrgId,
    pub email: Email,
    pub role: Role,
    pub code: SecretHash,
    pub invited_by: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

const SELECT: &str = "SELECT i.id, i.org_id, i.email, i.role, i.invited_by, u.email, i.created_at, \
    i.expires_at, i.accepted_at, i.revoked_at FROM invitations i JOIN users u ON u.id = i.invited_by";

fn from_row(row: &mut Row) -> Result<Invitation> {
    Ok(Invitation {
        id: row.take(0)?,
        org: row.take(1)?,
        email: row.take(2)?,
        role: row.take(3)?,
        invited_by: row.take(4)?,
        inviter: row.take(5)?,
        created_at: row.take(6)?,
        expires_at: row.take(7)?,
        accepted_at: row.take(8)?,
        revoked_at: row.take(9)?,
    })
}

pub fn insert(tx: &mut Tx<'_>, new: &NewInvitation) -> Result<()> {
    let sql = "INSERT INTO invitations (id, org_id, email, role, code_hash, invited_by, created_at, expires_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let NewInvitation { id, org, email, role, code, invited_by, created_at, expires_at } = new.clone();
    tx.execute(sql, params![id, org, email, role, code, invited_by, created_at, expires_at]).map(drop)
}

pub fn by_id(read: &mut Read<'_>, org: OrgId, id: InvitationId) -> Result<Option<Invitation>> {
    let sql = format!("{SELECT} WHERE i.org_id = ?1 AND i.id = ?2");
    read.first(&sql, params![org, id])?.map(|mut row| from_row(&mut row)).transpose()
}

/// The newest one for this address that is not revoked, else the newest.
pub fn by_email(read: &mut Read<'_>, org: OrgId, email: &Email) -> Result<Option<Invitation>> {
    let sql = format!(
        "{SELECT} WHERE i.org_id = ?1 AND i.email = ?2 \
        ORDER BY CASE WHEN i.revoked_at IS NULL THEN 0 ELSE 1 END, i.id DESC LIMIT 1"
    );
    read.first(&sql, params![org, email.clone()])?.map(|mut row| from_row(&mut row)).transpose()
}

pub fn by_code(read: &mut Read<'_>, code: SecretHash) -> Result<Option<Invitation>> {
    let sql = format!("{SELECT} WHERE i.code_hash = ?1");
    read.first(&sql, params![code])?.map(|mut row| from_row(&mut row)).transpose()
}

/// The newest first, those older than `before`.
pub fn list_of_org(
    read: &mut Read<'_>,
    org: OrgId,
    before: Option<InvitationId>,
    limit: i64,
) -> Result<Vec<Invitation>> {
    let sql = format!(
        "{SELECT} WHERE i.org_id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR i.id < ?2) ORDER BY i.id DESC LIMIT ?3"
    );
    read.query(&sql, params![org, before, limit])?.iter_mut().map(from_row).collect()
}

/// How many can still be accepted.
pub fn count_open(read: &mut Read<'_>, org: OrgId, now: Timestamp) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM invitations \
        WHERE org_id = ?1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?2";
    read.first(sql, params![org, now])?.map_or(Ok(0), |mut row| row.take(0))
}

/// Uses it up, if it is still open; tells whether it did. The condition stands in the `UPDATE`, so that of
/// many who accept at once one does.
pub fn accept(tx: &mut Tx<'_>, id: InvitationId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE invitations SET accepted_at = ?2 \
        WHERE id = ?1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?2";
    Ok(tx.execute(sql, params![id, now])? == 1)
}

/// Revokes it, if nobody has accepted it; tells whether this changed anything.
pub fn revoke(tx: &mut Tx<'_>, id: InvitationId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE invitations SET revoked_at = ?2 \
        WHERE id = ?1 AND accepted_at IS NULL AND revoked_at IS NULL";
    Ok(tx.execute(sql, params![id, now])? == 1)
}

/// Revokes the open ones for an address; tells how many there were.
pub fn revoke_for(tx: &mut Tx<'_>, org: OrgId, email: &Email, now: Timestamp) -> Result<u64> {
    let sql = "UPDATE invitations SET revoked_at = ?3 WHERE org_id = ?1 AND email = ?2 \
        AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?3";
    tx.execute(sql, params![org, email.clone(), now])
}

/// Revokes the open ones that somebody made; tells how many there were.
pub fn revoke_made_by(tx: &mut Tx<'_>, org: OrgId, user: UserId, now: Timestamp) -> Result<u64> {
    let sql = "UPDATE invitations SET revoked_at = ?3 WHERE org_id = ?1 AND invited_by = ?2 \
        AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?3";
    tx.execute(sql, params![org, user, now])
}

/// Forgets what has been over since `before`.
pub fn delete_over(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM invitations WHERE expires_at < ?1 OR accepted_at < ?1 OR revoked_at < ?1";
    tx.execute(sql, params![before])
}
