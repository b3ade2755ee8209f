//! `/oauth/end_session`: an app has its person log out here (OpenID Connect RP-Initiated Logout 1.0). The person is
//! always asked: a link ends nothing, whatever token is in it.

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use maud::{Markup, html};
use serde::Deserialize;

use super::consent::policy;
use super::form::Form;
use super::text::provider::end_session as t;
use super::visitor::{Guest, Visitor};
use super::{layout, session};
use crate::auth::oauth::client::Form as Parameters;
use crate::auth::oauth::redirect;
use crate::core::Result;
use crate::server::oauth::END_SESSION;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::oauth::end_session::{self, Asked};

const CONFIRM: &str = "/oauth/end_session/confirm";

pub fn routes() -> Router<State> {
    Router::new().route(END_SESSION, get(ask)).route(CONFIRM, post(confirm))
}

async fn check(state: &State, query: &str) -> Result<Asked> {
    end_session::check(&state.app, &Parameters::parse(query.as_bytes())?).await
}

async fn ask(state: State, RawQuery(query): RawQuery, guest: Guest) -> Answer<Response> {
    let query = query.unwrap_or_default();
    let asked = check(&state, &query).await?;
    match &guest.caller {
        None => Ok(nobody(&guest, &asked)),
        Some(_) => Ok(question(&guest, &asked, &query)),
    }
}

/// Nobody is logged in with this browser. It is led back at once only where the app has shown an ID token.
fn nobody(guest: &Guest, asked: &Asked) -> Response {
    match &asked.back {
        Some(back) if asked.has_hint => Redirect::to(back).into_response(),
        back => layout::guest(t::DONE, guest, StatusCode::OK, &done(asked, back.as_deref())),
    }
}

fn done(asked: &Asked, back: Option<&str>) -> Markup {
    html! {
        div.card.narrow {
            h1 { (t::DONE) }
            p.lead { (t::DONE_WORDS) }
            @if let (Some(back), Some(app)) = (back, &asked.app) {
                p.actions { a.button href=(back) { (t::BACK_TO) (app.name) } }
            }
            p { a href="/login" { (t::AGAIN) } }
        }
    }
}

fn question(guest: &Guest, asked: &Asked, query: &str) -> Response {
    let body = html! {
        div.card.narrow.stack {
            h1 { (t::TITLE) }
            p.lead {
                @if let Some(app) = &asked.app { strong { (app.name) } (t::ASKS) } @else { (t::SOMEBODY_ASKS) }
                " " strong { (layout::host(&guest.url)) } "."
            }
            @if let Some(back) = &asked.back { p { (t::THEN) code { (back) } "." } }
            form.stack method="post" action=(CONFIRM) {
                (guest.form)
                input type="hidden" name="request" value=(query);
                p.actions {
                    button type="submit" { (t::YES) }
                    a.button.quiet href="/" { (t::NO) }
                }
            }
        }
    };
    let mut response = layout::guest(t::TITLE, guest, StatusCode::OK, &body);
    let source = asked.back.as_deref().and_then(redirect::source);
    if let Some(policy) = source.as_deref().and_then(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[derive(Deserialize)]
struct Confirmed {
    /// The query of the request, as the page was asked for.
    request: String,
}

async fn confirm(state: State, visitor: Visitor, Form(confirmed): Form<Confirmed>) -> Answer<Response> {
    let asked = check(&state, &confirmed.request).await?;
    Ok(session::end(&state, visitor.caller(), asked.back.as_deref()).await?)
}
