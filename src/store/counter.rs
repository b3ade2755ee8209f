//! The numbers that the coordination protocol needs: they grow, and are never given twice.

use super::Tx;
use super::engine::params;
use crate::core::id::{NodeNumber, UserNumber};
use crate::core::{Error, Result};

/// A number that no node has had. Other transactions that want one wait for this one to end.
pub fn next_node(tx: &mut Tx<'_>) -> Result<NodeNumber> {
    next(tx, "node").map(NodeNumber)
}

/// A number that no user has had; the first is 1. Other transactions that want one wait for this one to end.
pub fn next_user(tx: &mut Tx<'_>) -> Result<UserNumber> {
    next(tx, "user").map(UserNumber)
}

fn next(tx: &mut Tx<'_>, name: &str) -> Result<i64> {
    let sql = "UPDATE counters SET value = value + 1 WHERE name = ?1 RETURNING value";
    let row = tx.first(sql, params![name])?;
    row.ok_or_else(|| Error::bug(format!("the counter {name} is missing")))?.take(0)
}
