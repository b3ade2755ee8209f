//! `/o/{org}/audit`: what has happened in an organization; `/audit`: the same of the whole coordinator, for its
//! administrators. The newest comes first, page by page; what is asked for stands in the address.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

use super::layout::{self, Tab};
use super::parts::{self, Choice, Field};
use super::text::{self, people::audit as t};
use super::visitor::{Inside, Visitor};
use crate::core::action::{Action, Concern};
use crate::core::id::OrgId;
use crate::core::page::{Order, Page};
use crate::core::role::ViewAudit;
use crate::core::{Result, Timestamp};
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::administrator::Administrator;
use crate::service::audit::{self, Wanted};
use crate::service::organization;
use crate::store::audit::{Event, Linked};

/// Events on a page.
const ON_A_PAGE: u16 = 50;
const DAY: Duration = Duration::from_secs(86_400);

pub fn routes() -> Router<State> {
    Router::new().route("/o/{org}/audit", get(of_org)).route("/audit", get(of_all))
}

/// What is asked for: the form's fields, all of which may be missing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    actor: String,
    action: String,
    result: String,
    from: String,
    to: String,
    organization: String,
    after: String,
}

impl Asked {
    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("actor", &self.actor),
            ("action", &self.action),
            ("result", &self.result),
            ("from", &self.from),
            ("to", &self.to),
            ("organization", &self.organization),
            ("after", &self.after),
        ]
    }

    /// Whether anything is asked for but another page.
    fn is_narrow(&self) -> bool {
        self.fields().iter().any(|(name, value)| *name != "after" && !value.trim().is_empty())
    }

    /// What is asked for, but for `field`, which has another value; back at the newest unless that is `after`.
    fn with(&self, field: &str, value: &str) -> String {
        let others = self.fields().into_iter().filter(|(name, _)| *name != field && *name != "after");
        let all = others.chain([(field, value)]).filter(|(_, value)| !value.is_empty());
        format!("?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish())
    }

    fn read(&self) -> Result<(Wanted, Page)> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let day =
            |text: &str| some(text).map(|day| Timestamp::parse(&format!("{day}T00:00:00Z"))).transpose();
        let wanted = Wanted {
            since: day(&self.from)?,
            until: day(&self.to)?.map(|day| day.plus(DAY)),
            actor: some(&self.actor),
            action: some(&self.action),
            refused: some(&self.result).map(|result| result == "refused"),
            order: Order::NewestFirst,
            ..Wanted::default()
        };
        Ok((wanted, Page::new(Some(ON_A_PAGE), some(&self.after).as_deref())?))
    }
}

type Found = (Vec<Linked>, Option<String>);

async fn of_org(state: State, inside: Inside<ViewAudit>, Query(asked): Query<Asked>) -> Answer<Response> {
    let found = match asked.read() {
        Ok((wanted, page)) => audit::list(&state.app, &inside.may, wanted, page).await,
        Err(error) => Err(error),
    };
    let view = View { asked: &asked, path: inside.path("/audit"), now: inside.visitor.now, names: None };
    let body = view.body(t::TITLE, t::LEAD, found);
    Ok(layout::inside(t::TITLE, &inside, Tab::Audit, &body))
}

async fn of_all(state: State, visitor: Visitor, Query(asked): Query<Asked>) -> Answer<Response> {
    let admin = Administrator::check(visitor.caller())?;
    let found = find_all(&state, &admin, &asked).await;
    let orgs = found.iter().flat_map(|(events, _)| events).filter_map(|linked| linked.event.org).collect();
    let names = Some(organization::names(&state.app, &admin, orgs).await?);
    let view = View { asked: &asked, path: "/audit".to_owned(), now: visitor.now, names };
    let body = view.body(t::ALL_TITLE, t::ALL_LEAD, found);
    Ok(layout::page(t::ALL_TITLE, &visitor, &body))
}

async fn find_all(state: &State, admin: &Administrator, asked: &Asked) -> Result<Found> {
    let (wanted, page) = asked.read()?;
    let org = match asked.organization.trim() {
        "" => None,
        named => Some(organization::named(&state.app, admin, named).await?),
    };
    audit::list_all(&state.app, admin, Wanted { org, ..wanted }, page).await
}

/// How the trail is shown.
struct View<'a> {
    asked: &'a Asked,
    path: String,
    now: Timestamp,
    /// What the organizations are called, where those of several may be shown.
    names: Option<BTreeMap<OrgId, String>>,
}

impl View<'_> {
    fn body(&self, title: &str, lead: &str, found: Result<Found>) -> Markup {
        let problem = found.as_ref().err().map(problem::words);
        let (events, next) = found.unwrap_or_default();
        html! {
            div.head { h1 { (title) } p.about { (lead) } }
            (parts::complaint(problem.as_ref()))
            (self.filter())
            div.card.flush {
                @if !events.is_empty() { (self.table(&events)) }
                @else if problem.is_none() { (self.nothing(next.is_some())) }
                (self.turn(next.as_deref()))
            }
        }
    }

    fn filter(&self) -> Markup {
        let asked = self.asked;
        let optional = |name, label, value| Field { name, label, value, required: false, ..Field::default() };
        let date = |name, label, value| Field { kind: "date", ..optional(name, label, value) };
        let results = [("", t::ANY_RESULT), ("done", t::DONE), ("refused", t::REFUSED_ALONE)];
        html! {
            form.card.filter method="get" action=(self.path) role="search" {
                div.row {
                    div.field {
                        label for="f-action" { (t::WHAT) }
                        (actions(&asked.action, self.names.is_some()))
                    }
                    (optional("actor", t::WHO, &asked.actor))
                    (Choice { name: "result", label: t::RESULT, options: &results, chosen: &asked.result })
                    (date("from", t::SINCE, &asked.from))
                    (date("to", t::UNTIL, &asked.to))
                    @if self.names.is_some() {
                        (optional("organization", t::ORGANIZATION, &asked.organization))
                    }
                }
                div.actions {
                    button.quiet type="submit" { (t::SHOW) }
                    @if asked.is_narrow() { a.button.quiet href=(self.path) { (text::CLEAR) } }
                }
            }
        }
    }

    /// Why there is nothing to see.
    fn nothing(&self, goes_on: bool) -> Markup {
        let all = html! { a.button.quiet href=(self.path) { (t::SHOW_ALL) } };
        match (goes_on, self.asked.is_narrow()) {
            (true, _) => parts::empty(t::NOT_YET, t::NOT_YET_WORDS, &html! {}),
            (false, true) => parts::empty(t::NONE, t::NONE_WORDS, &all),
            (false, false) => parts::empty(t::QUIET, t::QUIET_WORDS, &html! {}),
        }
    }

    /// The ways to older events, and back to the newest.
    fn turn(&self, next: Option<&str>) -> Markup {
        html! {
            @if next.is_some() || !self.asked.after.is_empty() {
                p.more {
                    @if !self.asked.after.is_empty() { a href=(self.asked.with("after", "")) { (t::NEWEST) } }
                    @if let Some(next) = next { a href=(self.asked.with("after", next)) { (t::OLDER) } }
                }
            }
        }
    }

    fn table(&self, events: &[Linked]) -> Markup {
        html! {
            table.table.top {
                thead {
                    tr {
                        th scope="col" { (t::WHEN) }
                        th scope="col" { (t::WHAT) }
                        th.spare scope="col" { (t::WHO) }
                        @if self.names.is_some() { th.spare scope="col" { (t::ORGANIZATION) } }
                        th.spare scope="col" { (t::FROM) }
                    }
                }
                tbody { @for linked in events { (self.line(&linked.event)) } }
            }
        }
    }

    fn line(&self, event: &Event) -> Markup {
        let meaning = event.action.parse::<Action>().map(Action::meaning).unwrap_or_default();
        html! {
            tr {
                td { (parts::when(event.at, self.now)) span.under.spare { (parts::exact(event.at)) } }
                td {
                    strong { (event.action) } " " span.target { (event.target_name) } " "
                    @if let Some(code) = &event.refused { span.badge.bad { (t::REFUSED) " " (code) } }
                    span.under {
                        (meaning)
                        @if event.unwritten > 0 { " " (t::unwritten(event.unwritten)) }
                    }
                    span.under.slim { (t::BY) " " (self.actor(event)) }
                }
                td.spare {
                    (self.actor(event))
                    @if let Some(kind) = t::actor_kind(&event.actor_kind) { span.under { (kind) } }
                }
                @if let Some(names) = &self.names { td.spare { (self.organization(event, names)) } }
                td.spare {
                    @if let Some(address) = event.address { code { (address) } }
                    @if let Some(id) = &event.request_id { span.under { (t::REQUEST) " " code { (id) } } }
                }
            }
        }
    }

    /// Whoever did it, and the way to all that they did.
    fn actor(&self, event: &Event) -> Markup {
        html! { a.name href=(self.asked.with("actor", &event.actor_name)) { (event.actor_name) } }
    }

    fn organization(&self, event: &Event, names: &BTreeMap<OrgId, String>) -> Markup {
        let Some(id) = event.org else { return html! { (t::COORDINATOR) } };
        let name = names.get(&id).map_or(t::DELETED, String::as_str);
        html! { a.name href=(self.asked.with("organization", &id.to_string())) { (name) } }
    }
}

/// What can have happened, by what it happened to. An organization's trail has nothing of the coordinator's own.
fn actions(chosen: &str, all: bool) -> Markup {
    let mut by_noun: BTreeMap<&str, Vec<Action>> = BTreeMap::new();
    for action in Action::ALL.iter().filter(|action| all || action.concern() != Concern::Coordinator) {
        by_noun.entry(action.noun()).or_default().push(*action);
    }
    html! {
        select #f-action name="action" {
            option value="" { (t::ANYTHING) }
            @for (noun, actions) in by_noun {
                optgroup label=(noun) {
                    option value=(noun) selected[noun == chosen] { (t::all_of(noun)) }
                    @for action in actions {
                        option value=(action) selected[action.as_str() == chosen] { (action) }
                    }
                }
            }
        }
    }
}
