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
use super::{agent, half, layout, parts, passkey, provider, text};
use crate::api::Problem;
use crate::auth::factor::passkey::Site;
use crate::core::provider::Provider;
use crate::core::secret::Secret;
use crate::core::session::SessionKind;
use crate::core::url::{BaseUrl, encode};
use crate::core::{Error, Result};
use crate::server::extract::From;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::authority::Caller;
use crate::service::factor::passkey as passkeys;
use crate::service::oidc::{log_out as elsewhere, provider as providers};
use crate::service::session::{self, Entered, LogIn, LoggedIn};
use crate::service::setup;

/// The longest way back, in bytes.
pub const LONGEST_WAY: usize = 4096;

pub fn routes() -> Router<State> {
    Router::new().route("/login", get(show).post(log_in)).route("/logout", post(log_out))
}

/// Where one logs in, and is led on to `going` afterwards.
pub fn path_to_log_in(going: Option<&str>) -> String {
    match going.filter(|path| *path != "/").and_then(local_path) {
        Some(path) => format!("/login?next={}", encode(path, b"/")),
        None => "/login".to_owned(),
    }
}

/// The same for somebody who is logged in, and is to log in once more.
pub fn path_to_log_in_again(going: &str) -> String {
    let path = path_to_log_in(Some(going));
    format!("{path}{}again=true", if path.contains('?') { '&' } else { '?' })
}

/// A path of this site; none for what a browser would take as the address of another one.
pub fn local_path(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
    (text.len() <= LONGEST_WAY && text.starts_with('/') && !text.starts_with("//") && plain).then_some(text)
}

#[derive(Deserialize)]
struct Going {
    next: Option<String>,
    /// Whoever is logged in is asked as well.
    #[serde(default)]
    again: bool,
}

async fn show(state: State, guest: Guest, Query(going): Query<Going>) -> Answer<Response> {
    let next = going.next.as_deref().and_then(local_path);
    if guest.caller.is_some() && !going.again {
        return Ok(Redirect::to(next.unwrap_or("/")).into_response());
    }
    if setup::is_needed(&state.app).await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    let doors = Doors::of(&state).await?;
    Ok(layout::guest(text::log_in::TITLE, &guest, StatusCode::OK, &ask(&guest, &doors, "", next, None)))
}

/// What one can log in by here.
struct Doors {
    providers: Vec<Provider>,
    passwords: bool,
    passkeys: Option<Site>,
}

impl Doors {
    async fn of(state: &State) -> Result<Self> {
        let providers = providers::all(&state.app).await?;
        let passkeys = passkeys::site(&state.app);
        Ok(Doors { providers, passwords: state.app.settings().local_accounts, passkeys })
    }
}

fn ask(guest: &Guest, doors: &Doors, email: &str, next: Option<&str>, problem: Option<&Problem>) -> Markup {
    html! {
        div.card.narrow {
            h1 { (text::log_in::TITLE) }
            p.lead { (text::log_in::LEAD) strong { (layout::host(&guest.url)) } }
            (parts::complaint(problem))
            @if doors.passwords { (with_password(guest, email, next)) } @else { p { (text::provider::ELSEWHERE) } }
            @if doors.passwords && (doors.passkeys.is_some() || !doors.providers.is_empty()) { p.or { (text::provider::OR) } }
            div.stack {
                (passkey::button(doors.passkeys.as_ref(), &guest.form, "/login/passkey", next, text::passkey::LOG_IN))
                (provider::doors(&doors.providers, &guest.form, next))
            }
            @if doors.passwords && problem.is_none() {
                p.fine { (text::log_in::FORGOT) code { (text::log_in::FORGOT_COMMAND) } "." }
            }
        }
    }
}

fn with_password(guest: &Guest, email: &str, next: Option<&str>) -> Markup {
    let fields = [
        Field::email(email),
        Field {
            name: "password",
            label: text::PASSWORD,
            kind: "password",
            autocomplete: "current-password",
            ..Field::default()
        },
    ];
    html! {
        form.stack method="post" action="/login" {
            (guest.form)
            @if let Some(next) = next { input type="hidden" name="next" value=(next); }
            @for field in fields { (field) }
            button.wide type="submit" { (text::log_in::BUTTON) }
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
    let asked = LogIn { kind, email: shown.email.clone(), password: shown.password, label, code: None };
    match session::enter(&state.app, asked, origin).await {
        Ok(Entered::LoggedIn(begun)) => replace(&state, &guest, &begun, next).await,
        Ok(Entered::Halfway(token)) => half::begin(&token, next, state.url()),
        Err(error) => refused(&state, &guest, &shown.email, next, &error).await,
    }
}

/// Asks again, and says what was wrong.
pub async fn refused(
    state: &State,
    guest: &Guest,
    email: &str,
    next: Option<&str>,
    error: &Error,
) -> Response {
    let doors = match Doors::of(state).await {
        Ok(doors) => doors,
        Err(error) => return problem::Failure::from(error).into_response(),
    };
    let problem = problem::words(error);
    let body = ask(guest, &doors, email, next, Some(&problem));
    problem::again(error, layout::guest(text::log_in::TITLE, guest, StatusCode::OK, &body))
}

/// Gives the browser its log-in in place of the one that it had before, and leads on.
pub async fn replace(state: &State, guest: &Guest, begun: &LoggedIn, next: Option<&str>) -> Response {
    leave(state, guest).await;
    begin(begun, next.unwrap_or("/"), state.url())
}

/// Ends the log-in that this browser had before: nobody else's who left one behind goes on.
async fn leave(state: &State, guest: &Guest) {
    let Some(caller) = &guest.caller else { return };
    if let Err(error) = session::log_out(&state.app, caller).await {
        tracing::warn!(%error, "the log-in that a browser had before was not ended");
    }
}

/// Gives the browser its log-in, and leads on.
pub fn begin(begun: &LoggedIn, path: &str, url: &BaseUrl) -> Response {
    let lasts = SessionKind::Browser.longest().unwrap_or(SessionKind::Browser.idle());
    let session = Cookie::Session.set(begun.token.reveal(), lasts, url);
    let cookies = [session, Cookie::Form.clear(url), Cookie::Half.clear(url)];
    with_cookies(Redirect::to(path).into_response(), cookies)
}

async fn log_out(state: State, visitor: Visitor) -> Answer<Response> {
    Ok(end(&state, visitor.caller(), None).await?)
}

/// Ends the browser's log-in, and leads on: to `back`, or else to the log-out at the provider that it came from.
pub async fn end(state: &State, caller: &Caller, back: Option<&str>) -> Result<Response> {
    let onward = match caller.person()?.session.filter(|_| back.is_none()) {
        Some(session) => elsewhere::onward(&state.app, session).await?,
        None => None,
    };
    session::log_out(&state.app, caller).await?;
    let next = match (onward, back) {
        (Some((title, url)), _) => provider::lead_on(&title, &url),
        (None, back) => Redirect::to(back.unwrap_or("/login")).into_response(),
    };
    let mut left = with_cookies(next, [Cookie::Session.clear(state.url())]);
    // What the browser still holds of these pages goes too.
    left.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(left)
}

pub fn with_cookies<const N: usize>(mut response: Response, cookies: [Option<HeaderValue>; N]) -> Response {
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
