//! `/device`: a person types the code that a device without a browser shows, and lets it in, or does not
//! (RFC 8628 section 3.3).

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::consent::{buttons, choices, consent};
use super::form::Form;
use super::parts::{Field, complaint, when};
use super::visitor::Visitor;
use super::{confirm, layout, text};
use crate::api::Problem;
use crate::core::Kind;
use crate::server::oauth::{DEVICE_PAGE, device_page_of};
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::factor::proof::{self, Proven};
use crate::service::oauth::device::{self, Waiting};

pub fn routes() -> Router<State> {
    Router::new().route(DEVICE_PAGE, get(show).post(decide))
}

#[derive(Deserialize)]
struct Typed {
    user_code: Option<String>,
}

async fn show(state: State, visitor: Visitor, Query(typed): Query<Typed>) -> Answer<Response> {
    let Some(code) = typed.user_code.filter(|code| !code.trim().is_empty()) else {
        return Ok(layout::page(text::code::TITLE, &visitor, &ask("", None)));
    };
    match device::look(&state.app, visitor.caller(), &code).await {
        Ok(waiting) if needs_proof(&state, &visitor, &waiting) => Ok(confirm::lead(&device_page_of(&code))),
        Ok(waiting) => Ok(layout::page(text::code::TITLE, &visitor, &question(&visitor, &waiting, &code))),
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::RateLimited) => {
            let problem = problem::words(&error);
            let page = layout::page(text::code::TITLE, &visitor, &ask(&code, Some(&problem)));
            Ok(problem::again(&error, page))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the visitor shows first who they are: the command line is given a log-in that counts as if they had.
fn needs_proof(state: &State, visitor: &Visitor, waiting: &Waiting) -> bool {
    waiting.app.is_none() && Proven::check(&state.app, visitor.caller()).is_err()
}

fn ask(code: &str, problem: Option<&Problem>) -> Markup {
    let field = Field {
        name: "user_code",
        label: text::code::FIELD,
        value: code,
        hint: Some(text::code::HINT),
        ..Field::default()
    };
    html! {
        div.card.narrow {
            h1 { (text::code::TITLE) }
            p.lead { (text::code::LEAD) }
            (complaint(problem))
            form.stack method="get" action=(DEVICE_PAGE) {
                (field)
                button.wide type="submit" { (text::code::NEXT) }
            }
        }
    }
}

fn question(visitor: &Visitor, waiting: &Waiting, code: &str) -> Markup {
    let row = &waiting.row;
    html! {
        div.card.middle.stack {
            h1 { (text::code::CONFIRM) }
            p { (text::code::SAME) " " strong { code { (code.trim().to_uppercase()) } } }
            @match &waiting.app {
                Some(app) => { p { strong { (app.name) } (text::consent::WANTS) "." } },
                None => {
                    p { (text::code::COMMAND_LINE) strong { (visitor.person().email) } "." }
                    p { (text::code::CALLED) code { (row.label) } "." }
                },
            }
            p.fine {
                (text::code::BEGAN) (when(row.created_at, visitor.now)) "."
                @if let Some(address) = row.address { " " (text::code::FROM) code { (address) } "." }
            }
            p { strong { (text::code::WARNING) } }
            form.stack method="post" action=(DEVICE_PAGE) {
                (visitor.form())
                input type="hidden" name="user_code" value=(code);
                @if waiting.app.is_some() { (choices(visitor.memberships(), &row.scopes)) }
                (buttons())
            }
        }
    }
}

#[derive(Deserialize)]
struct Decision {
    user_code: String,
    decision: String,
    #[serde(default)]
    org: String,
    #[serde(default)]
    scope: Vec<String>,
}

async fn decide(state: State, visitor: Visitor, Form(decision): Form<Decision>) -> Answer<Response> {
    let approved = decision.decision == "approve";
    if approved {
        let consent = match decision.org.is_empty() {
            true => None,
            false => Some(consent(decision.org, &decision.scope)?),
        };
        match device::approve(&state.app, visitor.caller(), &decision.user_code, consent).await {
            // The page was left open for so long.
            Err(error) if proof::is_needed(&error) => {
                return Ok(confirm::lead(&device_page_of(&decision.user_code)));
            }
            approved => drop(approved?),
        }
    } else {
        device::refuse(&state.app, visitor.caller(), &decision.user_code).await?;
    }
    let done = if approved { text::code::APPROVED } else { text::code::REFUSED };
    let body = html! {
        div.card.narrow {
            h1 { (text::code::DONE) }
            p.lead { (done) }
        }
    };
    Ok(layout::page(text::code::DONE, &visitor, &body))
}
