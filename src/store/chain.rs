//! The links between the events of the audit trail, where retention has cut them, and what waits for a link.

use super::audit::{COLUMNS, Event, WIDTH, from_row};
use super::engine::params;
use super::{Read, Row, Tx};
use crate::core::chain::Link;
use crate::core::id::EventId;
use crate::core::{Result, Timestamp};

/// A link as it is stored, with its event where that is there.
#[derive(Clone, Debug)]
pub struct Stored {
    pub link: Link,
    pub stamp: Option<Vec<u8>>,
    pub event: Option<Event>,
}

/// Where retention has cut the chain: the last link that is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    pub link: Link,
    pub stamp: Option<Vec<u8>>,
    pub at: Timestamp,
}

/// Keeps others from linking until this transaction ends.
pub fn lock(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute("UPDATE counters SET value = value + 1 WHERE name = 'audit'", params![]).map(drop)
}

/// An event waits for its link.
pub(super) fn insert_unlinked(tx: &mut Tx<'_>, id: EventId, at: Timestamp) -> Result<()> {
    tx.execute("INSERT INTO audit_unlinked (event_id, at) VALUES (?1, ?2)", params![id, at]).map(drop)
}

pub fn any_unlinked(read: &mut Read<'_>) -> Result<bool> {
    Ok(read.first("SELECT 1 FROM audit_unlinked LIMIT 1", params![])?.is_some())
}

/// The oldest events that wait for a link, at most `limit`.
pub fn unlinked(read: &mut Read<'_>, limit: i64) -> Result<Vec<Event>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM audit_unlinked u JOIN audit_events e ON e.id = u.event_id \
        ORDER BY u.at, u.event_id LIMIT ?1"
    );
    read.query(&sql, params![limit])?.iter_mut().map(from_row).collect()
}

/// The newest link, or where the chain was cut when all of it is gone.
pub fn head(read: &mut Read<'_>) -> Result<Link> {
    let newest = read.first("SELECT seq, hash FROM audit_links ORDER BY seq DESC LIMIT 1", params![])?;
    match newest {
        Some(mut row) => Ok(Link { seq: row.take(0)?, hash: row.take(1)? }),
        None => Ok(last_cut(read)?.map_or(Link::START, |cut| cut.link)),
    }
}

/// Links an event, which waits no longer.
pub fn insert(tx: &mut Tx<'_>, event: &Event, link: Link, stamp: Option<Vec<u8>>) -> Result<()> {
    let sql =
        "INSERT INTO audit_links (seq, event_id, at, org_id, hash, stamp) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.execute(sql, params![link.seq, event.id, event.at, event.org, link.hash, stamp])?;
    tx.execute("DELETE FROM audit_unlinked WHERE event_id = ?1", params![event.id]).map(drop)
}

fn stored_from_row(mut row: Row) -> Result<Stored> {
    let link = Link { seq: row.take(WIDTH)?, hash: row.take(WIDTH + 1)? };
    let stamp = row.take(WIDTH + 2)?;
    let is_there = row.take::<Option<String>>(WIDTH + 3)?.is_some();
    let event = is_there.then(|| from_row(&mut row)).transpose()?;
    Ok(Stored { link, stamp, event })
}

/// The links after number `after`, at most `limit`.
pub fn page(read: &mut Read<'_>, after: i64, limit: i64) -> Result<Vec<Stored>> {
    let sql = format!(
        "SELECT {COLUMNS}, l.seq, l.hash, l.stamp, e.id FROM audit_links l \
        LEFT JOIN audit_events e ON e.id = l.event_id WHERE l.seq > ?1 ORDER BY l.seq LIMIT ?2"
    );
    read.query(&sql, params![after, limit])?.into_iter().map(stored_from_row).collect()
}

pub fn last_cut(read: &mut Read<'_>) -> Result<Option<Cut>> {
    let sql = "SELECT seq, hash, stamp, at FROM audit_cuts ORDER BY seq DESC LIMIT 1";
    let read_cut = |mut row: Row| {
        let link = Link { seq: row.take(0)?, hash: row.take(1)? };
        Ok(Cut { link, stamp: row.take(2)?, at: row.take(3)? })
    };
    read.first(sql, params![])?.map(read_cut).transpose()
}

/// The last link of which it and all before it are of events before `before`, within the oldest `limit`.
pub fn last_before(read: &mut Read<'_>, before: Timestamp, limit: i64) -> Result<Option<Link>> {
    let sql = "SELECT seq, hash FROM audit_links WHERE at < ?1 \
        AND seq < COALESCE((SELECT MIN(seq) FROM audit_links WHERE at >= ?1), 9223372036854775807) \
        AND seq < (SELECT MIN(seq) FROM audit_links) + ?2 ORDER BY seq DESC LIMIT 1";
    let row = read.first(sql, params![before, limit])?;
    row.map(|mut row| Ok(Link { seq: row.take(0)?, hash: row.take(1)? })).transpose()
}

/// Cuts the chain: what is up to the cut's link goes, and the cut says where the chain begins from now on.
pub fn cut(tx: &mut Tx<'_>, cut: Cut) -> Result<u64> {
    let Cut { link, stamp, at } = cut;
    let sql = "INSERT INTO audit_cuts (seq, hash, stamp, at) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![link.seq, link.hash, stamp, at])?;
    let events = "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_links WHERE seq <= ?1)";
    tx.execute(events, params![link.seq])?;
    tx.execute("DELETE FROM audit_links WHERE seq <= ?1", params![link.seq])
}

/// Events that are neither linked nor wait for it: somebody put them in, or took their links out.
pub fn count_strays(read: &mut Read<'_>) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM audit_events e \
        WHERE NOT EXISTS (SELECT 1 FROM audit_links l WHERE l.event_id = e.id) \
        AND NOT EXISTS (SELECT 1 FROM audit_unlinked u WHERE u.event_id = e.id)";
    count(read, sql)
}

/// What waits for a link though its event is gone.
pub fn count_lost(read: &mut Read<'_>) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM audit_unlinked u \
        WHERE NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.id = u.event_id)";
    count(read, sql)
}

pub fn count_unlinked(read: &mut Read<'_>) -> Result<i64> {
    count(read, "SELECT COUNT(*) FROM audit_unlinked")
}

fn count(read: &mut Read<'_>, sql: &str) -> Result<i64> {
    read.first(sql, params![])?.map_or(Ok(0), |mut row| row.take(0))
}
