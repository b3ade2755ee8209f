//! `/o/{org}/devices`: the nodes of the realm, and the search among them. What is asked for stands in the address,
//! so that it needs no script and can be kept as a bookmark.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::device::{badges, last_seen, owner, system};
use super::layout::{self, Tab};
use super::parts::{self, Choice, Field};
use super::text::{self, device as t};
use super::visitor::Inside;
use crate::core::Timestamp;
use crate::core::page::Page;
use crate::core::role::{CreateJoinTokens, ViewNodes};
use crate::mesh::Counts;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::node::{self, Seen, Sought};

/// Devices on a page of the list.
const ON_A_PAGE: u16 = 100;

/// The systems that can be asked for, as devices call them and as people do.
const SYSTEMS: [(&str, &str); 6] = [
    ("", t::ANY),
    ("linux", "Linux"),
    ("macos", "macOS"),
    ("windows", "Windows"),
    ("android", "Android"),
    ("ios", "iOS"),
];
const STATES: [(&str, &str); 3] = [("", t::ANY), ("online", text::ONLINE), ("offline", text::OFFLINE)];

pub fn routes() -> Router<State> {
    Router::new().route("/o/{org}/devices", get(list))
}

/// What is asked for: the form's fields, all of which may be missing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    os: String,
    state: String,
    tag: String,
    owner: String,
    after: String,
}

impl Asked {
    fn sought(&self) -> Sought {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Sought {
            text: some(&self.q),
            os: some(&self.os),
            online: some(&self.state).map(|state| state == "online"),
            tag: some(&self.tag),
            owner: some(&self.owner),
        }
    }

    fn page(&self) -> crate::core::Result<Page> {
        Page::new(Some(ON_A_PAGE), Some(self.after.as_str()).filter(|after| !after.is_empty()))
    }

    /// The same with another page.
    fn after(&self, next: &str) -> String {
        let fields = [
            ("q", self.q.as_str()),
            ("os", &self.os),
            ("state", &self.state),
            ("tag", &self.tag),
            ("owner", &self.owner),
            ("after", next),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        format!("?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish())
    }
}

async fn list(state: State, inside: Inside<ViewNodes>, Query(asked): Query<Asked>) -> Answer<Response> {
    let sought = asked.sought();
    let is_narrow = !sought.is_everything();
    let counts = node::count(&state.app, &inside.may).await?;
    let (nodes, next) = node::search(&state.app, &inside.may, sought, asked.page()?).await?;
    let body = html! {
        (head(&inside, counts))
        @if counts.all > 0 { (filter(&inside, &asked, is_narrow)) }
        div.card.flush data-live=(inside.path("/live")) data-part="devices" {
            @if counts.all == 0 { (none_yet(&inside)) }
            @else if nodes.is_empty() { (nothing(&inside, next.is_some())) }
            @else { (table(&inside, &nodes)) }
            @if let Some(next) = &next { p.more { a href=(asked.after(next)) { (t::MORE) } } }
        }
    };
    Ok(layout::inside(t::TITLE, &inside, Tab::Devices, &body))
}

fn add(inside: &Inside<ViewNodes>) -> Markup {
    html! {
        @if inside.may.also::<CreateJoinTokens>().is_some() {
            a.button href=(inside.path("/add")) { (text::overview::ADD) }
        }
    }
}

fn head(inside: &Inside<ViewNodes>, counts: Counts) -> Markup {
    html! {
        div.head data-part="head" {
            h1 { (t::TITLE) }
            @if counts.all > 0 { (add(inside)) p.about { (t::counted(counts.all, counts.online)) } }
        }
    }
}

fn filter(inside: &Inside<ViewNodes>, asked: &Asked, is_narrow: bool) -> Markup {
    let optional = |name, label, value| Field { name, label, value, required: false, ..Field::default() };
    html! {
        form.card.filter method="get" action=(inside.path("/devices")) role="search" {
            div.row {
                (Field { kind: "search", ..optional("q", t::SEARCH, &asked.q) })
                (Choice { name: "state", label: t::STATE, options: &STATES, chosen: &asked.state })
                (Choice { name: "os", label: t::SYSTEM, options: &SYSTEMS, chosen: &asked.os })
                (optional("tag", t::TAG, &asked.tag))
                (optional("owner", t::OWNER, &asked.owner))
            }
            div.actions {
                button.quiet type="submit" { (t::FIND) }
                @if is_narrow { a.button.quiet href=(inside.path("/devices")) { (text::CLEAR) } }
            }
        }
    }
}

fn none_yet(inside: &Inside<ViewNodes>) -> Markup {
    let words = match inside.may.also::<CreateJoinTokens>() {
        Some(_) => text::overview::EMPTY_WORDS,
        None => text::overview::EMPTY_MEMBER,
    };
    parts::empty(text::overview::EMPTY, words, &add(inside))
}

/// `goes_on`: there are more devices than one look passes.
fn nothing(inside: &Inside<ViewNodes>, goes_on: bool) -> Markup {
    let all = html! { a.button.quiet href=(inside.path("/devices")) { (t::SHOW_ALL) } };
    parts::empty(t::NONE, if goes_on { t::NONE_YET } else { t::NONE_WORDS }, &all)
}

fn table(inside: &Inside<ViewNodes>, nodes: &[Seen]) -> Markup {
    let now = inside.visitor.now;
    html! {
        table.table {
            thead {
                tr {
                    th scope="col" { (t::DEVICE) }
                    th.spare scope="col" { (t::ADDRESS) }
                    th.spare scope="col" { (t::OWNER) }
                    th.spare scope="col" { (t::SEEN) }
                    th scope="col" { (t::STATE) }
                }
            }
            tbody { @for seen in nodes { (line(inside, seen, now)) } }
        }
    }
}

fn line(inside: &Inside<ViewNodes>, seen: &Seen, now: Timestamp) -> Markup {
    let node = &seen.node;
    html! {
        tr {
            td {
                a.name href=(inside.path(&format!("/devices/{}", node.name))) { (node.name) }
                " " (badges(seen))
                span.under { (system(seen)) }
            }
            td.spare { code { (node.address.v4()) } }
            td.spare { (owner(seen)) }
            td.spare { (last_seen(seen, now)) }
            td { (parts::presence(seen, now)) }
        }
    }
}
