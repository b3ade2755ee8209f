//! Realms: isolated meshes, each with the label of its domain.

use super::Tx;
use super::engine::params;
use crate::core::id::RealmId;
use crate::core::name::Hostname;
use crate::core::{Result, Timestamp};

/// Tells whether it was inserted: not when the label is taken, be it by a realm that is gone.
pub fn insert(tx: &mut Tx<'_>, id: RealmId, label: &Hostname, at: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO realms (id, label, next_address, created_at) VALUES (?1, ?2, 1, ?3) \
        ON CONFLICT (label) DO NOTHING";
    Ok(tx.execute(sql, params![id, label.clone(), at])? == 1)
}
