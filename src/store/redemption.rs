//! Uses of join tokens: one row for each, bound to the machine key that took it.

use super::{Read, Row, Tx};
use crate::core::id::{NodeId, RedemptionId, TokenId};
use crate::core::key::MachineKey;
use crate::core::secret::SecretHash;
use crate::core::{Result, Timestamp};
use crate::params;

/// One use of a join token, without the hashes of what it minted.
#[derive(Clone, Debug)]
pub struct RedemptionRow {
    pub id: RedemptionId,
    pub token_id: TokenId,
    /// `None`: no device has registered with it yet.
    pub machine_key: Option<MachineKey>,
    pub node_id: Option<NodeId>,
    /// When an unregistered use goes back to the token.
    pub expires_at: Timestamp,
}

/// What a new redemption is made of.
pub struct NewRedemption {
    pub id: RedemptionId,
    pub token_id: TokenId,
    /// The minted auth key; `None`: the token's own was used.
    pub auth_key: Option<SecretHash>,
    pub worker_key: Option<SecretHash>,
    pub machine_key: Option<MachineKey>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

const SELECT: &str = "SELECT id, token_id, machine_key, node_id, expires_at FROM redemptions";

impl RedemptionRow {
    fn read(mut row: Row) -> Result<Self> {
        Ok(RedemptionRow {
            id: row.take(0)?,
            token_id: row.take(1)?,
            machine_key: row.take(2)?,
            node_id: row.take(3)?,
            expires_at: row.take(4)?,
        })
    }
}

/// Writes it, unless this machine has a use of this token already; tells whether it did.
pub fn insert(tx: &mut Tx<'_>, new: &NewRedemption) -> Result<bool> {
    let sql = "INSERT INTO redemptions (id, token_id, auth_key_hash, worker_key_hash, machine_key, created_at, \
               expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (token_id, machine_key) DO NOTHING";
    let (auth_key, worker_key) = (new.auth_key, new.worker_key);
    let params =
        params![new.id, new.token_id, auth_key, worker_key, new.machine_key, new.created_at, new.expires_at];
    Ok(tx.execute(sql, params)? == 1)
}

pub fn by_auth_key(db: &mut Read<'_>, auth_key: SecretHash) -> Result<Option<RedemptionRow>> {
    let sql = format!("{SELECT} WHERE auth_key_hash = ?1");
    db.first(&sql, params![auth_key])?.map(RedemptionRow::read).transpose()
}

pub fn by_worker_key(db: &mut Read<'_>, worker_key: SecretHash) -> Result<Option<RedemptionRow>> {
    let sql = format!("{SELECT} WHERE worker_key_hash = ?1");
    db.first(&sql, params![worker_key])?.map(RedemptionRow::read).transpose()
}

pub fn of_machine(db: &mut Read<'_>, token: TokenId, machine: MachineKey) -> Result<Option<RedemptionRow>> {
    let sql = format!("{SELECT} WHERE token_id = ?1 AND machine_key = ?2");
    db.first(&sql, params![token, machine])?.map(RedemptionRow::read).transpose()
}

/// Binds an unregistered use to the machine that shows its key; tells whether it was still unbound.
pub fn bind(tx: &mut Tx<'_>, id: RedemptionId, machine: MachineKey) -> Result<bool> {
    let sql = "UPDATE redemptions SET machine_key = ?2 WHERE id = ?1 AND machine_key IS NULL";
    Ok(tx.execute(sql, params![id, machine])? == 1)
}

/// Notes the node that a use became.
pub fn bind_node(tx: &mut Tx<'_>, id: RedemptionId, node: NodeId) -> Result<()> {
    tx.execute("UPDATE redemptions SET node_id = ?2 WHERE id = ?1", params![id, node])?;
    Ok(())
}

/// Deletes it, and with it the keys that it minted; tells whether it was there.
pub fn delete(tx: &mut Tx<'_>, id: RedemptionId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM redemptions WHERE id = ?1", params![id])? == 1)
}

/// Deletes it if no device has registered with it; tells whether it did.
pub fn delete_unregistered(tx: &mut Tx<'_>, id: RedemptionId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM redemptions WHERE id = ?1 AND machine_key IS NULL", params![id])? == 1)
}

/// Uses that no device has registered with in time.
pub fn unregistered(db: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<RedemptionRow>> {
    let sql = format!("{SELECT} WHERE machine_key IS NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2");
    db.query(&sql, params![now, limit])?.into_iter().map(RedemptionRow::read).collect()
}
