//! `/o/{org}/devices/{node}`: one node of the realm, and what an admin does with it.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use ipnet::IpNet;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Form;
use super::layout::{self, Tab};
use super::note::go;
use super::parts::{self, Field};
use super::text;
use super::visitor::Inside;
use crate::api::Problem;
use crate::core::role::{ManageNodes, Permission, ViewNodes};
use crate::core::{Error, Kind, Result, Timestamp, route};
use crate::server::extract::Target;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::node::{self, Seen};

pub fn routes() -> Router<State> {
    Router::new()
        .route("/o/{org}/devices/{node}", get(show))
        .route("/o/{org}/devices/{node}/rename", post(rename))
        .route("/o/{org}/devices/{node}/routes", post(approve_routes))
        .route("/o/{org}/devices/{node}/expire", post(expire))
        .route("/o/{org}/devices/{node}/remove", post(remove))
}

/// `Linux, 1.102.3`.
pub(super) fn system(seen: &Seen) -> String {
    let system = parts::system(&seen.node.report.hostinfo.os);
    match version(seen) {
        Some(version) => format!("{system} · {version}"),
        None => system.to_owned(),
    }
}

/// The client's version without the commit that it was built from.
fn version(seen: &Seen) -> Option<&str> {
    let version = seen.node.report.hostinfo.client_version.split('-').next();
    version.filter(|version| !version.is_empty())
}

pub(super) fn owner(seen: &Seen) -> Markup {
    html! {
        @if seen.node.tags.is_empty() { (seen.node.owner.email) }
        @else { span.badges { @for tag in &seen.node.tags { (parts::badge(tag)) } } }
    }
}

pub(super) fn last_seen(seen: &Seen, now: Timestamp) -> Markup {
    match seen.node.report.last_seen_at {
        Some(_) if seen.online => html! { (text::device::HERE) },
        Some(at) => parts::when(at, now),
        None => html! { (text::NEVER) },
    }
}

/// What is special about a device.
pub(super) fn badges(seen: &Seen) -> Markup {
    let node = &seen.node;
    let waiting = waiting_routes(seen).len();
    html! {
        span.badges {
            @if waiting > 0 { span.badge.good { (text::device::routes_wait(waiting)) } }
            @if node.is_exit_node() { (parts::badge(text::device::EXIT)) }
            @if node.ephemeral { (parts::badge(text::device::EPHEMERAL)) }
        }
    }
}

/// Routes that the device offers and nobody has allowed.
fn waiting_routes(seen: &Seen) -> Vec<IpNet> {
    let offered = &seen.node.report.hostinfo.routes;
    offered.iter().filter(|route| !seen.node.approved_routes.contains(route)).copied().collect()
}

async fn show(state: State, inside: Inside<ViewNodes>, Target(name): Target) -> Answer<Response> {
    let seen = node::show(&state.app, &inside.may, &name).await?;
    let body = one(&inside, &seen, None);
    Ok(layout::inside(&seen.node.name, &inside, Tab::Devices, &body))
}

fn one<P: Permission>(inside: &Inside<P>, seen: &Seen, problem: Option<&Problem>) -> Markup {
    let now = inside.visitor.now;
    let may_manage = inside.may.also::<ManageNodes>().is_some();
    html! {
        p.crumb { a href=(inside.path("/devices")) { "← " (text::device::TITLE) } }
        div.head data-live=(inside.path("/live")) data-part="head" {
            h1 { (seen.node.name) }
            p.about { (parts::presence(seen, now)) " · " (system(seen)) " " (badges(seen)) }
        }
        div.grid.even {
            (facts(seen, now))
            @if may_manage {
                div.grid { (rename_form(inside, seen, problem)) (routes_form(inside, seen)) (dangers(inside, seen)) }
            } @else if !seen.node.report.hostinfo.routes.is_empty() {
                (routes_read(seen))
            }
        }
    }
}

fn facts(seen: &Seen, now: Timestamp) -> Markup {
    let node = &seen.node;
    html! {
        section.card aria-labelledby="facts" {
            div.title { h2 #facts { (text::device::FACTS) } }
            dl.facts {
                div { dt { (text::device::NAME) } dd { (parts::copyable(text::device::NAME, &seen.dns_name)) } }
                div { dt { (text::device::V4) } dd { (parts::copyable(text::device::V4, &node.address.v4().to_string())) } }
                div { dt { (text::device::V6) } dd { (parts::copyable(text::device::V6, &node.address.v6().to_string())) } }
            }
            dl.facts.wide data-part="facts" {
                dt { (text::device::OWNER) } dd { (owner(seen)) }
                dt { (text::device::HOSTNAME) } dd { (node.report.hostinfo.hostname) }
                dt { (text::device::JOINED) } dd { (parts::when(node.created_at, now)) }
                dt { (text::device::SEEN) } dd { (last_seen(seen, now)) }
                dt { (text::device::KEY) }
                dd {
                    @match node.key_expires_at {
                        None => { (text::device::KEY_STAYS) },
                        Some(at) if at <= now => { (text::device::KEY_OVER) " " (parts::when(at, now)) },
                        Some(at) => { (text::device::KEY_ENDS) " " (parts::when(at, now)) },
                    }
                }
            }
        }
    }
}

fn action<P: Permission>(inside: &Inside<P>, seen: &Seen, verb: &str) -> String {
    inside.path(&format!("/devices/{}/{verb}", seen.node.id))
}

fn rename_form<P: Permission>(inside: &Inside<P>, seen: &Seen, problem: Option<&Problem>) -> Markup {
    let field = Field {
        name: "name",
        label: text::device::NEW_NAME,
        value: &seen.node.name,
        hint: Some(text::device::NEW_NAME_HINT),
        ..Field::default()
    };
    html! {
        section.card aria-labelledby="rename" {
            div.title { h2 #rename { (text::device::RENAME) } }
            (parts::complaint(problem))
            form.stack method="post" action=(action(inside, seen, "rename")) {
                (inside.visitor.form()) (field)
                div.actions { button.quiet type="submit" { (text::device::RENAME) } }
            }
        }
    }
}

fn routes_form<P: Permission>(inside: &Inside<P>, seen: &Seen) -> Markup {
    let node = &seen.node;
    let ahead = node.approved_routes.iter().filter(|route| !node.report.hostinfo.routes.contains(route));
    let all: Vec<&IpNet> = node.report.hostinfo.routes.iter().chain(ahead).collect();
    html! {
        section.card aria-labelledby="routes" {
            h2 #routes { (text::device::ROUTES) }
            p.lead { @if all.is_empty() { (text::device::NO_ROUTES) } @else { (text::device::ROUTES_LEAD) } }
            @if !all.is_empty() {
                form.stack method="post" action=(action(inside, seen, "routes")) {
                    (inside.visitor.form())
                    fieldset {
                        legend.unseen { (text::device::ROUTES) }
                        @for route in all { (route_choice(seen, route)) }
                    }
                    div.actions { button.quiet type="submit" { (text::device::ROUTES_SAVE) } }
                }
            }
        }
    }
}

fn route_choice(seen: &Seen, route: &IpNet) -> Markup {
    let node = &seen.node;
    html! {
        label.choice {
            input type="checkbox" name="route" value=(route) checked[node.approved_routes.contains(route)];
            span {
                code { (route) }
                span { (route_state(seen, route)) }
            }
        }
    }
}

fn route_state(seen: &Seen, route: &IpNet) -> &'static str {
    let node = &seen.node;
    let (offered, approved) =
        (node.report.hostinfo.routes.contains(route), node.approved_routes.contains(route));
    match (offered, approved) {
        (false, _) => text::device::ROUTE_AHEAD,
        (true, false) if route::is_default(route) => text::device::ROUTE_EXIT_WAITS,
        (true, false) => text::device::ROUTE_WAITS,
        (true, true) if route::is_default(route) => text::device::ROUTE_EXIT,
        (true, true) if seen.primary_routes.contains(route) => text::device::ROUTE_PRIMARY,
        (true, true) => text::device::ROUTE_STANDBY,
    }
}

fn routes_read(seen: &Seen) -> Markup {
    html! {
        section.card aria-labelledby="routes" {
            div.title { h2 #routes { (text::device::ROUTES) } }
            dl.facts {
                @for route in &seen.node.report.hostinfo.routes {
                    div { dt { code { (route) } } dd { (route_state(seen, route)) } }
                }
            }
        }
    }
}

fn dangers<P: Permission>(inside: &Inside<P>, seen: &Seen) -> Markup {
    let (form, expire, remove) =
        (inside.visitor.form(), action(inside, seen, "expire"), action(inside, seen, "remove"));
    use text::device as t;
    html! {
        section.card aria-labelledby="dangers" {
            h2.unseen #dangers { (t::DANGERS) }
            @if !seen.node.is_expired(inside.visitor.now) {
                (parts::danger(t::EXPIRE, t::EXPIRE_WORDS, &expire, form, t::EXPIRE_YES))
            }
            (parts::danger(t::REMOVE, t::REMOVE_WORDS, &remove, form, t::REMOVE_YES))
        }
    }
}

#[derive(Deserialize)]
struct NewName {
    name: String,
}

async fn rename(
    state: State,
    inside: Inside<ManageNodes>,
    Target(id): Target,
    Form(new): Form<NewName>,
) -> Answer<Response> {
    match change_name(&state, &inside, &id, &new.name).await {
        Ok(seen) => {
            let name = seen.node.name;
            Ok(go(&inside.path(&format!("/devices/{name}")), text::device::renamed(&name), state.url()))
        }
        Err(error) if matches!(error.kind(), Kind::Usage | Kind::Conflict) => {
            again(&state, &inside, &id, &error).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn change_name(state: &State, inside: &Inside<ManageNodes>, id: &str, name: &str) -> Result<Seen> {
    node::rename(&state.app, &inside.may, id, name.trim().parse()?).await
}

/// The device's page once more, with what was wrong with the name.
async fn again(state: &State, inside: &Inside<ManageNodes>, id: &str, error: &Error) -> Answer<Response> {
    let view = inside.may.also::<ViewNodes>().ok_or_else(|| Error::not_found("node", id))?;
    let seen = node::show(&state.app, &view, id).await?;
    let problem = problem::words(error);
    let page = layout::inside(&seen.node.name, inside, Tab::Devices, &one(inside, &seen, Some(&problem)));
    Ok(problem::again(error, page))
}

#[derive(Deserialize)]
struct Routes {
    #[serde(default)]
    route: Vec<String>,
}

async fn approve_routes(
    state: State,
    inside: Inside<ManageNodes>,
    Target(id): Target,
    Form(chosen): Form<Routes>,
) -> Answer<Response> {
    let malformed = |text: &String| Error::usage("malformed_route", format!("{text:?} is no route"));
    let read = |text: &String| text.parse::<IpNet>().map_err(|_| malformed(text));
    let routes = chosen.route.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let seen = node::approve_routes(&state.app, &inside.may, &id, routes).await?;
    let path = inside.path(&format!("/devices/{}", seen.node.name));
    Ok(go(&path, text::device::ROUTES_SAVED, state.url()))
}

async fn expire(state: State, inside: Inside<ManageNodes>, Target(id): Target) -> Answer<Response> {
    let seen = node::expire(&state.app, &inside.may, &id).await?;
    let name = seen.node.name;
    Ok(go(&inside.path(&format!("/devices/{name}")), text::device::expired(&name), state.url()))
}

async fn remove(state: State, inside: Inside<ManageNodes>, Target(id): Target) -> Answer<Response> {
    let seen = node::remove(&state.app, &inside.may, &id).await?;
    Ok(go(&inside.path("/devices"), text::device::removed(&seen.node.name), state.url()))
}
