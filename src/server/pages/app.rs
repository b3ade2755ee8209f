//! `/o/{org}/apps`: the apps that an organization has registered, and what its members have let apps do.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Form;
use super::layout::{self, Tab};
use super::note::go;
use super::parts::{self, Field};
use super::text::{self, people::app as t};
use super::visitor::{Inside, Visitor};
use crate::api::Problem;
use crate::core::page::{MAX_LIMIT, Page};
use crate::core::role::{ManageApps, Scope, ViewApps};
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
        .route("/settings/grants/{grant}/revoke", post(end_own))
}

async fn list(state: State, inside: Inside<ViewApps>) -> Answer<Response> {
    let (apps, _) = app::list(&state.app, &inside.may, Page::new(Some(MAX_LIMIT), None)?).await?;
    let (grants, _) = grant::list(&state.app, &inside.may, Page::new(Some(MAX_LIMIT), None)?).await?;
    let may_manage = inside.may.also::<ManageApps>().is_some();
    let make = html! { @if may_manage { a.button href=(inside.path("/apps/new")) { (t::REGISTER) } } };
    let end = |grant: &GrantRow| {
        let action = inside.path(&format!("/grants/{}/revoke", grant.id));
        html! { @if may_manage { (end_button(grant, &action, &inside.visitor)) } }
    };
    let body = html! {
        div.head { h1 { (t::TITLE) } @if !apps.is_empty() { (make) } p.about { (t::LEAD) } }
        section.card.flush aria-labelledby="granted" {
            div.over { h2 #granted { (t::GRANTS) } p.lead { @if grants.is_empty() { (t::NOBODY) } @else { (t::GRANTS_LEAD) } } }
            @if !grants.is_empty() { (granted(&grants, inside.visitor.now, end)) }
        }
        section.card.flush aria-label=(t::REGISTERED) {
            @if apps.is_empty() { (parts::empty(t::NONE, t::NONE_WORDS, &make)) }
            @else { (registered(&inside, &apps, may_manage)) }
        }
    };
    Ok(layout::inside(t::TITLE, &inside, Tab::Apps, &body))
}

/// None for what an app does by its own secret, which ends with the app.
fn end_button(grant: &GrantRow, action: &str, visitor: &Visitor) -> Markup {
    html! {
        @if !grant.own { form method="post" action=(action) {
            (visitor.form())
            button.quiet.small type="submit" aria-label=(format!("{} {}", t::END, grant.app_name)) { (t::END) }
        } }
    }
}

/// What apps were let in for, as far as it lasts; `end` makes the button that ends it.
pub fn granted(grants: &[GrantRow], now: Timestamp, end: impl Fn(&GrantRow) -> Markup) -> Markup {
    html! {
        table.table {
            thead {
                tr {
                    th scope="col" { (t::APP) }
                    th.spare scope="col" { (t::MAY) }
                    th.spare scope="col" { (t::USED) }
                    th.end scope="col" { span.unseen { (text::token::ACTIONS) } }
                }
            }
            tbody {
                @for grant in grants {
                    tr {
                        td { strong { (grant.app_name) } span.under { (t::BY) " " (grant.email) " · " (grant.org_name) } }
                        td.spare { span.badges { @for scope in grant.scopes.api() { (parts::badge(scope.as_str())) } } }
                        td.spare { @match grant.last_used_at { Some(at) => { (parts::when(at, now)) }, None => { (text::NEVER) } } }
                        td.end { (end(grant)) }
                    }
                }
            }
        }
    }
}

fn registered(inside: &Inside<ViewApps>, apps: &[AppRow], may_manage: bool) -> Markup {
    html! {
        table.table {
            thead {
                tr {
                    th scope="col" { (t::REGISTERED) }
                    th.spare scope="col" { (t::LEADS_TO) }
                    th.spare scope="col" { (t::KIND) }
                    th.end scope="col" { span.unseen { (text::token::ACTIONS) } }
                }
            }
            tbody {
                @for app in apps {
                    @let action = inside.path(&format!("/apps/{}/revoke", app.id));
                    tr.gone[app.revoked_at.is_some()] {
                        td { strong { (app.name) } span.under { code { (app.id) } } }
                        td.spare { @for uri in &app.redirect_uris { code { (uri) } " " } }
                        td.spare { @if app.secret.is_some() { (t::CONFIDENTIAL) } @else { (t::PUBLIC) } }
                        td.end {
                            @if app.revoked_at.is_some() { (parts::badge(text::token::REVOKED)) }
                            @else if may_manage {
                                (parts::danger(text::token::REVOKE, t::REVOKE_WORDS, &action, inside.visitor.form(), text::token::REVOKE_YES))
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn ask(inside: Inside<ManageApps>) -> Response {
    let all = Scope::ALL.iter().map(ToString::to_string).collect();
    let asked = Asked { scope: all, ..Asked::default() };
    layout::inside(t::NEW, &inside, Tab::Apps, &form(&inside, &asked, None))
}

#[derive(Default, Deserialize)]
struct Asked {
    name: String,
    #[serde(default)]
    redirects: String,
    #[serde(default)]
    after: String,
    public: Option<String>,
    #[serde(default)]
    scope: Vec<String>,
}

fn form(inside: &Inside<ManageApps>, asked: &Asked, problem: Option<&Problem>) -> Markup {
    let name = Field {
        name: "name",
        label: t::NAME,
        value: &asked.name,
        hint: Some(t::NAME_HINT),
        ..Field::default()
    };
    html! {
        p.crumb.middle { a href=(inside.path("/apps")) { "← " (t::TITLE) } }
        div.card.middle {
            h1 { (t::NEW) }
            p.lead { (t::NEW_LEAD) }
            (parts::complaint(problem))
            form.stack method="post" action=(inside.path("/apps")) {
                (inside.visitor.form()) (name)
                (uris("redirects", t::REDIRECTS, t::REDIRECTS_HINT, &asked.redirects))
                (uris("after", t::AFTER, t::AFTER_HINT, &asked.after))
                label.choice {
                    input type="checkbox" name="public" value="on" checked[asked.public.is_some()];
                    span { (t::IS_PUBLIC) span { (t::IS_PUBLIC_HINT) } }
                }
                (parts::scopes(t::MOST, &asked.scope))
                div.actions { button type="submit" { (t::REGISTER) } }
            }
        }
    }
}

/// A field for URIs, one a line.
fn uris(name: &str, label: &str, hint: &str, value: &str) -> Markup {
    let (id, hint_id) = (format!("f-{name}"), format!("f-{name}-hint"));
    html! {
        div.field {
            label for=(id) { (label) }
            textarea #(id) name=(name) rows="3" spellcheck="false" aria-describedby=(hint_id) { (value) }
            p.hint #(hint_id) { (hint) }
        }
    }
}

async fn register(state: State, inside: Inside<ManageApps>, Form(asked): Form<Asked>) -> Response {
    let body = match make(&state, &inside, &asked).await {
        Ok(made) => shown(&inside, &made),
        Err(error) => form(&inside, &asked, Some(&problem::words(&error))),
    };
    layout::inside(t::NEW, &inside, Tab::Apps, &body)
}

async fn make(state: &State, inside: &Inside<ManageApps>, asked: &Asked) -> Result<Registered> {
    let scopes = asked.scope.iter().map(|scope| scope.parse()).collect::<Result<Vec<Scope>>>()?;
    let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let new = NewApp {
        name: asked.name.clone(),
        redirect_uris: lines(&asked.redirects),
        post_logout_redirect_uris: lines(&asked.after),
        public: asked.public.is_some(),
        scopes: Some(scopes),
    };
    app::register(&state.app, &inside.may, new).await
}

/// The identifier, and the secret this once.
fn shown(inside: &Inside<ManageApps>, made: &Registered) -> Markup {
    html! {
        p.crumb.middle { a href=(inside.path("/apps")) { "← " (t::TITLE) } }
        div.card.middle {
            h1 { (made.app.name) }
            p.lead { @if made.secret.is_some() { (t::ONCE) } @else { (t::NO_SECRET) } }
            h3 { (t::ID) }
            (parts::copyable(t::ID, &made.app.id.to_string()))
            @if let Some(secret) = &made.secret {
                h3 { (t::SECRET) }
                (parts::copyable(t::SECRET, secret.reveal()))
            }
        }
    }
}

async fn revoke(state: State, inside: Inside<ManageApps>, Target(id): Target) -> Answer<Response> {
    let app = app::revoke(&state.app, &inside.may, &id).await?;
    Ok(go(&inside.path("/apps"), t::revoked(&app.name), state.url()))
}

async fn end(state: State, inside: Inside<ManageApps>, Target(id): Target) -> Answer<Response> {
    grant::revoke(&state.app, &inside.may, &id).await?;
    Ok(go(&inside.path("/apps"), t::ENDED, state.url()))
}

/// What the visitor has let in, for their settings; nothing where that is nothing.
pub async fn own(state: &State, visitor: &Visitor) -> Result<Markup> {
    let all = Page::new(Some(MAX_LIMIT), None)?;
    let (grants, _) = grant::list_own(&state.app, visitor.caller(), all).await?;
    let end = |grant: &GrantRow| end_button(grant, &format!("/settings/grants/{}/revoke", grant.id), visitor);
    Ok(html! {
        @if !grants.is_empty() {
            section.card.flush aria-labelledby="own-apps" {
                div.over { h2 #own-apps { (t::OWN) } p.lead { (t::OWN_LEAD) } }
                (granted(&grants, visitor.now, end))
            }
        }
    })
}

async fn end_own(state: State, visitor: Visitor, Target(id): Target) -> Answer<Response> {
    grant::revoke_own(&state.app, visitor.caller(), &id).await?;
    Ok(go("/settings", t::ENDED, state.url()))
}
