//! Memberships that a provider's rules made.

use crate::core::Result;
use crate::core::id::{OrgId, UserId};
use crate::store::engine::params;
use crate::store::{Read, Tx};

/// Says of a membership, which is there, that the rules of `issuer` made it.
pub fn insert(tx: &mut Tx<'_>, org: OrgId, user: UserId, issuer: &str) -> Result<()> {
    let sql = "INSERT INTO ruled_memberships (org_id, user_id, issuer) VALUES (?1, ?2, ?3) \
        ON CONFLICT (org_id, user_id) DO NOTHING";
    tx.execute(sql, params![org, user, issuer]).map(drop)
}

/// Where the rules of `issuer` made somebody a member.
pub fn of_user(read: &mut Read<'_>, user: UserId, issuer: &str) -> Result<Vec<OrgId>> {
    let sql = "SELECT org_id FROM ruled_memberships WHERE user_id = ?1 AND issuer = ?2 ORDER BY org_id";
    read.query(sql, params![user, issuer])?.iter_mut().map(|row| row.take(0)).collect()
}
