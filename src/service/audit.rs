//! The audit trail: who did what, written in the same transaction as the change, so that neither is there
//! without the other.

use std::fmt;
use std::net::IpAddr;

use super::app::App;
use super::authority::May;
use crate::core::id::{ApiKeyId, AppId, EventId, NodeId, OrgId, UserId};
use crate::core::role::ViewAudit;
use crate::core::user::Email;
use crate::core::{Result, Timestamp};
use crate::store::Tx;
use crate::store::audit::{self, Event};

/// Where a call comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub address: Option<IpAddr>,
    pub request_id: Option<String>,
}

/// Who acts.
#[derive(Clone, Debug)]
pub struct Actor {
    kind: &'static str,
    id: Option<String>,
    name: String,
    origin: Origin,
}

impl Actor {
    pub fn user(id: UserId, email: &Email, origin: Origin) -> Self {
        Actor { kind: "user", id: Some(id.to_string()), name: email.to_string(), origin }
    }

    pub fn api_key(id: ApiKeyId, name: &str, origin: Origin) -> Self {
        Actor { kind: "api_key", id: Some(id.to_string()), name: name.to_owned(), origin }
    }

    /// A third-party app, and for whom it acts.
    pub fn app(id: AppId, name: &str, person: &Email, origin: Origin) -> Self {
        Actor { kind: "app", id: Some(id.to_string()), name: format!("{name} for {person}"), origin }
    }

    pub fn node(id: NodeId, name: &str, origin: Origin) -> Self {
        Actor { kind: "node", id: Some(id.to_string()), name: name.to_owned(), origin }
    }

    /// Whoever may open the database on the coordinator's host; `name` is the system's user.
    pub fn local(name: &str) -> Self {
        Actor { kind: "local", id: None, name: name.to_owned(), origin: Origin::default() }
    }

    /// The coordinator by itself: what expires, and what has not introduced itself yet.
    pub fn coordinator(origin: Origin) -> Self {
        Actor { kind: "coordinator", id: None, name: "coordinator".to_owned(), origin }
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What was changed.
#[derive(Clone, Debug)]
pub struct Change {
    action: &'static str,
    org: Option<OrgId>,
    target_kind: &'static str,
    target_id: String,
    target_name: String,
}

impl Change {
    /// `action` is `NOUN.VERB`; the noun is the kind of the target. `name` is what people call it.
    pub fn new(action: &'static str, id: impl fmt::Display, name: impl fmt::Display) -> Self {
        let target_kind = action.split_once('.').map_or(action, |(noun, _)| noun);
        Change { action, org: None, target_kind, target_id: id.to_string(), target_name: name.to_string() }
    }

    /// The organization whose owners may read of it; without one it is the coordinator's own affair.
    #[must_use]
    pub fn of(mut self, org: OrgId) -> Self {
        self.org = Some(org);
        self
    }
}

/// Writes one row, in the transaction of the change itself.
pub fn record(tx: &mut Tx<'_>, at: Timestamp, actor: &Actor, change: Change) -> Result<()> {
    let Actor { kind, id, name, origin } = actor.clone();
    let event = Event {
        id: EventId::new(at),
        at,
        actor_kind: kind.to_owned(),
        actor_id: id,
        actor_name: name,
        org: change.org,
        action: change.action.to_owned(),
        target_kind: change.target_kind.to_owned(),
        target_id: Some(change.target_id),
        target_name: change.target_name,
        address: origin.address,
        request_id: origin.request_id,
    };
    audit::insert(tx, &event)
}

/// An organization's events since `since`, oldest first, at most `limit` after the event `after`.
pub async fn list(
    app: &App,
    may: &May<ViewAudit>,
    since: Timestamp,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<Event>> {
    let org = may.org();
    app.store().read(move |read| audit::of_org(read, org, since, after, limit.into())).await
}
