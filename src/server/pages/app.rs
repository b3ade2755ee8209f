//! `/o/{org}/apps`: the apps of an organization, and what its people allowed apps; `/grants`: what one allowed
//! oneself. A secret is shown by the answer to the form that made it, and never again.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Form;
use super::layout::{self, Tab};
use super::note::go;
use super::parts::{self, Field};
use super::text::{self, app as t};
use super::token::From;
use super::visitor::{Inside, Visitor};
use crate::api::Problem;
use crate::core::page::{MAX_LIMIT, Page};
use crate::core::role::{ManageApps, ViewApps};
use crate::core::{Result, Timestamp};
use crate::server::extract::Target;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::oauth::app::{self, NewApp, Registered};
use crate::service::oauth::grant;
use crate::store::oauth::app::AppRow;
use crate::store::oauth::grant::GrantRow;

pub fn routes() -> Router<State> {
    Router::new()
        .route("/o/{org}/apps", get(list).post(register))
        .route("/o/{org}/apps/new", get(ask))
        .route("/o/{org}/apps/{app}/revoke", post(revoke))
        .route("/o/{org}/grants/{grant}/revoke", post(end))
        .route("/grants", get(list_own))
        .route("/grants/{grant}/revoke", post(end_own))
}

async fn list(state: State, inside: Inside<ViewApps>, Query(from): Query<From>) -> Answer<Response> {
    let (apps, next) = app::list(&state.app, &inside.may, Page::new(None, from.after.as_deref())?).await?;
    let (grants, _) = grant::list(&state.app, &inside.may, Page::new(Some(MAX_LIMIT), None)?).await?;
    let register = html! { a.button href=(inside.path("/apps/new")) { (t::REGISTER) } };
    let body = html! {
        div.head { h1 { (t::TITLE) } @if !apps.is_empty() { (register) } p.about { (t::LEAD) } }
        div.card.flush {
            @if apps.is_empty() { (parts::empty(t::EMPTY, t::EMPTY_WORDS, &register)) }
            @else {
                (table(&inside, &apps))
                @if let Some(next) = next {
                    p.more { a href=(inside.path(&format!("/apps?after={next}"))) { (text::device::MORE) } }
                }
            }
        }
        div.head { h2 { (t::GRANTS) } p.about { (t::GRANTS_LEAD) } }
        div.card.flush { (granted(&inside.visitor, &grants, &inside.path("/grants"), true)) }
    };
    Ok(layout::inside(t::TITLE, &inside, Tab::Apps, &body))
}

fn table(inside: &Inside<ViewApps>, apps: &[AppRow]) -> Markup {
    html! {
        table.table {
            thead {
                tr {
                    th scope="col" { (t::APP) }
                    th.spare scope="col" { (t::KIND) }
                    th.spare scope="col" { (t::SINCE) }
                    th.end scope="col" { span.unseen { (text::token::ACTIONS) } }
                }
            }
            tbody { @for app in apps { (line(inside, app)) } }
        }
    }
}

fn line(inside: &Inside<ViewApps>, app: &AppRow) -> Markup {
    let action = inside.path(&format!("/apps/{}/revoke", app.id));
    html! {
        tr.gone[app.revoked_at.is_some()] {
            td { strong { (app.name) } span.under { code { (app.id) } } }
            td.spare { (if app.secret.is_some() { t::CONFIDENTIAL } else { t::PUBLIC }) }
            td.spare { (parts::when(app.created_at, inside.visitor.now)) }
            td.end {
                @match app.revoked_at {
                    Some(_) => { (parts::badge(text::token::REVOKED)) },
                    None => {
                        (parts::danger(text::token::REVOKE, t::REVOKE_WORDS, &action, inside.visitor.form(), t::REVOKE_YES))
                    },
                }
            }
        }
    }
}

/// Grants, each with the button that ends it; `base` is where their paths begin.
fn granted(visitor: &Visitor, grants: &[GrantRow], base: &str, with_people: bool) -> Markup {
    html! {
        @if grants.is_empty() { (parts::empty(t::NO_GRANT, t::NO_GRANT_WORDS, &html! {})) }
        @else {
            table.table {
                thead {
                    tr {
                        th scope="col" { (t::APP) }
                        th scope="col" { (if with_people { t::BY } else { t::WHERE }) }
                        th.spare scope="col" { (t::MAY) }
                        th.spare scope="col" { (t::USED) }
                        th.end scope="col" { span.unseen { (text::token::ACTIONS) } }
                    }
                }
                tbody { @for grant in grants { (grant_line(visitor, grant, base, with_people)) } }
            }
        }
    }
}

fn grant_line(visitor: &Visitor, grant: &GrantRow, base: &str, with_people: bool) -> Markup {
    let action = format!("{base}/{}/revoke", grant.id);
    html! {
        tr {
            td { strong { (grant.app_name) } @if grant.own { span.under { (t::OWN) } } }
            td { @if with_people { (grant.email) } @else { (grant.org_name) } }
            td.spare { span.badges { @for word in grant.scopes.words() { (parts::badge(word)) } } }
            td.spare { (used(grant.last_used_at, visitor.now)) }
            td.end { (parts::danger(t::END, t::END_WORDS, &action, visitor.form(), t::END_YES)) }
        }
    }
}

fn used(at: Option<Timestamp>, now: Timestamp) -> Markup {
    html! { @match at { Some(at) => { (parts::when(at, now)) }, None => { (text::NEVER) } } }
}

async fn ask(inside: Inside<ManageApps>) -> Response {
    let body = form(&inside, &Asked::default(), None);
    layout::inside(t::NEW, &inside, Tab::Apps, &body)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    name: String,
    redirect: String,
    public: Option<String>,
}

fn form(inside: &Inside<ManageApps>, asked: &Asked, problem: Option<&Problem>) -> Markup {
    let name = Field {
        name: "name",
        label: t::NAME,
        value: &asked.name,
        hint: Some(t::NAME_HINT),
        ..Field::default()
    };
    let redirect = Field {
        name: "redirect",
        label: t::REDIRECT,
        value: &asked.redirect,
        hint: Some(t::REDIRECT_HINT),
        ..Field::default()
    };
    html! {
        p.crumb.middle { a href=(inside.path("/apps")) { "← " (t::TITLE) } }
        div.card.middle {
            h1 { (t::NEW) }
            (parts::complaint(problem))
            form.stack method="post" action=(inside.path("/apps")) {
                (inside.visitor.form())
                (name)
                (redirect)
                label.choice {
                    input type="checkbox" name="public" value="yes" checked[asked.public.is_some()];
                    span { (t::PUBLIC) span { (t::PUBLIC_HINT) } }
                }
                div.actions { button type="submit" { (t::REGISTER) } }
            }
        }
    }
}

async fn register(state: State, inside: Inside<ManageApps>, Form(asked): Form<Asked>) -> Response {
    match make(&state, &inside, &asked).await {
        Ok(made) => shown(&inside, &made),
        Err(error) => {
            let body = form(&inside, &asked, Some(&problem::words(&error)));
            layout::inside(t::NEW, &inside, Tab::Apps, &body)
        }
    }
}

async fn make(state: &State, inside: &Inside<ManageApps>, asked: &Asked) -> Result<Registered> {
    let new = NewApp {
        name: asked.name.clone(),
        redirect_uris: asked.redirect.split_whitespace().map(str::to_owned).collect(),
        public: asked.public.is_some(),
        scopes: None,
    };
    app::register(&state.app, &inside.may, new).await
}

/// The secret, this once.
fn shown(inside: &Inside<ManageApps>, made: &Registered) -> Response {
    let body = html! {
        p.crumb.middle { a href=(inside.path("/apps")) { "← " (t::TITLE) } }
        div.card.middle.stack {
            h1 { (made.app.name) }
            p.lead { (if made.secret.is_some() { t::ONCE } else { t::NO_SECRET }) }
            (parts::copyable(t::CLIENT_ID, &made.app.id.to_string()))
            @if let Some(secret) = &made.secret { (parts::copyable(t::SECRET, secret.reveal())) }
        }
    };
    layout::inside(&made.app.name, inside, Tab::Apps, &body)
}

async fn revoke(state: State, inside: Inside<ManageApps>, Target(id): Target) -> Answer<Response> {
    let app = app::revoke(&state.app, &inside.may, &id).await?;
    Ok(go(&inside.path("/apps"), t::revoked(&app.name), state.url()))
}

async fn end(state: State, inside: Inside<ManageApps>, Target(id): Target) -> Answer<Response> {
    let ended = grant::revoke(&state.app, &inside.may, &id).await?;
    Ok(go(&inside.path("/apps"), t::ended(&ended.app_name), state.url()))
}

async fn list_own(state: State, visitor: Visitor) -> Answer<Response> {
    let page = Page::new(Some(MAX_LIMIT), None)?;
    let (grants, _) = grant::list_own(&state.app, visitor.caller(), page).await?;
    let body = html! {
        div.head { h1 { (t::OWN_GRANTS) } p.about { (t::OWN_GRANTS_LEAD) } }
        div.card.flush { (granted(&visitor, &grants, "/grants", false)) }
    };
    Ok(layout::page(t::OWN_GRANTS, &visitor, &body))
}

async fn end_own(state: State, visitor: Visitor, Target(id): Target) -> Answer<Response> {
    let ended = grant::revoke_own(&state.app, visitor.caller(), &id).await?;
    Ok(go("/grants", t::ended(&ended.app_name), state.url()))
}
