//! `/auth/oidc/{provider}/…`: the way to a provider and back. Whoever leaves does so by a page that leads on by itself,
//! not by a redirect: browsers hold a form, and what it is redirected to, to this site.

use axum::Router;
use axum::extract::{Path, Query, rejection::QueryRejection};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{Markup, html};
use serde::Deserialize;

use super::confirm::Fresh;
use super::cookie::Cookie;
use super::form::{Form, FormToken};
use super::visitor::Guest;
use super::{agent, identity, layout, note, session, text};
use crate::core::provider::Provider;
use crate::core::secret::Secret;
use crate::core::url::BaseUrl;
use crate::server::extract::From;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::oidc::log_in::{self, AWAY, Arrival, Departure, Journey, Return};

pub fn routes() -> Router<State> {
    Router::new()
        .route("/auth/oidc/{provider}/login", post(depart))
        .route("/auth/oidc/{provider}/link", post(link))
        .route("/auth/oidc/{provider}/callback", get(arrive))
}

/// The buttons of the log-in page.
pub fn doors(providers: &[Provider], form: &FormToken, next: Option<&str>) -> Markup {
    html! {
        @for provider in providers {
            form method="post" action={ "/auth/oidc/" (provider.name) "/login" } {
                (form)
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                button.wide.quiet type="submit" { (text::provider::WITH) (provider.title()) }
            }
        }
    }
}

#[derive(Deserialize)]
struct Going {
    next: Option<String>,
}

async fn depart(
    state: State,
    guest: Guest,
    From(origin): From,
    headers: HeaderMap,
    Path(provider): Path<String>,
    Form(going): Form<Going>,
) -> Answer<Response> {
    let next = going.next.as_deref().and_then(session::local_path).map(str::to_owned);
    let browser = Cookie::Away.read(&headers, state.url()).map(Secret::new);
    let departure = Departure { provider, browser, next, link_to: None, anew: guest.caller.is_some() };
    Ok(send_off(&log_in::depart(&state.app, departure, &origin).await?, state.url()))
}

async fn link(
    state: State,
    Fresh { proven, .. }: Fresh,
    From(origin): From,
    headers: HeaderMap,
    Path(provider): Path<String>,
) -> Answer<Response> {
    let browser = Cookie::Away.read(&headers, state.url()).map(Secret::new);
    let departure = Departure { provider, browser, next: None, link_to: Some(proven.user()), anew: false };
    Ok(send_off(&log_in::depart(&state.app, departure, &origin).await?, state.url()))
}

fn send_off(journey: &Journey, url: &BaseUrl) -> Response {
    let mut response = lead_on(&journey.title, &journey.url);
    if let Some(cookie) = Cookie::Away.set(journey.browser.reveal(), AWAY, url) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A page that leads to another site, at once and by a link.
pub fn lead_on(name: &str, url: &str) -> Response {
    let body = html! {
        div.card.narrow {
            h1 { (text::provider::LEADING) (name) }
            p { a.button href=(url) { (text::provider::GO_ON) } }
        }
    };
    let mut response =
        (StatusCode::OK, layout::bare(text::provider::TITLE, &body).into_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(layout::HTML));
    if let Ok(refresh) = HeaderValue::from_str(&format!("0;url={url}")) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}

#[derive(Default, Deserialize)]
struct Brought {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

async fn arrive(
    state: State,
    guest: Guest,
    From(origin): From,
    headers: HeaderMap,
    Path(provider): Path<String>,
    brought: Result<Query<Brought>, QueryRejection>,
) -> Answer<Response> {
    // What cannot be read is the end of no log-in.
    let brought = brought.map(|Query(brought)| brought).unwrap_or_default();
    let back = Return {
        provider,
        state: brought.state.map(Secret::new),
        code: brought.code.map(Secret::new),
        error: brought.error,
        issuer: brought.iss,
        browser: Cookie::Away.read(&headers, state.url()).map(Secret::new),
    };
    let label = agent::label(&headers);
    match log_in::arrive(&state.app, back, guest.caller.as_ref(), label, origin).await? {
        Arrival::LoggedIn { begun, next } => {
            Ok(session::replace(&state, &guest, &begun, next.as_deref()).await)
        }
        Arrival::Linked { title } => {
            Ok(note::go(identity::PATH, format!("{title} {}", text::provider::LINKED), state.url()))
        }
    }
}
