//! The public halves of the keys that ID tokens are signed with. The private halves are sealed secrets.

use crate::core::id::SigningKeyId;
use crate::core::{Result, Timestamp};
use crate::params;
use crate::store::{Read, Row, Tx};

/// A row of `signing_keys`.
#[derive(Clone, Debug)]
pub struct SigningKey {
    pub id: SigningKeyId,
    /// A point of P-256, uncompressed: 65 bytes.
    pub public: Vec<u8>,
    pub created_at: Timestamp,
}

fn from_row(mut row: Row) -> Result<SigningKey> {
    Ok(SigningKey { id: row.take(0)?, public: row.take(1)?, created_at: row.take(2)? })
}

/// All of them, the newest first.
pub fn list(read: &mut Read<'_>) -> Result<Vec<SigningKey>> {
    let sql = "SELECT id, public_key, created_at FROM signing_keys ORDER BY id DESC";
    read.query(sql, params![])?.into_iter().map(from_row).collect()
}

pub fn insert(tx: &mut Tx<'_>, key: &SigningKey) -> Result<()> {
    let sql = "INSERT INTO signing_keys (id, public_key, created_at) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![key.id, key.public.clone(), key.created_at]).map(drop)
}

pub fn delete(tx: &mut Tx<'_>, id: SigningKeyId) -> Result<()> {
    tx.execute("DELETE FROM signing_keys WHERE id = ?1", params![id]).map(drop)
}
