//! Passkeys.

use crate::core::id::{PasskeyId, UserId};
use crate::core::passkey::Credential;
use crate::core::{Error, Result, Timestamp};
use crate::store::engine::params;
use crate::store::{Read, Row, Tx};

/// A row of `passkeys`.
#[derive(Clone, Debug, PartialEq)]
pub struct Passkey {
    pub id: PasskeyId,
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    pub credential: Credential,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT id, user_id, name, credential_id, public_key, state, transports, created_at, \
    last_used_at FROM passkeys";

fn from_row(row: &mut Row) -> Result<Passkey> {
    let transports: i64 = row.take(6)?;
    let transports =
        u8::try_from(transports).map_err(|_| Error::bug("a passkey's transports are no byte"))?;
    let credential =
        Credential { id: row.take(3)?, public_key: row.take(4)?, state: row.take(5)?, transports };
    Ok(Passkey {
        id: row.take(0)?,
        user: row.take(1)?,
        name: row.take(2)?,
        credential,
        created_at: row.take(7)?,
        last_used_at: row.take(8)?,
    })
}

/// The oldest first.
pub fn of_user(read: &mut Read<'_>, user: UserId) -> Result<Vec<Passkey>> {
    let sql = format!("{SELECT} WHERE user_id = ?1 ORDER BY created_at, id");
    read.query(&sql, params![user])?.iter_mut().map(from_row).collect()
}

/// Whether an account has one.
pub fn any_exists(read: &mut Read<'_>, user: UserId) -> Result<bool> {
    Ok(read.first("SELECT 1 FROM passkeys WHERE user_id = ?1 LIMIT 1", params![user])?.is_some())
}

/// As its authenticator calls it.
pub fn by_credential(read: &mut Read<'_>, credential: Vec<u8>) -> Result<Option<Passkey>> {
    let sql = format!("{SELECT} WHERE credential_id = ?1");
    read.first(&sql, params![credential])?.map(|mut row| from_row(&mut row)).transpose()
}

/// Tells whether it was inserted: not when somebody has it already.
pub fn insert(tx: &mut Tx<'_>, passkey: &Passkey) -> Result<bool> {
    let sql = "INSERT INTO passkeys \
        (id, user_id, name, credential_id, public_key, state, transports, created_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (credential_id) DO NOTHING";
    let Passkey { id, user, name, credential: c, created_at, .. } = passkey.clone();
    let transports = i64::from(c.transports);
    let row = params![id, user, name, c.id, c.public_key, c.state, transports, created_at];
    Ok(tx.execute(sql, row)? == 1)
}

/// Notes a use, with what it changed; tells whether it counted: not when the passkey has been used meanwhile, or removed.
pub fn spend(tx: &mut Tx<'_>, passkey: &Passkey, state: Vec<u8>, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE passkeys SET state = ?3, last_used_at = ?4 WHERE id = ?1 AND state = ?2";
    Ok(tx.execute(sql, params![passkey.id, passkey.credential.state.clone(), state, at])? == 1)
}

/// Tells whether there was one of this account.
pub fn delete(tx: &mut Tx<'_>, user: UserId, id: PasskeyId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM passkeys WHERE id = ?1 AND user_id = ?2", params![id, user])? == 1)
}

pub fn delete_of(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM passkeys WHERE user_id = ?1", params![user]).map(drop)
}
