//! The audit trail.

use super::call::query_of;
use super::{Client, organization};
use crate::api::{AuditQuery, EventList};
use crate::core::Result;

impl Client {
    /// A page of events: an organization's, or with none all of the coordinator.
    pub fn audit(&self, org: Option<&str>, query: &AuditQuery) -> Result<EventList> {
        let path = match org {
            Some(org) => format!("{}/audit", organization::path(org)?),
            None => "/audit".to_owned(),
        };
        let limit = query.limit.map(|limit| limit.to_string());
        let (since, after) = (query.since.map(|at| at.to_string()), query.after.map(|seq| seq.to_string()));
        let pairs = [
            ("limit", limit.as_deref()),
            ("cursor", query.cursor.as_deref()),
            ("since", since.as_deref()),
            ("actor", query.actor.as_deref()),
            ("action", query.action.as_deref()),
            ("after", after.as_deref()),
        ];
        self.get(&format!("{path}{}", query_of(&pairs)))
    }
}
