//! `/login/step`: the second factor of a log-in whose password was right.

use axum::Router;
use axum::extract::Query;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

use super::cookie::Cookie;
use super::form::Form;
use super::parts::{self, Field};
use super::session::{self, local_path, with_cookies};
use super::text::{self, factor as t};
use super::visitor::Guest;
use super::{layout, note, passkey};
use crate::api::Problem;
use crate::core::Error;
use crate::core::secret::Secret;
use crate::core::url::{BaseUrl, encode};
use crate::server::extract::From;
use crate::server::problem::{self, Failure};
use crate::server::state::State;
use crate::service::factor::half::{self, Half, LASTS};
use crate::service::factor::passkey as passkeys;

const STEP: &str = "/login/step";

pub fn routes() -> Router<State> {
    Router::new().route(STEP, get(show).post(finish))
}

/// Leads a browser on whose password was right.
pub fn begin(token: &Secret, next: Option<&str>, url: &BaseUrl) -> Response {
    let path = next.map_or(STEP.to_owned(), |next| format!("{STEP}?next={}", encode(next, b"/")));
    with_cookies(Redirect::to(&path).into_response(), [Cookie::Half.set(token.reveal(), LASTS, url)])
}

#[derive(Deserialize)]
struct Going {
    next: Option<String>,
}

async fn show(
    state: State,
    guest: Guest,
    headers: HeaderMap,
    Query(going): Query<Going>,
) -> Result<Response, Response> {
    let next = going.next.as_deref().and_then(local_path);
    let half = waiting(&state, &headers, next).await?;
    Ok(layout::guest(t::STEP, &guest, StatusCode::OK, &ask(&state, &guest, &half, next, None)))
}

/// The log-in that waits for this browser; without one it is led to where it begins.
pub async fn waiting(state: &State, headers: &HeaderMap, next: Option<&str>) -> Result<Half, Response> {
    let token = Cookie::Half.read(headers, state.url()).unwrap_or_default();
    half::look(&state.app, &Secret::new(token)).await.map_err(|error| match error.code() {
        "log_in_over" => Redirect::to(&session::path_to_log_in(next)).into_response(),
        _ => Failure::from(error).into_response(),
    })
}

/// Asks again, and says what was wrong.
pub fn refused(state: &State, guest: &Guest, half: &Half, next: Option<&str>, error: &Error) -> Response {
    let body = ask(state, guest, half, next, Some(&problem::words(error)));
    problem::again(error, layout::guest(t::STEP, guest, StatusCode::OK, &body))
}

fn ask(state: &State, guest: &Guest, half: &Half, next: Option<&str>, problem: Option<&Problem>) -> Markup {
    let label = if half.totp { t::STEP_CODE } else { t::STEP_RECOVERY };
    let code = Field { name: "code", label, autocomplete: "one-time-code", ..Field::default() };
    let site = passkeys::site(&state.app).filter(|_| half.passkey);
    let with_passkey =
        passkey::button(site.as_ref(), &guest.form, "/login/step/passkey", next, text::passkey::STEP);
    html! {
        div.card.narrow {
            h1 { (t::STEP) }
            p.lead { (t::STEP_LEAD) strong { (half.user.email) } "." }
            (parts::complaint(problem))
            div.stack {
                @if !half.totp { (with_passkey) }
                form.stack method="post" action=(STEP) {
                    (guest.form)
                    @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                    (code)
                    button.wide.quiet[!half.totp] type="submit" { (t::STEP_BUTTON) }
                }
                @if half.totp { (with_passkey) }
            }
            p.fine { a href="/login" { (t::STEP_AGAIN) } }
            p.fine { (t::STEP_LOST) code { (t::STEP_COMMAND) } "." }
        }
    }
}

#[derive(Deserialize)]
struct Shown {
    code: Secret,
    next: Option<String>,
}

async fn finish(
    state: State,
    guest: Guest,
    From(origin): From,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Result<Response, Response> {
    let next = shown.next.as_deref().and_then(local_path);
    let half = waiting(&state, &headers, next).await?;
    match half::finish_by_code(&state.app, half.clone(), &shown.code, origin).await {
        Ok((begun, left)) => {
            let response = session::replace(&state, &guest, &begun, next).await;
            Ok(told(response, left, state.url()))
        }
        Err(error) => Ok(refused(&state, &guest, &half, next, &error)),
    }
}

/// The next page says how many recovery codes are left, where one was used.
fn told(response: Response, left: Option<i64>, url: &BaseUrl) -> Response {
    with_cookies(response, [left.and_then(|left| note::cookie(&format!("{}{left}.", t::RECOVERED), url))])
}
