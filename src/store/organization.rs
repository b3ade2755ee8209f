//! Organizations, with the realm that each has, and who is what in them.

use super::engine::params;
use super::{Read, Row, Tx, node};
use crate::core::id::{OrgId, RealmId, UserId};
use crate::core::name::Hostname;
use crate::core::node::Node;
use crate::core::role::Role;
use crate::core::{Error, Result, Timestamp};

/// A row of `organizations` with its realm's label.
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    pub id: OrgId,
    pub name: String,
    /// Whose own organization it is, if somebody's.
    pub personal_of: Option<UserId>,
    pub realm: RealmId,
    /// The DNS label of the realm's domain.
    pub realm_label: Hostname,
    pub created_at: Timestamp,
}

/// An organization, and what somebody is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    pub organization: Organization,
    pub role: Role,
}

const COLUMNS: &str = "o.id, o.name, o.personal_of, o.realm_id, r.label, o.created_at";

fn from_row(row: &mut Row) -> Result<Organization> {
    Ok(Organization {
        id: row.take(0)?,
        name: row.take(1)?,
        personal_of: row.take(2)?,
        realm: row.take(3)?,
        realm_label: row.take(4)?,
        created_at: row.take(5)?,
    })
}

fn membership(row: &mut Row) -> Result<Membership> {
    Ok(Membership { organization: from_row(row)?, role: row.take(6)? })
}

/// An organization with its realm, which must be there. Who has a personal one already gets
/// `unique_violation`.
pub fn insert(tx: &mut Tx<'_>, organization: &Organization) -> Result<()> {
    let sql = "INSERT INTO organizations (id, realm_id, name, personal_of, created_at) \
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let Organization { id, name, personal_of, realm, created_at, .. } = organization.clone();
    tx.execute(sql, params![id, realm, name, personal_of, created_at]).map(drop)
}

pub fn add_member(tx: &mut Tx<'_>, org: OrgId, user: UserId, role: Role, at: Timestamp) -> Result<()> {
    let sql = "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![org, user, role, at]).map(drop)
}

pub fn by_id(read: &mut Read<'_>, id: OrgId) -> Result<Option<Organization>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM organizations o JOIN realms r ON r.id = o.realm_id \
        WHERE o.id = ?1 AND o.deleted_at IS NULL"
    );
    read.first(&sql, params![id])?.map(|mut row| from_row(&mut row)).transpose()
}

/// At most two organizations of this name: enough to know whether it is ambiguous. Looks at all of them.
pub fn by_name(read: &mut Read<'_>, name: &str) -> Result<Vec<OrgId>> {
    let sql = "SELECT id FROM organizations WHERE name = ?1 AND deleted_at IS NULL ORDER BY id LIMIT 2";
    read.query(sql, params![name])?.into_iter().map(|mut row| row.take(0)).collect()
}

/// Holds the organization for this transaction, so that no other one changes who is in it; tells whether it
/// is there.
pub fn hold(tx: &mut Tx<'_>, id: OrgId) -> Result<bool> {
    let sql = "UPDATE organizations SET name = name WHERE id = ?1 AND deleted_at IS NULL";
    Ok(tx.execute(sql, params![id])? == 1)
}

pub fn rename(tx: &mut Tx<'_>, id: OrgId, name: &str) -> Result<()> {
    tx.execute("UPDATE organizations SET name = ?2 WHERE id = ?1", params![id, name]).map(drop)
}

/// How many organizations somebody owns.
pub fn count_owned(read: &mut Read<'_>, user: UserId) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM memberships WHERE user_id = ?1 AND role = 'owner'";
    read.first(sql, params![user])?.map_or(Ok(0), |mut row| row.take(0))
}

/// Deletes an organization with all that it has. Of its realm a row stays, so that nobody else's nodes ever
/// stand under its label. The join tokens go first, in the order in which a device that joins asks for them.
pub fn delete(tx: &mut Tx<'_>, id: OrgId, realm: RealmId, at: Timestamp) -> Result<Vec<Node>> {
    tx.execute("DELETE FROM join_tokens WHERE org_id = ?1", params![id])?;
    tx.execute("UPDATE realms SET deleted_at = ?2 WHERE id = ?1", params![realm, at])?;
    let nodes = node::of_realm(tx, realm)?;
    tx.execute("DELETE FROM nodes WHERE realm_id = ?1", params![realm])?;
    tx.execute("DELETE FROM organizations WHERE id = ?1", params![id])?;
    Ok(nodes)
}

/// The organization that a realm belongs to.
pub fn of_realm(read: &mut Read<'_>, realm: RealmId) -> Result<OrgId> {
    let row = read.first("SELECT id FROM organizations WHERE realm_id = ?1", params![realm])?;
    row.ok_or_else(|| Error::bug("a realm belongs to no organization"))?.take(0)
}

/// Where a user is a member: the personal one first, then by age.
pub fn memberships_of(read: &mut Read<'_>, user: UserId) -> Result<Vec<Membership>> {
    let sql = format!(
        "SELECT {COLUMNS}, m.role FROM memberships m \
        JOIN organizations o ON o.id = m.org_id JOIN realms r ON r.id = o.realm_id \
        WHERE m.user_id = ?1 AND o.deleted_at IS NULL \
        ORDER BY CASE WHEN o.personal_of = ?1 THEN 0 ELSE 1 END, o.id"
    );
    read.query(&sql, params![user])?.iter_mut().map(membership).collect()
}
