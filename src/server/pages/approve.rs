//! `/approve/{code}`: the page that a device shows when it registers without a key. A person who is logged in sees
//! what waits, chooses an organization, and lets it in or turns it away.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Form;
use super::layout;
use super::note::go;
use super::parts::{self, Field};
use super::text::approve as t;
use super::visitor::Visitor;
use crate::core::role::ManageNodes;
use crate::core::{Error, Kind};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::approval::{self, Waiting};
use crate::service::authority::May;
use crate::service::node;
use crate::store::organization::Organization;

pub fn routes() -> Router<State> {
    Router::new().route("/approve", get(ask).post(find)).route("/approve/{code}", get(show).post(decide))
}

async fn ask(visitor: Visitor) -> Response {
    let field = Field { name: "code", label: t::CODE, hint: Some(t::CODE_HINT), ..Field::default() };
    let body = html! {
        div.card.narrow {
            h1 { (t::ASK) }
            p.lead { (t::ASK_LEAD) }
            form.stack method="post" action="/approve" {
                (visitor.form()) (field)
                button.wide type="submit" { (t::GO_ON) }
            }
        }
    };
    layout::page(t::ASK, &visitor, &body)
}

#[derive(Deserialize)]
struct Typed {
    code: String,
}

async fn find(_: Visitor, Form(typed): Form<Typed>) -> Answer<Response> {
    let code = approval::read_code(&typed.code)?;
    Ok(Redirect::to(&format!("/approve/{}", code.reveal())).into_response())
}

async fn show(state: State, visitor: Visitor, Path(code): Path<String>) -> Answer<Response> {
    let waiting = approval::show(&state.app, visitor.caller(), &code).await?;
    let open = organizations(&state, &visitor).await;
    Ok(layout::page(t::TITLE, &visitor, &question(&visitor, &waiting, &open)))
}

/// The organizations that the visitor may let devices into.
async fn organizations(state: &State, visitor: &Visitor) -> Vec<Organization> {
    let mut open = Vec::new();
    for membership in visitor.memberships() {
        let id = membership.organization.id.to_string();
        if let Ok(may) = May::<ManageNodes>::check(&state.app, visitor.caller(), Some(&id)).await {
            open.push(may.organization().clone());
        }
    }
    open
}

fn question(visitor: &Visitor, waiting: &Waiting, open: &[Organization]) -> Markup {
    html! {
        div.card.middle {
            h1 { (t::TITLE) }
            p.lead { (t::LEAD) }
            (what_waits(visitor, waiting))
            form.stack method="post" action=(format!("/approve/{}", waiting.code.reveal())) {
                (visitor.form())
                @if open.is_empty() { p.complaint { (t::NOWHERE) } } @else { (choices(open)) }
                div.actions {
                    @if !open.is_empty() {
                        button type="submit" name="decision" value="approve" { (t::APPROVE) }
                    }
                    button.quiet type="submit" name="decision" value="refuse" { (t::REFUSE) }
                }
            }
            p.fine { (t::CAREFUL) }
        }
    }
}

fn what_waits(visitor: &Visitor, waiting: &Waiting) -> Markup {
    let name = if waiting.hostname.is_empty() { t::NAMELESS } else { &waiting.hostname };
    html! {
        dl.facts.wide.framed {
            dt { (t::DEVICE) } dd { strong { (name) } }
            dt { (t::SYSTEM) } dd { (parts::system(&waiting.os)) }
            @if let Some(address) = waiting.address { dt { (t::FROM) } dd { code { (address) } } }
            @if waiting.ephemeral { dt { (t::STAYS) } dd { (t::EPHEMERAL) } }
            dt { (t::ASKED) } dd { (parts::when(waiting.created_at, visitor.now)) }
            dt { (t::KEY) } dd { code { (waiting.node_key) } }
            dt { (t::CODE) } dd { code { (waiting.code.reveal()) } }
        }
    }
}

/// Where the device shall be; the personal organization stands first and is chosen.
fn choices(open: &[Organization]) -> Markup {
    html! {
        fieldset.choices {
            legend { (t::WHERE) }
            @for (index, organization) in open.iter().enumerate() {
                label.choice {
                    input type="radio" name="org" value=(organization.id) checked[index == 0] required;
                    span {
                        (organization.name)
                        @if organization.personal_of.is_some() { span { (t::PERSONAL) } }
                    }
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Decision {
    decision: String,
    org: Option<String>,
}

async fn decide(
    state: State,
    visitor: Visitor,
    Path(code): Path<String>,
    Form(chosen): Form<Decision>,
) -> Answer<Response> {
    match (chosen.decision.as_str(), chosen.org) {
        ("refuse", _) => {
            let refused = approval::refuse(&state.app, visitor.caller(), &code).await?;
            Ok(go("/", t::refused(&refused.hostname), state.url()))
        }
        ("approve", Some(org)) => {
            let may = May::<ManageNodes>::check(&state.app, visitor.caller(), Some(&org)).await?;
            let seen = node::approve(&state.app, &may, &code).await?;
            let path = visitor.path(may.organization(), &format!("/devices/{}", seen.node.name));
            Ok(go(&path, t::approved(&seen.node.name, &may.organization().name), state.url()))
        }
        _ => {
            Err(Error::new(Kind::Usage, "no_decision", "choose an organization, and approve or refuse")
                .into())
        }
    }
}
