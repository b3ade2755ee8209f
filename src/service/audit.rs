//! The audit trail: who did what, written in the same transaction as the change, so that neither is there
//! without the other. What was refused is written by [`super::refusal`], the chain made by [`super::chain`].

use std::fmt;
use std::net::IpAddr;

use super::app::App;
use super::authority::{Administrator, May};
use super::chain;
use crate::core::action::Action;
use crate::core::id::{ApiKeyId, AppId, EventId, NodeId, OrgId, UserId};
use crate::core::page::Page;
use crate::core::role::ViewAudit;
use crate::core::user::Email;
use crate::core::{Result, Timestamp};
use crate::store::Tx;
use crate::store::audit::{self, Event, Filter, Linked};

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

    /// Somebody who was not let in, and so is nobody.
    pub fn nobody(origin: Origin) -> Self {
        Actor { kind: "nobody", id: None, name: "nobody".to_owned(), origin }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// What was changed.
#[derive(Clone, Debug)]
pub struct Change {
    action: Action,
    org: Option<OrgId>,
    target_id: Option<String>,
    target_name: String,
}

impl Change {
    /// The noun of `action` is the kind of the target; `name` is what people call it.
    pub fn new(action: Action, id: impl fmt::Display, name: impl fmt::Display) -> Self {
        Change { action, org: None, target_id: Some(id.to_string()), target_name: name.to_string() }
    }

    /// Of something that has no id, or whose id nobody knows.
    pub fn nameless(action: Action, name: impl fmt::Display) -> Self {
        Change { action, org: None, target_id: None, target_name: name.to_string() }
    }

    /// The organization whose owners may read of it; without one it is the coordinator's own affair.
    #[must_use]
    pub fn of(mut self, org: OrgId) -> Self {
        self.org = Some(org);
        self
    }

    pub(super) fn action(&self) -> Action {
        self.action
    }
}

/// Writes one row, in the transaction of the change itself.
pub fn record(tx: &mut Tx<'_>, at: Timestamp, actor: &Actor, change: Change) -> Result<()> {
    audit::insert(tx, &event(at, actor.clone(), change))
}

/// A row about something that was done.
pub(super) fn event(at: Timestamp, actor: Actor, change: Change) -> Event {
    let Actor { kind, id, name, origin } = actor;
    Event {
        id: EventId::new(at),
        at,
        actor_kind: kind.to_owned(),
        actor_id: id,
        actor_name: name,
        org: change.org,
        action: change.action.to_string(),
        target_kind: change.action.noun().to_owned(),
        target_id: change.target_id,
        target_name: change.target_name,
        address: origin.address,
        request_id: origin.request_id,
        refused: None,
        unwritten: 0,
    }
}

/// Which events somebody wants to read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub since: Option<Timestamp>,
    /// An id, or a name.
    pub actor: Option<String>,
    /// A whole action, or its noun.
    pub action: Option<String>,
    /// Those after the link of this number.
    pub after: Option<i64>,
}

/// A page of an organization's events, oldest first, and the cursor of the next one.
pub async fn list(
    app: &App,
    may: &May<ViewAudit>,
    wanted: Wanted,
    page: Page,
) -> Result<(Vec<Linked>, Option<String>)> {
    find(app, Some(may.org()), wanted, page).await
}

/// A page of all events of the coordinator and its organizations, oldest first.
pub async fn list_all(
    app: &App,
    _: &Administrator,
    wanted: Wanted,
    page: Page,
) -> Result<(Vec<Linked>, Option<String>)> {
    find(app, None, wanted, page).await
}

async fn find(
    app: &App,
    org: Option<OrgId>,
    wanted: Wanted,
    page: Page,
) -> Result<(Vec<Linked>, Option<String>)> {
    check_action(wanted.action.as_deref())?;
    // So that whoever has done something finds it.
    chain::link(app).await?;
    let after = page.after::<i64>()?.unwrap_or(0).max(wanted.after.unwrap_or(0));
    let filter = Filter { org, since: wanted.since, actor: wanted.actor, action: wanted.action, after };
    let rows = page.rows();
    let found = app.store().read(move |read| audit::list(read, filter, rows)).await?;
    Ok(page.cut(found, |linked| linked.link.seq.to_string()))
}

/// A word that nothing is called finds nothing: better to say so.
fn check_action(word: Option<&str>) -> Result<()> {
    match word {
        Some(word) if Action::ALL.iter().all(|action| action.noun() != word) => {
            word.parse::<Action>().map(drop)
        }
        _ => Ok(()),
    }
}
