//! What the coordinator must read back (its own private keys), sealed before it comes here.

use super::engine::params;
use super::{Read, Row, Tx};
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
    read.first(sql, params![name])?.map(from_row).transpose()
}

fn from_row(mut row: Row) -> Result<SealedSecret> {
    let (name, key_id, sealed, created_at) = (row.take(0)?, row.take(1)?, row.take(2)?, row.take(3)?);
    Ok(SealedSecret { name, key_id, sealed, created_at })
}

/// Every one of them: a handful, and one for each provider.
pub fn all(read: &mut Read<'_>) -> Result<Vec<SealedSecret>> {
    let rows =
        read.query("SELECT name, key_id, sealed, created_at FROM sealed_secrets ORDER BY name", params![])?;
    rows.into_iter().map(from_row).collect()
}

/// Puts another seal around a secret; not when somebody else has done so since it was read.
pub fn reseal(tx: &mut Tx<'_>, name: &str, old_key: &str, new_key: &str, sealed: Vec<u8>) -> Result<bool> {
    let sql = "UPDATE sealed_secrets SET key_id = ?3, sealed = ?4 WHERE name = ?1 AND key_id = ?2";
    Ok(tx.execute(sql, params![name, old_key, new_key, sealed])? == 1)
}

/// Forgets all of them; tells how many there were.
pub fn delete_all(tx: &mut Tx<'_>) -> Result<u64> {
    tx.execute("DELETE FROM sealed_secrets", params![])
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
