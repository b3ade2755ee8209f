//! What the coordinator must read back (its own private keys), sealed before it comes here.

use super::engine::params;
use super::{Read, Tx};
use crate::core::{Result, Timestamp};

/// A row of `sealed_secrets`.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedSecret {
    pub name: String,
    /// Which master key it is sealed with.
    pub key_id: String,
    pub sealed: Vec<u8>,
    pub created_at: Timestamp,
}

pub fn by_name(read: &mut Read<'_>, name: &str) -> Result<Option<SealedSecret>> {
    let sql = "SELECT name, key_id, sealed, created_at FROM sealed_secrets WHERE name = ?1";
    let Some(mut row) = read.first(sql, params![name])? else { return Ok(None) };
    let (name, key_id, sealed, created_at) = (row.take(0)?, row.take(1)?, row.take(2)?, row.take(3)?);
    Ok(Some(SealedSecret { name, key_id, sealed, created_at }))
}

pub fn any_exists(read: &mut Read<'_>) -> Result<bool> {
    Ok(read.first("SELECT name FROM sealed_secrets LIMIT 1", params![])?.is_some())
}

/// Tells whether it was inserted: not when there is one of that name, which then stands.
pub fn insert(tx: &mut Tx<'_>, secret: &SealedSecret) -> Result<bool> {
    let sql = "INSERT INTO sealed_secrets (name, key_id, sealed, created_at) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (name) DO NOTHING";
    let SealedSecret { name, key_id, sealed, created_at } = secret.clone();
    Ok(tx.execute(sql, params![name, key_id, sealed, created_at])? == 1)
}

/// Forgets one.
pub fn delete(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    tx.execute("DELETE FROM sealed_secrets WHERE name = ?1", params![name]).map(drop)
}
