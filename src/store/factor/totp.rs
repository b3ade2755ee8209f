//! Codes by time: at most one secret an account, which is sealed elsewhere.

use crate::core::id::UserId;
use crate::core::{Result, Timestamp};
use crate::store::engine::params;
use crate::store::{Read, Row, Tx};

/// A row of `totp`.
#[derive(Clone, Debug, PartialEq)]
pub struct Totp {
    pub user: UserId,
    /// With the user it names the secret: another one has another.
    pub created_at: Timestamp,
    /// None: no code of it has been shown yet.
    pub confirmed_at: Option<Timestamp>,
    /// Of the last code that was accepted.
    pub last_step: i64,
}

fn from_row(mut row: Row) -> Result<Totp> {
    let (user, created_at, confirmed_at) = (row.take(0)?, row.take(1)?, row.take(2)?);
    Ok(Totp { user, created_at, confirmed_at, last_step: row.take(3)? })
}

const SELECT: &str = "SELECT user_id, created_at, confirmed_at, last_step FROM totp";

pub fn of_user(read: &mut Read<'_>, user: UserId) -> Result<Option<Totp>> {
    read.first(&format!("{SELECT} WHERE user_id = ?1"), params![user])?.map(from_row).transpose()
}

/// Whether there are codes that count.
pub fn counts(read: &mut Read<'_>, user: UserId) -> Result<bool> {
    let sql = "SELECT 1 FROM totp WHERE user_id = ?1 AND confirmed_at IS NOT NULL";
    Ok(read.first(sql, params![user])?.is_some())
}

/// Keeps one that is to be confirmed, in place of another such; tells whether it did: not where one is confirmed.
pub fn begin(tx: &mut Tx<'_>, user: UserId, at: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO totp (user_id, created_at, last_step) VALUES (?1, ?2, -1) \
        ON CONFLICT (user_id) DO UPDATE SET created_at = excluded.created_at, last_step = -1 \
        WHERE totp.confirmed_at IS NULL";
    Ok(tx.execute(sql, params![user, at])? == 1)
}

/// Tells whether this confirmed it: not when it is confirmed already, or was begun anew.
pub fn confirm(tx: &mut Tx<'_>, totp: &Totp, step: i64, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE totp SET confirmed_at = ?4, last_step = ?3 \
        WHERE user_id = ?1 AND created_at = ?2 AND confirmed_at IS NULL";
    Ok(tx.execute(sql, params![totp.user, totp.created_at, step, at])? == 1)
}

/// Uses the code of a step up; tells whether it counted: not when it, or a later one, has been used.
pub fn spend(tx: &mut Tx<'_>, totp: &Totp, step: i64) -> Result<bool> {
    let sql = "UPDATE totp SET last_step = ?3 \
        WHERE user_id = ?1 AND created_at = ?2 AND confirmed_at IS NOT NULL AND last_step < ?3";
    Ok(tx.execute(sql, params![totp.user, totp.created_at, step])? == 1)
}

/// Tells whether there was one.
pub fn delete(tx: &mut Tx<'_>, user: UserId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM totp WHERE user_id = ?1", params![user])? == 1)
}

/// Forgets one that is still not confirmed; tells whether it was.
pub fn leave(tx: &mut Tx<'_>, totp: &Totp) -> Result<bool> {
    let sql = "DELETE FROM totp WHERE user_id = ?1 AND created_at = ?2 AND confirmed_at IS NULL";
    Ok(tx.execute(sql, params![totp.user, totp.created_at])? == 1)
}

/// At most `limit` of those that were begun before `before` and never confirmed.
pub fn left_behind(read: &mut Read<'_>, before: Timestamp, limit: i64) -> Result<Vec<Totp>> {
    let sql = format!("{SELECT} WHERE confirmed_at IS NULL AND created_at < ?1 LIMIT ?2");
    read.query(&sql, params![before, limit])?.into_iter().map(from_row).collect()
}
