//! Who somebody is to an issuer.

use sha2::{Digest as _, Sha256};

use crate::core::id::UserId;
use crate::core::{Result, Timestamp, hex};
use crate::store::engine::params;
use crate::store::{Read, Row, Tx};

/// The most identities of one account that are listed.
const MOST: i64 = 100;

/// A row of `identities`.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    pub issuer: String,
    /// The issuer's name for them, theirs for ever (OpenID Connect Core 1.0 section 5.7).
    pub subject: String,
    pub user: UserId,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
}

impl Identity {
    /// What it is called where people name it: half a SHA-256 of both, in hexadecimal.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(format!("{}\n{}", self.issuer, self.subject));
        hex::encode(&digest[..16])
    }
}

fn from_row(row: &mut Row) -> Result<Identity> {
    Ok(Identity {
        issuer: row.take(0)?,
        subject: row.take(1)?,
        user: row.take(2)?,
        created_at: row.take(3)?,
        last_used_at: row.take(4)?,
    })
}

const SELECT: &str = "SELECT issuer, subject, user_id, created_at, last_used_at FROM identities";

pub fn find(read: &mut Read<'_>, issuer: &str, subject: &str) -> Result<Option<Identity>> {
    let sql = format!("{SELECT} WHERE issuer = ?1 AND subject = ?2");
    read.first(&sql, params![issuer, subject])?.map(|mut row| from_row(&mut row)).transpose()
}

pub fn of_user(read: &mut Read<'_>, user: UserId) -> Result<Vec<Identity>> {
    let sql = format!("{SELECT} WHERE user_id = ?1 ORDER BY created_at, issuer, subject LIMIT ?2");
    read.query(&sql, params![user, MOST])?.iter_mut().map(from_row).collect()
}

/// Tells whether it was inserted: not when it is somebody's already.
pub fn insert(tx: &mut Tx<'_>, identity: &Identity) -> Result<bool> {
    let sql = "INSERT INTO identities (issuer, subject, user_id, created_at, last_used_at) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (issuer, subject) DO NOTHING";
    let Identity { issuer, subject, user, created_at, last_used_at } = identity.clone();
    Ok(tx.execute(sql, params![issuer, subject, user, created_at, last_used_at])? == 1)
}

/// Tells whether it was there.
pub fn delete(tx: &mut Tx<'_>, issuer: &str, subject: &str) -> Result<bool> {
    let sql = "DELETE FROM identities WHERE issuer = ?1 AND subject = ?2";
    Ok(tx.execute(sql, params![issuer, subject])? == 1)
}

/// How many accounts have one at an issuer.
pub fn count_people(read: &mut Read<'_>, issuer: &str) -> Result<i64> {
    let sql = "SELECT COUNT(DISTINCT user_id) FROM identities WHERE issuer = ?1";
    read.first(sql, params![issuer])?.map_or(Ok(0), |mut row| row.take(0))
}

pub fn note_use(tx: &mut Tx<'_>, issuer: &str, subject: &str, at: Timestamp) -> Result<()> {
    let sql = "UPDATE identities SET last_used_at = ?3 WHERE issuer = ?1 AND subject = ?2";
    tx.execute(sql, params![issuer, subject, at]).map(drop)
}
