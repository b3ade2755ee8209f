//! Devices that registered without a key and wait for a person.

use std::net::IpAddr;

use super::engine::params;
use super::{Read, Row, Tx};
use crate::core::id::ApprovalId;
use crate::core::key::{MachineKey, NodeKey};
use crate::core::secret::SecretHash;
use crate::core::{Result, Timestamp};

/// One waiting device.
#[derive(Debug)]
pub struct Approval {
    pub id: ApprovalId,
    pub code_hash: SecretHash,
    pub machine_key: MachineKey,
    pub node_key: NodeKey,
    pub hostname: String,
    pub os: String,
    /// It wishes to be forgotten when it stays away.
    pub ephemeral: bool,
    /// Where it registered from.
    pub address: Option<IpAddr>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

const SELECT: &str = "SELECT id, code_hash, machine_key, node_key, hostname, os, ephemeral, \
    address, created_at, expires_at FROM approvals ";

fn from_row(mut row: Row) -> Result<Approval> {
    Ok(Approval {
        id: row.take(0)?,
        code_hash: row.take(1)?,
        machine_key: row.take(2)?,
        node_key: row.take(3)?,
        hostname: row.take(4)?,
        os: row.take(5)?,
        ephemeral: row.take(6)?,
        address: row.take(7)?,
        created_at: row.take(8)?,
        expires_at: row.take(9)?,
    })
}

pub fn insert(tx: &mut Tx<'_>, approval: &Approval) -> Result<()> {
    let sql = "INSERT INTO approvals \
        (id, code_hash, machine_key, node_key, hostname, os, ephemeral, address, created_at, expires_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let values = params![
        approval.id,
        approval.code_hash,
        approval.machine_key,
        approval.node_key,
        approval.hostname.as_str(),
        approval.os.as_str(),
        approval.ephemeral,
        approval.address,
        approval.created_at,
        approval.expires_at,
    ];
    tx.execute(sql, values).map(|_| ())
}

/// A device that waits under this code and still may.
pub fn waiting(read: &mut Read<'_>, code: SecretHash, now: Timestamp) -> Result<Option<Approval>> {
    let sql = format!("{SELECT} WHERE code_hash = ?1 AND expires_at > ?2 AND refused_at IS NULL");
    read.first(&sql, params![code, now])?.map(from_row).transpose()
}

/// Tells whether this changed anything. The row stays until its time is over, so that the device hears of it.
pub fn refuse(tx: &mut Tx<'_>, id: ApprovalId, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE approvals SET refused_at = ?2 WHERE id = ?1 AND refused_at IS NULL";
    tx.execute(sql, params![id, at]).map(|rows| rows == 1)
}

/// Whether a person has refused the device of this code.
pub fn is_refused(read: &mut Read<'_>, code: SecretHash) -> Result<bool> {
    let sql = "SELECT 1 FROM approvals WHERE code_hash = ?1 AND refused_at IS NOT NULL";
    Ok(read.first(sql, params![code])?.is_some())
}

pub fn delete(tx: &mut Tx<'_>, id: ApprovalId) -> Result<bool> {
    tx.execute("DELETE FROM approvals WHERE id = ?1", params![id]).map(|rows| rows == 1)
}

/// Forgets those whose time is over, and the older ones of a machine that asks again.
pub fn clean(tx: &mut Tx<'_>, machine: MachineKey, now: Timestamp) -> Result<()> {
    let sql = "DELETE FROM approvals WHERE expires_at <= ?1 OR machine_key = ?2";
    tx.execute(sql, params![now, machine]).map(|_| ())
}

/// Where the devices that wait registered from, the oldest first. Cost: all rows, of which there is a bounded number.
pub fn origins(read: &mut Read<'_>) -> Result<Vec<(ApprovalId, Option<IpAddr>)>> {
    let rows = read.query("SELECT id, address FROM approvals ORDER BY created_at, id", params![])?;
    rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect()
}

/// How many devices wait.
pub fn count(read: &mut Read<'_>) -> Result<i64> {
    let row = read.first("SELECT COUNT(*) FROM approvals", params![])?;
    row.map_or(Ok(0), |mut row| row.take(0))
}
