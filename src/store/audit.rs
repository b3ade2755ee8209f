//! The audit trail. A row outlives what it speaks of, so it holds names beside ids, and no foreign keys.

use std::net::IpAddr;

use super::engine::params;
use super::{Read, Row, Tx};
use crate::core::id::{EventId, OrgId};
use crate::core::{Result, Timestamp};

/// A row of `audit_events`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: EventId,
    pub at: Timestamp,
    /// `user`, `api_key`, `node`, `local` (a command on the coordinator's host) or `coordinator`.
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub actor_name: String,
    pub org: Option<OrgId>,
    /// `NOUN.VERB`.
    pub action: String,
    pub target_kind: String,
    pub target_id: Option<String>,
    pub target_name: String,
    pub address: Option<IpAddr>,
    pub request_id: Option<String>,
}

pub fn insert(tx: &mut Tx<'_>, event: &Event) -> Result<()> {
    let sql = "INSERT INTO audit_events (id, at, actor_kind, actor_id, actor_name, org_id, action, \
        target_kind, target_id, target_name, address, request_id) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let e = event.clone();
    let actor = (e.actor_kind, e.actor_id, e.actor_name);
    let target = (e.target_kind, e.target_id, e.target_name);
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
            e.request_id
        ],
    )
    .map(drop)
}

fn from_row(row: &mut Row) -> Result<Event> {
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
    })
}

/// An organization's events since `since`, oldest first, at most `limit` after the event `after`.
pub fn of_org(
    read: &mut Read<'_>,
    org: OrgId,
    since: Timestamp,
    after: Option<EventId>,
    limit: i64,
) -> Result<Vec<Event>> {
    let sql = "SELECT id, at, actor_kind, actor_id, actor_name, org_id, action, target_kind, target_id, \
        target_name, address, request_id FROM audit_events \
        WHERE org_id = ?1 AND at >= ?2 AND id > ?3 ORDER BY id LIMIT ?4";
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    read.query(sql, params![org, since, after, limit])?.iter_mut().map(from_row).collect()
}
