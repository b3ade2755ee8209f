//! The audit trail. A row outlives what it speaks of, so it holds names beside ids, and no foreign keys. Rows
//! are never changed; `chain` holds the links between them.

use std::net::IpAddr;

use super::chain::insert_unlinked;
use super::engine::params;
use super::{Read, Row, Tx};
use crate::core::chain::Link;
use crate::core::id::{EventId, OrgId};
use crate::core::{Result, Timestamp};

/// A row of `audit_events`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: EventId,
    pub at: Timestamp,
    /// `user`, `api_key`, `node`, `local` (a command on the coordinator's host), `coordinator` or `nobody`.
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub actor_name: String,
    pub org: Option<OrgId>,
    /// A word of [`crate::core::action::Action`], or of an older version.
    pub action: String,
    pub target_kind: String,
    pub target_id: Option<String>,
    pub target_name: String,
    pub address: Option<IpAddr>,
    pub request_id: Option<String>,
    /// The code of the error, where it was refused.
    pub refused: Option<String>,
    /// Refusals since the one before for which there was no room.
    pub unwritten: i64,
}

/// An event with its link.
#[derive(Clone, Debug, PartialEq)]
pub struct Linked {
    pub event: Event,
    pub link: Link,
}

/// Which events are asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one organization; none: of all, and the coordinator's own.
    pub org: Option<OrgId>,
    pub since: Option<Timestamp>,
    /// An id, or a name.
    pub actor: Option<String>,
    /// A whole action, or its noun.
    pub action: Option<String>,
    /// After the link of this number.
    pub after: i64,
}

pub(super) const COLUMNS: &str = "e.id, e.at, e.actor_kind, e.actor_id, e.actor_name, e.org_id, e.action, \
    e.target_kind, e.target_id, e.target_name, e.address, e.request_id, e.code, e.unwritten";

/// How many [`COLUMNS`] there are.
pub(super) const WIDTH: usize = 14;

/// Writes an event, which waits for its link.
pub fn insert(tx: &mut Tx<'_>, event: &Event) -> Result<()> {
    let sql = "INSERT INTO audit_events (id, at, actor_kind, actor_id, actor_name, org_id, action, target_kind, \
        target_id, target_name, address, request_id, code, unwritten) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let e = event.clone();
    let (actor, target) =
        ((e.actor_kind, e.actor_id, e.actor_name), (e.target_kind, e.target_id, e.target_name));
    tx.execute(
        sql,
        params![
            e.id,
            e.at,
            actor.0,
            actor.1,
            actor.2,
            e.org,
            e.action,
            target.0,
            target.1,
            target.2,
            e.address,
            e.request_id,
            e.refused,
            e.unwritten
        ],
    )?;
    insert_unlinked(tx, e.id, e.at)
}

/// An event of [`COLUMNS`], which begin the row.
pub(super) fn from_row(row: &mut Row) -> Result<Event> {
    Ok(Event {
        id: row.take(0)?,
        at: row.take(1)?,
        actor_kind: row.take(2)?,
        actor_id: row.take(3)?,
        actor_name: row.take(4)?,
        org: row.take(5)?,
        action: row.take(6)?,
        target_kind: row.take(7)?,
        target_id: row.take(8)?,
        target_name: row.take(9)?,
        address: row.take(10)?,
        request_id: row.take(11)?,
        refused: row.take(12)?,
        unwritten: row.take(13)?,
    })
}

fn linked_from_row(mut row: Row) -> Result<Linked> {
    let event = from_row(&mut row)?;
    Ok(Linked { event, link: Link { seq: row.take(WIDTH)?, hash: row.take(WIDTH + 1)? } })
}

/// The linked events that a filter lets through, in the order of the chain, at most `limit`.
pub fn list(read: &mut Read<'_>, filter: Filter, limit: i64) -> Result<Vec<Linked>> {
    let after = match filter.since {
        Some(since) => filter.after.max(first_since(read, since)? - 1),
        None => filter.after,
    };
    let of_org = if filter.org.is_some() { "l.org_id = ?5 AND" } else { "CAST(?5 AS TEXT) IS NULL AND" };
    let sql = format!(
        "SELECT {COLUMNS}, l.seq, l.hash FROM audit_links l JOIN audit_events e ON e.id = l.event_id \
        WHERE {of_org} l.seq > ?1 AND l.at >= ?2 \
        AND (CAST(?3 AS TEXT) IS NULL OR e.actor_name = ?3 OR e.actor_id = ?3) \
        AND (CAST(?4 AS TEXT) IS NULL OR e.action = ?4 OR e.target_kind = ?4) ORDER BY l.seq LIMIT ?6"
    );
    let since = filter.since.unwrap_or(Timestamp::from_millis(i64::MIN));
    let rows = read.query(&sql, params![after, since, filter.actor, filter.action, filter.org, limit])?;
    rows.into_iter().map(linked_from_row).collect()
}

/// The number of the first link of an event since `since`; beyond the last where there is none.
fn first_since(read: &mut Read<'_>, since: Timestamp) -> Result<i64> {
    let row = read.first("SELECT MIN(seq) FROM audit_links WHERE at >= ?1", params![since])?;
    let first: Option<i64> = row.map(|mut row| row.take(0)).transpose()?.flatten();
    Ok(first.unwrap_or(i64::MAX))
}
