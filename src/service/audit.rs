//! The audit trail: who did what, written in the same transaction as the change, so that neither is there
//! without the other. What was refused is written by [`super::refusal`], the chain made by [`super::chain`].

use std::fmt;
use std::net::IpAddr;

use super::administrator::Administrator;
use super::app::App;
use super::authority::May;
use super::chain;
use crate::core::action::Action;
use crate::core::id::{ApiKeyId, AppId, EventId, NodeId, OrgId, UserId};
use crate::core::page::{Order, Page, cursor};
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
    /// Of one organization alone. Who reads of one reads of no other, whatever stands here.
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
    /// Those after the link of this number.
    pub after: Option<i64>,
    pub order: Order,
}

/// A page of an organization's events, and the cursor of the next one. A page can have fewer events than it
/// might, or none, and still be followed by another: of a filter that lets little through, one look finds what
/// it finds in bounded time.
pub async fn list(
    app: &App,
    may: &May<ViewAudit>,
    wanted: Wanted,
    page: Page,
) -> Result<(Vec<Linked>, Option<String>)> {
    find(app, Wanted { org: Some(may.org()), ..wanted }, page).await
}

/// The same of all that happened on the coordinator and in its organizations.
pub async fn list_all(
    app: &App,
    _: &Administrator,
    wanted: Wanted,
    page: Page,
) -> Result<(Vec<Linked>, Option<String>)> {
    find(app, wanted, page).await
}

async fn find(app: &App, wanted: Wanted, page: Page) -> Result<(Vec<Linked>, Option<String>)> {
    check_action(wanted.action.as_deref())?;
    // So that whoever has done something finds it.
    chain::link(app).await?;
    let filter = filter(wanted, page.after()?);
    let rows = page.rows();
    let found = app.store().read(move |read| audit::list(read, filter, rows)).await?;
    let (events, next) = page.cut(found.events, |linked| linked.link.seq.to_string());
    Ok((events, next.or(found.stopped.map(|seq| cursor(&seq.to_string())))))
}

/// `passed`: the link at which the page before ended.
fn filter(wanted: Wanted, passed: Option<i64>) -> Filter {
    let Wanted { org, since, until, actor, action, refused, after, order } = wanted;
    let (after, before) = match order {
        Order::OldestFirst => (after.max(passed).unwrap_or(0), i64::MAX),
        Order::NewestFirst => (after.unwrap_or(0), passed.unwrap_or(i64::MAX)),
    };
    Filter { org, since, until, actor, action, refused, after, before, order }
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
