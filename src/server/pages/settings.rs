//! `/settings`: a person's own account: the password, and the log-ins of their browsers and command lines.

use axum::Router;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Form;
use super::note::go;
use super::parts::{self, Field};
use super::text::{self, settings as t};
use super::visitor::Visitor;
use super::{app, confirm, identity, layout};
use crate::api::Problem;
use crate::core::page::{MAX_LIMIT, Page};
use crate::core::secret::Secret;
use crate::core::session::SessionKind;
use crate::core::{Error, Result};
use crate::server::extract::Target;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::factor::proof;
use crate::service::{session, user};
use crate::store::session::Session;

pub fn routes() -> Router<State> {
    Router::new()
        .route("/settings", get(show))
        .route("/settings/password", get(back).post(change_password))
        .route("/settings/sessions/{session}/revoke", post(revoke))
        .route("/settings/sessions/revoke-others", post(revoke_others))
}

async fn back() -> Redirect {
    Redirect::to("/settings")
}

async fn show(state: State, visitor: Visitor) -> Answer<Response> {
    Ok(page(&state, &visitor, None).await?)
}

async fn page(state: &State, visitor: &Visitor, problem: Option<&Problem>) -> Result<Response> {
    let all = Page::new(Some(MAX_LIMIT), None)?;
    let (sessions, _) = session::list(&state.app, visitor.caller(), all).await?;
    let (identities, apps) = (identity::section(state, visitor).await?, app::own(state, visitor).await?);
    let body = html! {
        div.head { h1 { (t::TITLE) } p.about { (visitor.person().email) @if visitor.person().admin { " · " (t::ADMIN) } } }
        div.grid.two {
            div.grid { (log_ins(visitor, &sessions)) (identities) (apps) }
            (password(visitor, problem))
        }
    };
    Ok(layout::page(t::TITLE, visitor, &body))
}

fn password(visitor: &Visitor, problem: Option<&Problem>) -> Markup {
    let present = Field {
        name: "present",
        label: t::PRESENT,
        kind: "password",
        autocomplete: "current-password",
        ..Field::default()
    };
    let new = Field {
        name: "new",
        label: t::NEW,
        kind: "password",
        autocomplete: "new-password",
        hint: Some(text::setup::PASSWORD_HINT),
        ..Field::default()
    };
    html! {
        div.grid {
            section.card aria-labelledby="password" {
                h2 #password { (t::PASSWORD) }
                p.lead { (t::PASSWORD_LEAD) }
                (parts::complaint(problem))
                form.stack method="post" action="/settings/password" {
                    // For password managers, which keep a password by its account.
                    input.unseen type="email" name="username" autocomplete="username" value=(visitor.person().email) readonly tabindex="-1" aria-hidden="true";
                    (visitor.form()) (present) (new)
                    div.actions { button.quiet type="submit" { (t::CHANGE) } }
                }
            }
            section.card aria-labelledby="factors" {
                h2 #factors { (text::factor::TITLE) }
                p.lead { (text::factor::SUMMARY) }
                p.actions { a.button.quiet href="/settings/factors" { (text::factor::MANAGE) } }
            }
        }
    }
}

fn log_ins(visitor: &Visitor, sessions: &[Session]) -> Markup {
    html! {
        section.card.flush aria-labelledby="sessions" {
            div.over {
                h2 #sessions { (t::SESSIONS) }
                p.lead { (t::SESSIONS_LEAD) }
            }
            table.table {
                thead {
                    tr {
                        th scope="col" { (t::WHERE) }
                        th.spare scope="col" { (t::BEGUN) }
                        th scope="col" { (t::USED) }
                        th.end scope="col" { span.unseen { (text::token::ACTIONS) } }
                    }
                }
                tbody { @for session in sessions { (line(visitor, session)) } }
            }
            @if sessions.len() > 1 {
                form.more method="post" action="/settings/sessions/revoke-others" {
                    (visitor.form())
                    button.quiet.small type="submit" { (t::OTHERS) }
                }
            }
        }
    }
}

fn line(visitor: &Visitor, session: &Session) -> Markup {
    let own = Some(session.id) == visitor.person().session;
    let kind = match session.kind {
        SessionKind::Browser => t::BROWSER,
        SessionKind::Cli => t::CLI,
    };
    let label = if session.label.is_empty() { kind } else { &session.label };
    html! {
        tr {
            td {
                strong { (label) } " " @if own { span.badge.good { (t::THIS) } }
                span.under { (kind) @if let Some(address) = session.address { " · " (address) } }
            }
            td.spare { (parts::when(session.created_at, visitor.now)) }
            td { (parts::when(session.last_used_at, visitor.now)) }
            td.end {
                @if !own {
                    form method="post" action=(format!("/settings/sessions/{}/revoke", session.id)) {
                        (visitor.form())
                        button.quiet.small type="submit" aria-label=(format!("{} {label}", t::END)) { (t::END) }
                    }
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Passwords {
    present: Secret,
    new: Secret,
}

async fn change_password(state: State, visitor: Visitor, Form(given): Form<Passwords>) -> Answer<Response> {
    match user::change_password(&state.app, visitor.caller(), given.present, given.new).await {
        Ok(()) => Ok(go("/settings", t::CHANGED, state.url())),
        Err(error) if proof::is_needed(&error) => Ok(confirm::lead("/settings")),
        Err(error) => Ok(refused(&state, &visitor, &error).await?),
    }
}

async fn refused(state: &State, visitor: &Visitor, error: &Error) -> Result<Response> {
    let problem = problem::words(error);
    let page = page(state, visitor, Some(&problem)).await?;
    Ok(problem::again(error, page))
}

async fn revoke(state: State, visitor: Visitor, Target(id): Target) -> Answer<Response> {
    session::revoke(&state.app, visitor.caller(), id.parse()?).await?;
    Ok(go("/settings", t::ENDED, state.url()))
}

async fn revoke_others(state: State, visitor: Visitor) -> Answer<Response> {
    session::revoke_others(&state.app, visitor.caller()).await?;
    Ok(go("/settings", t::OTHERS_ENDED, state.url()))
}
