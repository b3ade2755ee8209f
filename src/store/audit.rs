//! The audit trail. A row outlives what it speaks of, so it holds names beside ids, and no foreign keys. Rows
//! are never changed; `chain` holds the links between them.

use std::net::IpAddr;

use super::chain::insert_unlinked;
use super::engine::params;
use super::{Read, Row, Tx, Value};
use crate::core::chain::Link;
use crate::core::id::{EventId, OrgId};
use crate::core::page::Order;
use crate::core::{Result, Timestamp};

/// Links that one look passes at most on its way to the events that a filter lets through: some milliseconds.
pub const LOOK: i64 = 5_000;
/// How many events beside each other may have come into the chain in another order than that of their times.
const DISORDER: i64 = 10_000;

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
#[derive(Clone, Debug)]
pub struct Filter {
    /// Of one organization; none: of all, and the coordinator's own.
    pub org: Option<OrgId>,
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// An id, or a name.
    pub actor: Option<String>,
    /// A whole action, or its noun.
    pub action: Option<String>,
    /// What was refused alone, or what was done alone.
    pub refused: Option<bool>,
    /// Beyond the link of this number, and before the one of that.
    pub after: i64,
    pub before: i64,
    pub order: Order,
}

impl Default for Filter {
    fn default() -> Self {
        Filter {
            org: None,
            since: None,
            until: None,
            actor: None,
            action: None,
            refused: None,
            after: 0,
            before: i64::MAX,
            order: Order::OldestFirst,
        }
    }
}

impl Filter {
    /// Whether the links alone tell which events fit.
    fn is_plain(&self) -> bool {
        self.actor.is_none() && self.action.is_none() && self.refused.is_none()
    }
}

/// What a look has found.
#[derive(Debug)]
pub struct Found {
    pub events: Vec<Linked>,
    /// The link at which the look ended though the trail goes on, where it passed [`LOOK`] of them.
    pub stopped: Option<i64>,
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

/// The linked events that a filter lets through, in the order of the chain or against it, at most `limit`. An
/// index gives the links in that order (`audit_links_of_org`, or the primary key), from the first that can fit:
/// what it costs are the links that are passed, of which there are at most [`LOOK`].
pub fn list(read: &mut Read<'_>, mut filter: Filter, limit: i64) -> Result<Found> {
    narrow(read, &mut filter)?;
    let look = if filter.is_plain() { limit } else { LOOK };
    let (links, order) = (links(&filter), direction(filter.order));
    let refused = match filter.refused {
        None => "",
        Some(true) => "AND e.code IS NOT NULL",
        Some(false) => "AND e.code IS NULL",
    };
    let sql = format!(
        "SELECT {COLUMNS}, l.seq, l.hash FROM ({links}) l JOIN audit_events e ON e.id = l.event_id \
        WHERE (CAST(?7 AS TEXT) IS NULL OR e.actor_name = ?7 OR e.actor_id = ?7) \
        AND (CAST(?8 AS TEXT) IS NULL OR e.action = ?8 OR e.target_kind = ?8) {refused} \
        ORDER BY l.seq {order} LIMIT ?9"
    );
    let bounds = within(&filter, look);
    let wanted = [bounds.as_slice(), params![filter.actor.clone(), filter.action.clone(), limit]].concat();
    let rows = read.query(&sql, &wanted)?;
    let events: Vec<Linked> = rows.into_iter().map(linked_from_row).collect::<Result<_>>()?;
    let is_full = i64::try_from(events.len()).is_ok_and(|found| found >= limit);
    let stopped = if is_full || filter.is_plain() { None } else { end_of_look(read, &filter)? };
    Ok(Found { events, stopped })
}

/// The links that a look passes, by the parameters of [`within`]. The plus keeps engines from going by time,
/// which would have them sort.
fn links(filter: &Filter) -> String {
    let of_org = if filter.org.is_some() { "org_id = ?5" } else { "CAST(?5 AS TEXT) IS NULL" };
    let order = direction(filter.order);
    format!(
        "SELECT seq, event_id, hash FROM audit_links WHERE {of_org} AND seq > ?1 AND seq < ?2 \
        AND +at >= ?3 AND +at < ?4 ORDER BY seq {order} LIMIT ?6"
    )
}

fn within(filter: &Filter, look: i64) -> Vec<Value> {
    let since = filter.since.unwrap_or(Timestamp::from_millis(i64::MIN));
    let until = filter.until.unwrap_or(Timestamp::from_millis(i64::MAX));
    params![filter.after, filter.before, since, until, filter.org, look].to_vec()
}

fn direction(order: Order) -> &'static str {
    match order {
        Order::OldestFirst => "ASC",
        Order::NewestFirst => "DESC",
    }
}

/// The last of the links that a look has passed, if there were as many as it passes.
fn end_of_look(read: &mut Read<'_>, filter: &Filter) -> Result<Option<i64>> {
    let last = match filter.order {
        Order::OldestFirst => "MAX",
        Order::NewestFirst => "MIN",
    };
    let sql = format!("SELECT COUNT(*), {last}(l.seq) FROM ({}) l", links(filter));
    let Some(mut row) = read.first(&sql, &within(filter, LOOK))? else { return Ok(None) };
    Ok(if row.take::<i64>(0)? < LOOK { None } else { row.take(1)? })
}

/// Lets a look begin, and end, where the times do. Time and number grow together but for transactions that
/// overlapped, and a clock that was set back: among so many neighbours as [`DISORDER`] says that does not matter.
fn narrow(read: &mut Read<'_>, filter: &mut Filter) -> Result<()> {
    if let Some(since) = filter.since {
        let sql = "SELECT MIN(l.seq) FROM \
            (SELECT seq FROM audit_links WHERE at >= ?1 ORDER BY at, seq LIMIT ?2) l";
        let first = edge(read, sql, since)?.map_or(i64::MAX, |first| first - 1);
        filter.after = filter.after.max(first);
    }
    if let Some(until) = filter.until {
        let sql = "SELECT MAX(l.seq) FROM \
            (SELECT seq FROM audit_links WHERE at < ?1 ORDER BY at DESC, seq DESC LIMIT ?2) l";
        let last = edge(read, sql, until)?.map_or(0, |last| last.saturating_add(1));
        filter.before = filter.before.min(last);
    }
    Ok(())
}

fn edge(read: &mut Read<'_>, sql: &str, at: Timestamp) -> Result<Option<i64>> {
    read.first(sql, params![at, DISORDER])?.map_or(Ok(None), |mut row| row.take(0))
}
