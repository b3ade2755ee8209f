//! `/o/{org}/audit`: what has happened in an organization, oldest first, since a time that one chooses.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Tab};
use super::parts::{self, Field};
use super::text::{self, people::audit as t};
use super::visitor::Inside;
use crate::core::action::Action;
use crate::core::page::Page;
use crate::core::role::ViewAudit;
use crate::core::time::parse_duration;
use crate::core::{Result, Timestamp};
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::audit::{self, Wanted};
use crate::store::audit::{Event, Linked};

const SINCE: [(&str, &str); 4] = [
    ("1h", "the last hour"),
    ("24h", "the last 24 hours"),
    ("7d", "the last 7 days"),
    ("30d", "the last 30 days"),
];

pub fn routes() -> Router<State> {
    Router::new().route("/o/{org}/audit", get(list))
}

/// What is asked for: the form's fields, all of which may be missing.
#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    since: String,
    actor: String,
    action: String,
    after: Option<String>,
}

impl Default for Asked {
    fn default() -> Self {
        Asked { since: "24h".to_owned(), actor: String::new(), action: String::new(), after: None }
    }
}

async fn list(state: State, inside: Inside<ViewAudit>, Query(asked): Query<Asked>) -> Answer<Response> {
    let found = find(&state, &inside, &asked).await;
    let problem = found.as_ref().err().map(problem::words);
    let (events, next) = found.unwrap_or_default();
    let body = html! {
        div.head { h1 { (t::TITLE) } p.about { (t::LEAD) } }
        (parts::complaint(problem.as_ref()))
        (filter(&inside, &asked))
        div.card.flush {
            @if events.is_empty() { (parts::empty(t::NONE, t::NONE_WORDS, &html! {})) }
            @else { (table(&events, inside.visitor.now)) }
            @if let Some(next) = next { (more(&asked, &next)) }
        }
    };
    Ok(layout::inside(t::TITLE, &inside, Tab::Audit, &body))
}

async fn find(
    state: &State,
    inside: &Inside<ViewAudit>,
    asked: &Asked,
) -> Result<(Vec<Linked>, Option<String>)> {
    let back = i64::try_from(parse_duration(&asked.since)?.as_millis()).unwrap_or(i64::MAX);
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let wanted = Wanted {
        since: Some(Timestamp::from_millis(inside.visitor.now.as_millis().saturating_sub(back))),
        actor: some(&asked.actor),
        action: some(&asked.action),
        after: None,
    };
    audit::list(&state.app, &inside.may, wanted, Page::new(Some(100), asked.after.as_deref())?).await
}

fn filter(inside: &Inside<ViewAudit>, asked: &Asked) -> Markup {
    let actor =
        Field { name: "actor", label: t::WHO, value: &asked.actor, required: false, ..Field::default() };
    let action =
        Field { name: "action", label: t::WHAT, value: &asked.action, required: false, ..Field::default() };
    html! {
        form.card.filter method="get" action=(inside.path("/audit")) role="search" {
            div.row {
                div.field {
                    label for="f-since" { (t::SINCE) }
                    select #f-since name="since" {
                        @for (value, name) in SINCE { option value=(value) selected[value == asked.since] { (name) } }
                    }
                }
                (actor) (action)
            }
            button.quiet type="submit" { (t::SHOW) }
        }
    }
}

/// The next page, by the same fields.
fn more(asked: &Asked, next: &str) -> Markup {
    html! {
        form.more method="get" {
            @for (name, value) in [("since", &asked.since), ("actor", &asked.actor), ("action", &asked.action)] {
                input type="hidden" name=(name) value=(value);
            }
            input type="hidden" name="after" value=(next);
            button.quiet.small type="submit" { (text::device::MORE) }
        }
    }
}

fn table(events: &[Linked], now: Timestamp) -> Markup {
    html! {
        table.table {
            thead {
                tr {
                    th scope="col" { (t::WHEN) }
                    th scope="col" { (t::WHAT) }
                    th.spare scope="col" { (t::WHO) }
                    th.spare scope="col" { (t::FROM) }
                }
            }
            tbody { @for linked in events { (line(&linked.event, now)) } }
        }
    }
}

fn line(event: &Event, now: Timestamp) -> Markup {
    let meaning = event.action.parse::<Action>().map(Action::meaning).unwrap_or_default();
    html! {
        tr {
            td { (parts::when(event.at, now)) }
            td {
                strong { (event.action) } " " (event.target_name) " "
                @if let Some(code) = &event.refused { span.badge.bad { (t::REFUSED) " " (code) } }
                span.under { (meaning) }
            }
            td.spare { (event.actor_name) }
            td.spare { @if let Some(address) = event.address { code { (address) } } }
        }
    }
}
