//! The audit trail.

use super::call::query_of;
use super::{Client, organization};
use crate::api::{AuditQuery, EventList, EventOrder, EventResult};
use crate::core::{Result, Timestamp};

impl Client {
    /// A page of events: an organization's, or with none all of the coordinator.
    pub fn audit(&self, org: Option<&str>, query: &AuditQuery) -> Result<EventList> {
        let path = match org {
            Some(org) => format!("{}/audit", organization::path(org)?),
            None => "/audit".to_owned(),
        };
        let text = |at: Timestamp| at.to_string();
        let limit = query.limit.map(|limit| limit.to_string());
        let (since, until) = (query.since.map(text), query.until.map(text));
        let (org, after) =
            (query.organization.map(|id| id.to_string()), query.after.map(|seq| seq.to_string()));
        let pairs = [
            ("limit", limit.as_deref()),
            ("cursor", query.cursor.as_deref()),
            ("order", query.order.map(EventOrder::as_str)),
            ("since", since.as_deref()),
            ("until", until.as_deref()),
            ("actor", query.actor.as_deref()),
            ("action", query.action.as_deref()),
            ("result", query.result.map(EventResult::as_str)),
            ("organization", org.as_deref()),
            ("after", after.as_deref()),
        ];
        self.get(&format!("{path}{}", query_of(&pairs)))
    }
}
