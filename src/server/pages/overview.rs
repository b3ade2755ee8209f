//! `/` and `/o/{org}`: where one begins.

use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};

use super::layout::{self, Tab};
use super::visitor::{Inside, Visitor};
use super::{parts, text};
use crate::core::role::{CreateJoinTokens, ViewMembers, ViewNodes};
use crate::core::{Error, Kind};
use crate::mesh::Counts;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::member;
use crate::service::node::{self, Seen};

/// Devices that the overview names.
const NAMED: usize = 5;

pub fn routes() -> Router<State> {
    Router::new().route("/", get(home)).route("/o/{org}", get(show))
}

/// To the organization that stands first: one's own.
async fn home(visitor: Visitor) -> Answer<Response> {
    let first = visitor.memberships().first().ok_or_else(|| {
        Error::new(Kind::NotFound, "no_organization", "you are in no organization")
            .hint("ask an admin of one for an invitation")
    })?;
    Ok(Redirect::to(&visitor.path(&first.organization, "")).into_response())
}

async fn show(state: State, inside: Inside<ViewNodes>) -> Answer<Response> {
    let counts = node::count(&state.app, &inside.may).await?;
    let nodes = node::latest(&state.app, &inside.may, NAMED).await?;
    let members = match inside.may.also::<ViewMembers>() {
        Some(may) => Some(member::count(&state.app, &may).await?),
        None => None,
    };
    let tiles = tiles(counts, members);
    Ok(layout::inside(text::overview::TITLE, &inside, Tab::Overview, &body(&state, &inside, &tiles, &nodes)))
}

fn body(state: &State, inside: &Inside<ViewNodes>, tiles: &Markup, nodes: &[Seen]) -> Markup {
    let organization = inside.may.organization();
    let may_add = inside.may.also::<CreateJoinTokens>().is_some();
    let add = html! {
        @if may_add { a.button href=(inside.path("/add")) { (text::overview::ADD) } }
    };
    html! {
        div.live data-live=(inside.path("/live")) data-part="overview" {
        div.head { h1 { (organization.name) } @if !nodes.is_empty() { (add) } }
        @if nodes.is_empty() {
            div.card.flush {
                @let words = if may_add { text::overview::EMPTY_WORDS } else { text::overview::EMPTY_MEMBER };
                (parts::empty(text::overview::EMPTY, words, &add))
            }
        } @else {
            (tiles)
        }
        @if nodes.is_empty() { (about(state, inside)) }
        @else { div.grid.two { (recent(inside, nodes)) (about(state, inside)) } }
        }
    }
}

fn tiles(counts: Counts, members: Option<i64>) -> Markup {
    html! {
        dl.tiles {
            div { dt { (text::overview::DEVICES) } dd { (counts.all) } }
            div { dt { (text::overview::ONLINE) } dd { (counts.online) } }
            @if let Some(members) = members {
                div { dt { (text::tab::MEMBERS) } dd { (members) } }
            }
        }
    }
}

fn recent(inside: &Inside<ViewNodes>, nodes: &[Seen]) -> Markup {
    let now = inside.visitor.now;
    html! {
        section.card.flush aria-labelledby="recent" {
            div.over.title {
                h2 #recent { (text::overview::RECENT) }
                a href=(inside.path("/devices")) { (text::overview::ALL) }
            }
            table.table {
                tbody {
                    @for seen in nodes {
                        tr {
                            td {
                                a.name href=(inside.path(&format!("/devices/{}", seen.node.name))) { (seen.node.name) }
                                span.under { (seen.node.address.v4()) }
                            }
                            td { (parts::presence(seen, now)) }
                            td.spare.end {
                                @match seen.node.report.last_seen_at {
                                    Some(at) => { (parts::when(at, now)) },
                                    None => { (text::NEVER) },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn about(state: &State, inside: &Inside<ViewNodes>) -> Markup {
    let organization = inside.may.organization();
    let realm = state.realm(organization.realm, organization.realm_label.as_str());
    html! {
        section.card aria-labelledby="about" {
            h2 #about { (text::overview::ABOUT) }
            dl.facts {
                @if let Some(role) = inside.may.role() {
                    div { dt { (text::overview::ROLE) } dd { (role) } }
                }
                div { dt { (text::overview::DOMAIN) } dd { code { (realm.domain) } } }
                div { dt { (text::overview::COORDINATOR) } dd { code { (state.url()) } } }
            }
        }
    }
}
