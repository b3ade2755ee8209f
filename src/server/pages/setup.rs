//! `/setup`: the first account of a new coordinator, by the code that its start prints; then its owner is logged
//! in.

use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Form;
use super::parts::Field;
use super::visitor::Guest;
use super::{agent, layout, parts, session, text};
use crate::api::Problem;
use crate::core::Result;
use crate::core::secret::Secret;
use crate::core::session::SessionKind;
use crate::server::extract::From;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::audit::Origin;
use crate::service::session::{LogIn, LoggedIn, log_in};
use crate::service::setup::{self, SetUp};

pub fn routes() -> Router<State> {
    Router::new().route("/setup", get(show).post(set_up))
}

async fn show(state: State, guest: Guest) -> Answer<Response> {
    match setup::is_needed(&state.app).await? {
        true => Ok(layout::guest(text::setup::TITLE, &guest, StatusCode::OK, &ask(&guest, "", None))),
        false => Ok(Redirect::to("/").into_response()),
    }
}

fn ask(guest: &Guest, email: &str, problem: Option<&Problem>) -> Markup {
    let code = Field {
        name: "code",
        label: text::setup::CODE,
        hint: Some(text::setup::CODE_HINT),
        ..Field::default()
    };
    let email = Field::email(email);
    let password = Field {
        name: "password",
        label: text::PASSWORD,
        kind: "password",
        autocomplete: "new-password",
        hint: Some(text::setup::PASSWORD_HINT),
        ..Field::default()
    };
    html! {
        div.card.narrow {
            h1 { (text::setup::TITLE) }
            p.lead { (text::setup::LEAD) }
            (parts::complaint(problem))
            form.stack method="post" action="/setup" {
                (guest.form) (code) (email) (password)
                button.wide type="submit" { (text::setup::BUTTON) }
            }
        }
    }
}

#[derive(Deserialize)]
struct First {
    code: String,
    email: String,
    password: Secret,
}

async fn set_up(
    state: State,
    guest: Guest,
    From(origin): From,
    headers: HeaderMap,
    Form(first): Form<First>,
) -> Response {
    let email = first.email.clone();
    match make(&state, first, agent::label(&headers), origin).await {
        Ok(begun) => session::begin(&begun, "/", state.url()),
        Err(error) => {
            let problem = problem::words(&error);
            let body = ask(&guest, &email, Some(&problem));
            problem::again(&error, layout::guest(text::setup::TITLE, &guest, StatusCode::OK, &body))
        }
    }
}

async fn make(state: &State, first: First, label: String, origin: Origin) -> Result<LoggedIn> {
    let First { code, email, password } = first;
    let set_up = SetUp { code: Secret::new(code.trim()), email: email.clone(), password: password.clone() };
    setup::redeem(&state.app, set_up, origin.clone()).await?;
    log_in(&state.app, LogIn { kind: SessionKind::Browser, email, password, label, code: None }, origin).await
}
