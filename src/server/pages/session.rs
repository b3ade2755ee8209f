//! `/login` and `/logout`. A log-in gives the browser a new token, whatever it had before, and leads to where
//! its owner was going.

use axum::Router;
use axum::extract::Query;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{Markup, html};
use serde::Deserialize;

use super::cookie::Cookie;
use super::form::Form;
use super::parts::Field;
use super::visitor::{Guest, Visitor};
use super::{agent, layout, parts, text};
use crate::api::Problem;
use crate::core::Error;
use crate::core::secret::Secret;
use crate::core::session::SessionKind;
use crate::core::url::BaseUrl;
use crate::server::extract::From;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::session::{self, LogIn, LoggedIn};
use crate::service::setup;

/// The longest way back, in bytes.
pub const LONGEST_WAY: usize = 4096;

pub fn routes() -> Router<State> {
    Router::new().route("/login", get(show).post(log_in)).route("/logout", post(log_out))
}

/// Where one logs in, and is led on to `going` afterwards.
pub fn path_to_log_in(going: Option<&str>) -> String {
    match going.filter(|path| *path != "/").and_then(local_path) {
        Some(path) => format!("/login?next={}", encode(path)),
        None => "/login".to_owned(),
    }
}

/// For the value of a query's field (RFC 3986 section 2.1).
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~/".contains(&b) => out.push(char::from(b)),
            // Writing into a string cannot fail.
            b => drop(write!(out, "%{b:02X}")),
        }
        out
    })
}

/// A path of this site; none for what a browser would take as the address of another one.
pub fn local_path(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
    (text.len() <= LONGEST_WAY && text.starts_with('/') && !text.starts_with("//") && plain).then_some(text)
}

#[derive(Deserialize)]
struct Going {
    next: Option<String>,
}

async fn show(state: State, guest: Guest, Query(going): Query<Going>) -> Answer<Response> {
    let next = going.next.as_deref().and_then(local_path);
    if guest.caller.is_some() {
        return Ok(Redirect::to(next.unwrap_or("/")).into_response());
    }
    if setup::is_needed(&state.app).await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    Ok(layout::guest(text::log_in::TITLE, &guest, StatusCode::OK, &ask(&guest, "", next, None)))
}

fn ask(guest: &Guest, email: &str, next: Option<&str>, problem: Option<&Problem>) -> Markup {
    let fields = [
        Field {
            name: "email",
            label: text::EMAIL,
            kind: "email",
            value: email,
            autocomplete: "username",
            ..Field::default()
        },
        Field {
            name: "password",
            label: text::PASSWORD,
            kind: "password",
            autocomplete: "current-password",
            ..Field::default()
        },
    ];
    html! {
        div.card.narrow {
            h1 { (text::log_in::TITLE) }
            p.lead { (text::log_in::LEAD) strong { (layout::host(&guest.url)) } }
            (parts::complaint(problem))
            form.stack method="post" action="/login" {
                (guest.form)
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                @for field in fields { (field) }
                button.wide type="submit" { (text::log_in::BUTTON) }
            }
            @if problem.is_none() { p.fine { (text::log_in::FORGOT) code { (text::log_in::FORGOT_COMMAND) } "." } }
        }
    }
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: Secret,
    next: Option<String>,
}

async fn log_in(
    state: State,
    guest: Guest,
    From(origin): From,
    headers: HeaderMap,
    Form(shown): Form<Credentials>,
) -> Response {
    let next = shown.next.as_deref().and_then(local_path);
    let (kind, label) = (SessionKind::Browser, agent::label(&headers));
    let asked = LogIn { kind, email: shown.email.clone(), password: shown.password, label };
    match session::log_in(&state.app, asked, origin).await {
        Ok(begun) => {
            leave(&state, &guest).await;
            begin(&begun, next.unwrap_or("/"), state.url())
        }
        Err(error) => refused(&guest, &shown.email, next, &error),
    }
}

fn refused(guest: &Guest, email: &str, next: Option<&str>, error: &Error) -> Response {
    let problem = problem::words(error);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    layout::guest(text::log_in::TITLE, guest, status, &ask(guest, email, next, Some(&problem)))
}

/// Ends the log-in that this browser had before: nobody else's who left one behind goes on.
pub async fn leave(state: &State, guest: &Guest) {
    let Some(caller) = &guest.caller else { return };
    if let Err(error) = session::log_out(&state.app, caller).await {
        tracing::warn!(%error, "the log-in that a browser had before was not ended");
    }
}

/// Gives the browser its log-in, and leads on.
pub fn begin(begun: &LoggedIn, path: &str, url: &BaseUrl) -> Response {
    let lasts = SessionKind::Browser.longest().unwrap_or(SessionKind::Browser.idle());
    let cookies = [Cookie::Session.set(begun.token.reveal(), lasts, url), Cookie::Form.clear(url)];
    with_cookies(Redirect::to(path).into_response(), cookies)
}

async fn log_out(state: State, visitor: Visitor) -> Answer<Response> {
    session::log_out(&state.app, visitor.caller()).await?;
    let mut left = with_cookies(Redirect::to("/login").into_response(), [Cookie::Session.clear(state.url())]);
    // What the browser still holds of these pages goes too.
    left.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(left)
}

fn with_cookies<const N: usize>(mut response: Response, cookies: [Option<HeaderValue>; N]) -> Response {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_stays_on_this_site() {
        for good in ["/", "/o/ada/devices?x=1", "/approve/ABCD-EFGH-JKLM"] {
            assert_eq!(local_path(good), Some(good));
        }
        let long = format!("/{}", "x".repeat(LONGEST_WAY));
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "/a\r\nb",
            "/\t/evil",
            &long,
        ] {
            assert_eq!(local_path(bad), None, "{bad:?}");
        }
        assert_eq!(path_to_log_in(Some("/o/a?b=c&d")), "/login?next=/o/a%3Fb%3Dc%26d");
        assert_eq!(path_to_log_in(Some("//evil.example")), "/login");
    }
}
