//! `/o/{org}/keys`: the API keys of programs: made, rotated, revoked, and how old their secrets may get. A secret
//! is shown by the answer to the form that made it, and never again.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use std::time::Duration;

use super::form::Form;
use super::key_policy;
use super::layout::{self, Tab};
use super::note::go;
use super::parts::{self, Choice, Field, From};
use super::text::{self, key as t};
use super::visitor::Inside;
use crate::api::Problem;
use crate::core::page::Page;
use crate::core::role::{ManageApiKeys, Permission, Scope, ViewApiKeys};
use crate::core::time::parse_duration;
use crate::core::{Result, Timestamp};
use crate::server::extract::Target;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::key::{self, Made};
use crate::store::api_key::ApiKeyRow;

const LIFETIMES: [(&str, &str); 4] =
    [("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days"), ("365d", "1 year")];

pub fn routes() -> Router<State> {
    Router::new()
        .route("/o/{org}/keys", get(list).post(create))
        .route("/o/{org}/keys/new", get(ask))
        .route("/o/{org}/keys/policy", post(key_policy::set))
        .route("/o/{org}/keys/{key}/rotate", post(rotate))
        .route("/o/{org}/keys/{key}/revoke", post(revoke))
}

async fn list(state: State, inside: Inside<ViewApiKeys>, Query(from): Query<From>) -> Answer<Response> {
    let (keys, next) = key::list(&state.app, &inside.may, Page::new(None, from.after.as_deref())?).await?;
    let policy = key::policy(&state.app, &inside.may).await?;
    let may_manage = inside.may.also::<ManageApiKeys>().is_some();
    let make = html! { @if may_manage { a.button href=(inside.path("/keys/new")) { (t::MAKE) } } };
    let body = html! {
        div.head { h1 { (t::TITLE) } @if !keys.is_empty() { (make) } p.about { (t::LEAD) } }
        div.card.flush {
            @if keys.is_empty() { (parts::empty(t::EMPTY, t::EMPTY_WORDS, &make)) }
            @else {
                (table(&inside, &keys, may_manage))
                (parts::more(&inside.path("/keys"), next.as_deref()))
            }
        }
        (key_policy::card(&inside, policy, None))
    };
    Ok(layout::inside(t::TITLE, &inside, Tab::Keys, &body))
}

fn table(inside: &Inside<ViewApiKeys>, keys: &[ApiKeyRow], may_manage: bool) -> Markup {
    html! {
        table.table {
            thead {
                tr {
                    th scope="col" { (t::KEY) }
                    th.spare scope="col" { (t::SCOPES) }
                    th.spare scope="col" { (t::USED) }
                    th scope="col" { (t::ENDS) }
                    @if may_manage { th.end scope="col" { span.unseen { (text::token::ACTIONS) } } }
                }
            }
            tbody { @for key in keys { (line(inside, key, may_manage)) } }
        }
    }
}

fn line(inside: &Inside<ViewApiKeys>, key: &ApiKeyRow, may_manage: bool) -> Markup {
    let now = inside.visitor.now;
    let is_good = key.revoked_at.is_none() && key.ends_at() > now;
    html! {
        tr.gone[!is_good] {
            td { strong { (key.name) } span.under { code { (key.prefix) "…" } } }
            td.spare { span.badges { @for scope in &key.scopes { (parts::badge(scope.as_str())) } } }
            td.spare {
                @match key.last_used_at { Some(at) => { (parts::when(at, now)) }, None => { (text::NEVER) } }
                @if let Some(from) = key.last_used_from { span.under { (t::USED_FROM) " " (from) } }
            }
            td { (end(key, now)) }
            @if may_manage { td.end { @if key.revoked_at.is_none() { (acts(inside, key)) } } }
        }
    }
}

/// When its secret ends, and whether that is soon.
fn end(key: &ApiKeyRow, now: Timestamp) -> Markup {
    let end = key.ends_at();
    if key.revoked_at.is_some() {
        return parts::badge(text::token::REVOKED);
    }
    if end <= now {
        let why = if key.expires_at <= now { text::token::EXPIRED } else { t::TOO_OLD };
        return html! { span.badge.bad { (why) } };
    }
    html! {
        (parts::when(end, now))
        @if key.is_due(now) || end.since(now) <= soon(key.ttl) { " " span.badge.warn { (t::SOON) } }
        @if end < key.expires_at { span.under { (t::BY_POLICY) } }
    }
}

/// How long before its end a key without a policy counts as near it: two weeks, or the last quarter of a short life.
fn soon(ttl: Duration) -> Duration {
    (ttl / 4).min(Duration::from_secs(14 * 86_400))
}

fn acts(inside: &Inside<ViewApiKeys>, key: &ApiKeyRow) -> Markup {
    let action = |verb: &str| inside.path(&format!("/keys/{}/{verb}", key.id));
    let form = inside.visitor.form();
    html! {
        details.danger.calm {
            summary { (t::ROTATE) }
            form method="post" action=(action("rotate")) {
                (form)
                p { (t::ROTATE_WORDS) }
                button.small.quiet type="submit" { (t::ROTATE_YES) }
            }
        }
        (parts::danger(text::token::REVOKE, t::REVOKE_WORDS, &action("revoke"), form, t::REVOKE_YES))
    }
}

async fn ask(inside: Inside<ManageApiKeys>) -> Response {
    let body = form(&inside, &Asked::default(), None);
    layout::inside(t::NEW, &inside, Tab::Keys, &body)
}

#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    name: String,
    scope: Vec<String>,
    ttl: String,
}

impl Default for Asked {
    fn default() -> Self {
        Asked { name: String::new(), scope: vec![Scope::NodesRead.to_string()], ttl: "90d".to_owned() }
    }
}

fn form(inside: &Inside<ManageApiKeys>, asked: &Asked, problem: Option<&Problem>) -> Markup {
    let name = Field {
        name: "name",
        label: t::NAME,
        value: &asked.name,
        hint: Some(t::NAME_HINT),
        ..Field::default()
    };
    html! {
        p.crumb.middle { a href=(inside.path("/keys")) { "← " (t::TITLE) } }
        div.card.middle {
            h1 { (t::NEW) }
            p.lead { (t::NEW_LEAD) }
            (parts::complaint(problem))
            form.stack method="post" action=(inside.path("/keys")) {
                (inside.visitor.form())
                (name)
                (parts::scopes(t::SCOPES, &asked.scope))
                (Choice { name: "ttl", label: t::TTL, options: &LIFETIMES, chosen: &asked.ttl })
                div.actions { button type="submit" { (t::MAKE) } }
            }
        }
    }
}

async fn create(state: State, inside: Inside<ManageApiKeys>, Form(asked): Form<Asked>) -> Response {
    match make(&state, &inside, &asked).await {
        Ok(made) => shown(&inside, &made),
        Err(error) => {
            let body = form(&inside, &asked, Some(&problem::words(&error)));
            layout::inside(t::NEW, &inside, Tab::Keys, &body)
        }
    }
}

async fn make(state: &State, inside: &Inside<ManageApiKeys>, asked: &Asked) -> Result<Made> {
    let scopes = asked.scope.iter().map(|scope| scope.parse()).collect::<Result<Vec<Scope>>>()?;
    let ttl = parse_duration(&asked.ttl)?;
    key::create(&state.app, &inside.may, &asked.name, Some(scopes), Some(ttl)).await
}

/// The secret, this once.
fn shown<P: Permission>(inside: &Inside<P>, made: &Made) -> Response {
    let body = html! {
        p.crumb.middle { a href=(inside.path("/keys")) { "← " (t::TITLE) } }
        div.card.middle {
            h1 { (made.key.name) }
            p.lead { (t::ONCE) }
            (parts::copyable(t::SECRET, made.secret.reveal()))
            p.fine { (t::USE) " " code { "Authorization: Bearer …" } " " (t::ENDS_AT) " " (parts::when(made.key.ends_at(), inside.visitor.now)) "." }
        }
    };
    layout::inside(&made.key.name, inside, Tab::Keys, &body)
}

async fn rotate(state: State, inside: Inside<ManageApiKeys>, Target(id): Target) -> Answer<Response> {
    let made = key::rotate(&state.app, &inside.may, &id, None).await?;
    Ok(shown(&inside, &made))
}

async fn revoke(state: State, inside: Inside<ManageApiKeys>, Target(id): Target) -> Answer<Response> {
    let key = key::revoke(&state.app, &inside.may, &id).await?;
    Ok(go(&inside.path("/keys"), t::revoked(&key.name), state.url()))
}
