//! Nodes. What a person or a registration decides is guarded by `revision`; what a device reports is written
//! over without asking.

use std::collections::HashMap;

use super::engine::params;
use super::{Read, Row, Tx, Value};
use crate::core::address::Address;
use crate::core::id::{NodeId, NodeNumber, RealmId, UserId};
use crate::core::key::{MachineKey, NodeKey};
use crate::core::node::{Node, Owner, Report};
use crate::core::{Error, Kind, Result, Timestamp};

const SELECT: &str = "SELECT n.id, n.number, n.realm_id, n.owner_id, u.email, n.machine_key, \
    n.node_key, n.name, n.renamed, n.address, n.tags, n.ephemeral, n.approved_routes, n.created_at, \
    n.key_expires_at, n.revision, n.disco_key, n.endpoints, n.home_relay, n.capability, n.hostinfo, \
    n.first_seen_at, n.last_seen_at, n.connected \
    FROM nodes n JOIN users u ON u.id = n.owner_id ";

fn from_row(mut row: Row) -> Result<Node> {
    Ok(Node {
        id: row.take(0)?,
        number: NodeNumber(row.take(1)?),
        realm: row.take(2)?,
        owner: Owner { id: row.take(3)?, email: row.take(4)? },
        machine_key: row.take(5)?,
        node_key: row.take(6)?,
        name: row.take(7)?,
        renamed: row.take(8)?,
        address: Address::at_or_after(small(row.take(9)?)?),
        tags: json(&row.take::<String>(10)?)?,
        ephemeral: row.take(11)?,
        approved_routes: json(&row.take::<String>(12)?)?,
        created_at: row.take(13)?,
        key_expires_at: row.take(14)?,
        revision: row.take(15)?,
        report: report(&mut row)?,
    })
}

fn report(row: &mut Row) -> Result<Report> {
    Ok(Report {
        disco_key: row.take(16)?,
        endpoints: json(&row.take::<String>(17)?)?,
        home_relay: small(row.take(18)?)?,
        capability: small(row.take(19)?)?,
        hostinfo: json(&row.take::<String>(20)?)?,
        first_seen_at: row.take(21)?,
        last_seen_at: row.take(22)?,
        connected: row.take(23)?,
    })
}

fn small<T: TryFrom<i64>>(number: i64) -> Result<T> {
    T::try_from(number).map_err(|_| Error::bug(format!("the database holds {number} where it cannot stand")))
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|e| Error::bug("the database holds JSON that is not readable").source(e))
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::bug("a node cannot be written as JSON").source(e))
}

pub fn by_id(read: &mut Read<'_>, id: NodeId) -> Result<Option<Node>> {
    read.first(&format!("{SELECT} WHERE n.id = ?1"), params![id])?.map(from_row).transpose()
}

pub fn by_key(read: &mut Read<'_>, key: NodeKey) -> Result<Option<Node>> {
    read.first(&format!("{SELECT} WHERE n.node_key = ?1"), params![key])?.map(from_row).transpose()
}

/// The node that a machine has in a realm: at most one.
pub fn by_machine(read: &mut Read<'_>, realm: RealmId, key: MachineKey) -> Result<Option<Node>> {
    let sql = format!("{SELECT} WHERE n.realm_id = ?1 AND n.machine_key = ?2");
    read.first(&sql, params![realm, key])?.map(from_row).transpose()
}

pub fn by_name(read: &mut Read<'_>, realm: RealmId, name: &str) -> Result<Option<Node>> {
    let sql = format!("{SELECT} WHERE n.realm_id = ?1 AND n.name = ?2");
    read.first(&sql, params![realm, name])?.map(from_row).transpose()
}

/// All nodes of a realm.
pub fn of_realm(read: &mut Read<'_>, realm: RealmId) -> Result<Vec<Node>> {
    let sql = format!("{SELECT} WHERE n.realm_id = ?1 ORDER BY n.number");
    read.query(&sql, params![realm])?.into_iter().map(from_row).collect()
}

/// How many nodes a realm has.
pub fn count(read: &mut Read<'_>, realm: RealmId) -> Result<usize> {
    let row = read.first("SELECT COUNT(*) FROM nodes WHERE realm_id = ?1", params![realm])?;
    let count: i64 = row.map_or(Ok(0), |mut row| row.take(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// When each node of a realm was seen last, as far as the database knows.
pub fn last_seen(read: &mut Read<'_>, realm: RealmId) -> Result<Vec<(NodeNumber, Option<Timestamp>)>> {
    let rows = read.query("SELECT number, last_seen_at FROM nodes WHERE realm_id = ?1", params![realm])?;
    rows.into_iter().map(|mut row| Ok((NodeNumber(row.take(0)?), row.take(1)?))).collect()
}

pub fn by_number(read: &mut Read<'_>, number: NodeNumber) -> Result<Option<Node>> {
    read.first(&format!("{SELECT} WHERE n.number = ?1"), params![number.0])?.map(from_row).transpose()
}

/// At most `limit` nodes of a realm, those after `after` in the order of their numbers.
pub fn page(read: &mut Read<'_>, realm: RealmId, after: NodeNumber, limit: i64) -> Result<Vec<Node>> {
    let sql = format!("{SELECT} WHERE n.realm_id = ?1 AND n.number > ?2 ORDER BY n.number LIMIT ?3");
    read.query(&sql, params![realm, after.0, limit])?.into_iter().map(from_row).collect()
}

/// Somebody's own devices in a realm: the tagged ones are the realm's.
pub fn of_owner(read: &mut Read<'_>, realm: RealmId, owner: UserId) -> Result<Vec<Node>> {
    let sql =
        format!("{SELECT} WHERE n.realm_id = ?1 AND n.owner_id = ?2 AND n.tags = '[]' ORDER BY n.number");
    read.query(&sql, params![realm, owner])?.into_iter().map(from_row).collect()
}

/// Realms with ephemeral nodes, which someone has to watch from the start.
pub fn realms_with_ephemeral(read: &mut Read<'_>) -> Result<Vec<RealmId>> {
    let sql = "SELECT DISTINCT realm_id FROM nodes WHERE ephemeral = 1";
    read.query(sql, params![])?.into_iter().map(|mut row| row.take(0)).collect()
}

/// The names in a realm that begin with `base`, which holds letters, digits and hyphens only.
pub fn names_like(read: &mut Read<'_>, realm: RealmId, base: &str) -> Result<Vec<String>> {
    let sql = "SELECT name FROM nodes WHERE realm_id = ?1 AND name LIKE ?2";
    read.query(sql, params![realm, format!("{base}%")])?.into_iter().map(|mut row| row.take(0)).collect()
}

/// Holds the realm for this transaction, so that no other one chooses a name or an address in it.
pub fn lock_realm(tx: &mut Tx<'_>, realm: RealmId) -> Result<()> {
    let sql = "UPDATE realms SET next_address = next_address WHERE id = ?1 AND deleted_at IS NULL";
    match tx.execute(sql, params![realm])? {
        1 => Ok(()),
        _ => Err(Error::new(Kind::NotFound, "realm_not_found", "this mesh has been deleted")),
    }
}

/// An address that no node of the realm has. The realm is locked.
pub fn next_address(tx: &mut Tx<'_>, realm: RealmId) -> Result<Address> {
    let mut row = tx
        .first("SELECT next_address FROM realms WHERE id = ?1", params![realm])?
        .ok_or_else(|| Error::bug("a locked realm is missing"))?;
    let mut address = Address::at_or_after(small(row.take(0)?)?);
    let taken = "SELECT 1 FROM nodes WHERE realm_id = ?1 AND address = ?2";
    while tx.first(taken, params![realm, i64::from(address.offset())])?.is_some() {
        address = address.next();
    }
    let next = i64::from(address.next().offset());
    tx.execute("UPDATE realms SET next_address = ?2 WHERE id = ?1", params![realm, next])?;
    Ok(address)
}

/// What the columns of a report hold, from `disco_key` to `connected`, in the order that [`insert`] and
/// [`save_reports`] name them.
fn report_values(report: &Report) -> Result<[Value; 8]> {
    Ok([
        report.disco_key.into(),
        to_json(&report.endpoints)?.into(),
        i64::from(report.home_relay).into(),
        i64::from(report.capability).into(),
        to_json(&report.hostinfo)?.into(),
        report.first_seen_at.into(),
        report.last_seen_at.into(),
        report.connected.into(),
    ])
}

pub fn insert(tx: &mut Tx<'_>, node: &Node) -> Result<()> {
    let sql = "INSERT INTO nodes (id, number, realm_id, owner_id, machine_key, node_key, name, renamed, \
        address, tags, ephemeral, approved_routes, created_at, key_expires_at, revision, disco_key, endpoints, \
        home_relay, capability, hostinfo, first_seen_at, last_seen_at, connected) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)";
    let values = params![
        node.id,
        node.number.0,
        node.realm,
        node.owner.id,
        node.machine_key,
        node.node_key,
        node.name.as_str(),
        node.renamed,
        i64::from(node.address.offset()),
        to_json(&node.tags)?,
        node.ephemeral,
        to_json(&node.approved_routes)?,
        node.created_at,
        node.key_expires_at,
        node.revision,
    ];
    let values = [values.as_slice(), &report_values(&node.report)?].concat();
    tx.execute(sql, &values).map(|_| ())
}

/// Writes all but the report, and moves the revision on. Fails with `changed_meanwhile` where somebody
/// else has changed the node since it was read.
pub fn save(tx: &mut Tx<'_>, node: &mut Node) -> Result<()> {
    let sql = "UPDATE nodes SET owner_id = ?3, node_key = ?4, name = ?5, renamed = ?6, tags = ?7, \
        ephemeral = ?8, approved_routes = ?9, key_expires_at = ?10, revision = revision + 1 \
        WHERE id = ?1 AND revision = ?2";
    let values = params![
        node.id,
        node.revision,
        node.owner.id,
        node.node_key,
        node.name.as_str(),
        node.renamed,
        to_json(&node.tags)?,
        node.ephemeral,
        to_json(&node.approved_routes)?,
        node.key_expires_at,
    ];
    if tx.execute(sql, values)? != 1 {
        let what = format!("the node {} has been changed by somebody else just now", node.name);
        return Err(Error::new(Kind::Conflict, "changed_meanwhile", what).hint("try again"));
    }
    node.revision += 1;
    Ok(())
}

/// Writes what devices have said of themselves. Nodes that are gone are passed over.
pub fn save_reports(tx: &mut Tx<'_>, reports: &HashMap<NodeNumber, Report>) -> Result<()> {
    let sql = "UPDATE nodes SET disco_key = ?2, endpoints = ?3, home_relay = ?4, capability = ?5, \
        hostinfo = ?6, first_seen_at = ?7, last_seen_at = ?8, connected = ?9 WHERE number = ?1";
    for (number, report) in reports {
        let values = [params![number.0].as_slice(), &report_values(report)?].concat();
        tx.execute(sql, &values)?;
    }
    Ok(())
}

/// At most `limit` of those who are connected, after `after` in the order of their numbers, were last seen at
/// `at` and are so no more. Gives the last of them.
pub fn leave(tx: &mut Tx<'_>, after: NodeNumber, limit: i64, at: Timestamp) -> Result<Option<NodeNumber>> {
    let sql = "UPDATE nodes SET last_seen_at = ?3, connected = 0 WHERE number IN \
        (SELECT number FROM nodes WHERE connected = 1 AND number > ?1 ORDER BY number LIMIT ?2) \
        RETURNING number";
    let left = tx.query(sql, params![after.0, limit, at])?;
    let numbers = left.into_iter().map(|mut row| row.take(0)).collect::<Result<Vec<i64>>>()?;
    Ok(numbers.into_iter().max().map(NodeNumber))
}

/// Whether there was such a node.
pub fn delete(tx: &mut Tx<'_>, id: NodeId) -> Result<bool> {
    tx.execute("DELETE FROM nodes WHERE id = ?1", params![id]).map(|rows| rows == 1)
}

/// The label of a realm that is there.
pub fn realm_label(read: &mut Read<'_>, realm: RealmId) -> Result<Option<String>> {
    let sql = "SELECT label FROM realms WHERE id = ?1 AND deleted_at IS NULL";
    read.first(sql, params![realm])?.map(|mut row| row.take(0)).transpose()
}

/// When a node key is over, and whose realm it is in: what the relay has to know of a client.
pub fn admission(read: &mut Read<'_>, key: NodeKey) -> Result<Option<(RealmId, Option<Timestamp>)>> {
    let sql = "SELECT realm_id, key_expires_at FROM nodes WHERE node_key = ?1";
    read.first(sql, params![key])?.map(|mut row| Ok((row.take(0)?, row.take(1)?))).transpose()
}
