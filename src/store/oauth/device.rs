//! Devices without a browser that wait for a person (RFC 8628).

use std::net::IpAddr;
use std::time::Duration;

use crate::core::id::{AppId, FamilyId, UserId};
use crate::core::oauth::ScopeSet;
use crate::core::secret::SecretHash;
use crate::core::{Result, Timestamp};
use crate::params;
use crate::store::{Read, Row, Tx};

/// One waiting device.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    pub device: SecretHash,
    pub user_code: SecretHash,
    /// `None`: the command line of `wonder` itself.
    pub app: Option<AppId>,
    /// What the device calls itself.
    pub label: String,
    /// Where it asked from.
    pub address: Option<IpAddr>,
    pub scopes: ScopeSet,
    /// How long it must wait between two looks.
    pub interval: Duration,
    pub polled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub refused_at: Option<Timestamp>,
    pub approved_by: Option<UserId>,
    /// Approved for an app.
    pub family: Option<FamilyId>,
}

const SELECT: &str = "SELECT device_hash, user_hash, app_id, label, address, scopes, poll_interval, polled_at, \
    created_at, expires_at, refused_at, approved_by, family_id FROM device_codes";

fn from_row(mut row: Row) -> Result<DeviceRow> {
    let interval: i64 = row.take(6)?;
    Ok(DeviceRow {
        device: row.take(0)?,
        user_code: row.take(1)?,
        app: row.take(2)?,
        label: row.take(3)?,
        address: row.take(4)?,
        scopes: row.take(5)?,
        interval: Duration::from_millis(u64::try_from(interval).unwrap_or(0)),
        polled_at: row.take(7)?,
        created_at: row.take(8)?,
        expires_at: row.take(9)?,
        refused_at: row.take(10)?,
        approved_by: row.take(11)?,
        family: row.take(12)?,
    })
}

/// Tells whether it was inserted: not when another device has the same code to type.
pub fn insert(tx: &mut Tx<'_>, new: &DeviceRow) -> Result<bool> {
    let sql = "INSERT INTO device_codes (device_hash, user_hash, app_id, label, address, scopes, poll_interval, \
        created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (user_hash) DO NOTHING";
    let interval = i64::try_from(new.interval.as_millis()).unwrap_or(i64::MAX);
    let DeviceRow { device, user_code, app, label, address, scopes, created_at, expires_at, .. } =
        new.clone();
    let values = params![device, user_code, app, label, address, scopes, interval, created_at, expires_at];
    Ok(tx.execute(sql, values)? == 1)
}

pub fn by_device_code(read: &mut Read<'_>, hash: SecretHash) -> Result<Option<DeviceRow>> {
    read.first(&format!("{SELECT} WHERE device_hash = ?1"), params![hash])?.map(from_row).transpose()
}

/// The device that shows this code, if nobody has decided about it and its time is not over.
pub fn waiting(read: &mut Read<'_>, user_code: SecretHash, now: Timestamp) -> Result<Option<DeviceRow>> {
    let sql = format!(
        "{SELECT} WHERE user_hash = ?1 AND expires_at > ?2 AND refused_at IS NULL AND approved_by IS NULL"
    );
    read.first(&sql, params![user_code, now])?.map(from_row).transpose()
}

/// Notes a look of the device, and how long it must wait until the next.
pub fn polled(tx: &mut Tx<'_>, device: SecretHash, now: Timestamp, interval: Duration) -> Result<()> {
    let sql = "UPDATE device_codes SET polled_at = ?2, poll_interval = ?3 WHERE device_hash = ?1";
    let interval = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    tx.execute(sql, params![device, now, interval]).map(drop)
}

/// Tells whether nobody had decided before.
pub fn refuse(tx: &mut Tx<'_>, device: SecretHash, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE device_codes SET refused_at = ?2 \
        WHERE device_hash = ?1 AND refused_at IS NULL AND approved_by IS NULL";
    Ok(tx.execute(sql, params![device, now])? == 1)
}

/// Tells whether nobody had decided before.
pub fn approve(tx: &mut Tx<'_>, device: SecretHash, by: UserId, family: Option<FamilyId>) -> Result<bool> {
    let sql = "UPDATE device_codes SET approved_by = ?2, family_id = ?3 \
        WHERE device_hash = ?1 AND refused_at IS NULL AND approved_by IS NULL";
    Ok(tx.execute(sql, params![device, by, family])? == 1)
}

/// Tells whether it was there.
pub fn delete(tx: &mut Tx<'_>, device: SecretHash) -> Result<bool> {
    Ok(tx.execute("DELETE FROM device_codes WHERE device_hash = ?1", params![device])? == 1)
}

/// How many devices wait.
pub fn count(read: &mut Read<'_>, now: Timestamp) -> Result<i64> {
    let row = read.first("SELECT COUNT(*) FROM device_codes WHERE expires_at > ?1", params![now])?;
    row.map_or(Ok(0), |mut row| row.take(0))
}

/// Forgets those that were over before `before`.
pub fn delete_expired(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM device_codes WHERE expires_at < ?1", params![before])
}
