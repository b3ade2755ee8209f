//! People with accounts.

use super::engine::params;
use super::{Read, Row, Tx};
use crate::core::id::{UserId, UserNumber};
use crate::core::user::Email;
use crate::core::{Result, Timestamp};

/// A row of `users`, without its password hash.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub id: UserId,
    pub number: UserNumber,
    pub email: Email,
    /// Administers the coordinator itself.
    pub admin: bool,
    /// May not log in since then.
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
}

const SELECT: &str =
    "SELECT id, number, email, admin, disabled_at, created_at, last_login_at, password_hash FROM users";

fn from_row(row: &mut Row) -> Result<User> {
    Ok(User {
        id: row.take(0)?,
        number: UserNumber(row.take(1)?),
        email: row.take(2)?,
        admin: row.take(3)?,
        disabled_at: row.take(4)?,
        created_at: row.take(5)?,
        last_login_at: row.take(6)?,
    })
}

/// Tells whether it was inserted: not when somebody has that e-mail address already. Without a password hash
/// they log in elsewhere.
pub fn insert(tx: &mut Tx<'_>, user: &User, password_hash: Option<String>) -> Result<bool> {
    let sql = "INSERT INTO users (id, number, email, password_hash, admin, created_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (email) DO NOTHING";
    let User { id, number, email, admin, created_at, .. } = user.clone();
    Ok(tx.execute(sql, params![id, number.0, email, password_hash, admin, created_at])? == 1)
}

pub fn by_id(read: &mut Read<'_>, id: UserId) -> Result<Option<User>> {
    read.first(&format!("{SELECT} WHERE id = ?1"), params![id])?.map(|mut row| from_row(&mut row)).transpose()
}

pub fn by_email(read: &mut Read<'_>, email: &Email) -> Result<Option<User>> {
    Ok(with_password(read, email)?.map(|(user, _)| user))
}

/// The user and the password hash; no hash for somebody who logs in elsewhere.
pub fn with_password(read: &mut Read<'_>, email: &Email) -> Result<Option<(User, Option<String>)>> {
    let row = read.first(&format!("{SELECT} WHERE email = ?1"), params![email.clone()])?;
    row.map(|mut row| Ok((from_row(&mut row)?, row.take(7)?))).transpose()
}

/// Whether the account has a password.
pub fn has_password(read: &mut Read<'_>, id: UserId) -> Result<bool> {
    let sql = "SELECT 1 FROM users WHERE id = ?1 AND password_hash IS NOT NULL";
    Ok(read.first(sql, params![id])?.is_some())
}

/// At most `limit` users after the one with number `after`, oldest first.
pub fn list(read: &mut Read<'_>, after: UserNumber, limit: i64) -> Result<Vec<User>> {
    let sql = format!("{SELECT} WHERE number > ?1 ORDER BY number LIMIT ?2");
    read.query(&sql, params![after.0, limit])?.iter_mut().map(from_row).collect()
}

pub fn any_exists(read: &mut Read<'_>) -> Result<bool> {
    Ok(read.first("SELECT 1 FROM users LIMIT 1", &[])?.is_some())
}

/// Holds the account for this transaction, and tells whether a log-in may begin: not when the account has been disabled,
/// or the password changed, since `password_hash` was read. Log-ins of one user wait here for each other.
pub fn hold_with_password(tx: &mut Tx<'_>, id: UserId, password_hash: &str) -> Result<bool> {
    let sql = "UPDATE users SET number = number \
        WHERE id = ?1 AND password_hash = ?2 AND disabled_at IS NULL";
    Ok(tx.execute(sql, params![id, password_hash])? == 1)
}

/// Notes a log-in of who has shown who they are; tells whether it may begin: not when the account is disabled. Log-ins
/// of one user wait here for each other.
pub fn begin_proven_log_in(tx: &mut Tx<'_>, id: UserId, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE users SET last_login_at = ?2 WHERE id = ?1 AND disabled_at IS NULL";
    Ok(tx.execute(sql, params![id, at])? == 1)
}

/// Holds the account for this transaction: others that hold it wait.
pub fn hold(tx: &mut Tx<'_>, id: UserId) -> Result<()> {
    tx.execute("UPDATE users SET number = number WHERE id = ?1", params![id]).map(drop)
}

/// Tells whether this changed anything.
pub fn disable(tx: &mut Tx<'_>, id: UserId, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE users SET disabled_at = ?2 WHERE id = ?1 AND disabled_at IS NULL";
    Ok(tx.execute(sql, params![id, at])? == 1)
}

/// Tells whether this changed anything.
pub fn enable(tx: &mut Tx<'_>, id: UserId) -> Result<bool> {
    let sql = "UPDATE users SET disabled_at = NULL WHERE id = ?1 AND disabled_at IS NOT NULL";
    Ok(tx.execute(sql, params![id])? == 1)
}

pub fn set_password(tx: &mut Tx<'_>, id: UserId, password_hash: &str) -> Result<()> {
    tx.execute("UPDATE users SET password_hash = ?2 WHERE id = ?1", params![id, password_hash]).map(drop)
}

/// Changes a password that is still the one that `old` was made of; tells whether it was.
pub fn replace_password(tx: &mut Tx<'_>, id: UserId, old: &str, new: &str) -> Result<bool> {
    let sql = "UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";
    Ok(tx.execute(sql, params![id, old, new])? == 1)
}
