//! Passkeys on the pages: the buttons that ask a browser for one, and what answers their script. Browsers show passkeys
//! to scripts alone; where there is none, or the page is not at the coordinator's own URL, the page says so.

use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, header};
use maud::{Markup, html};
use serde::Deserialize;

use super::confirm::{self, Fresh};
use super::factor::{FACTORS, shown_once};
use super::form::{self, Form, FormToken};
use super::note::go;
use super::parts::{self, Field};
use super::session::{self, local_path};
use super::text::passkey as t;
use super::visitor::{Guest, Visitor};
use super::{agent, half};
use crate::auth::factor::passkey::Site;
use crate::core::secret::Secret;
use crate::core::{Error, Result as CoreResult};
use crate::server::extract::{From, Target};
use crate::server::problem::{Answer as Answered, Failure};
use crate::server::state::State;
use crate::service::factor::passkey::{self, Answer};
use crate::store::factor::passkey::Passkey;

const ASK: &str = "/login/passkey/ask";

pub fn routes() -> Router<State> {
    Router::new()
        .route(ASK, post(ask_to_show))
        .route("/login/passkey", get(to_log_in).post(log_in))
        .route("/login/step/passkey", get(to_log_in).post(finish))
        .route("/settings/confirm/passkey", get(back).post(confirm_by))
        .route("/settings/factors/passkeys/ask", post(ask_to_make))
        .route("/settings/factors/passkeys", get(back).post(make))
        .route("/settings/factors/passkeys/{passkey}/remove", get(back).post(remove))
}

async fn to_log_in() -> Redirect {
    Redirect::to("/login")
}

async fn back() -> Redirect {
    Redirect::to(FACTORS)
}

/// A button that shows a passkey and sends it to `action`, where this coordinator has passkeys.
pub fn button(site: Option<&Site>, form: &FormToken, action: &str, next: Option<&str>, word: &str) -> Markup {
    html! {
        @if let Some(site) = site {
            (script_form(site, "show", ASK, action, &html! {
                (form)
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                button.wide.quiet type="submit" { (word) }
            }))
            noscript { p.fine { (t::NO_SCRIPT) } }
        }
    }
}

/// A form that the script shows, and sends with a passkey's answer.
fn script_form(site: &Site, how: &str, ask: &str, action: &str, fields: &Markup) -> Markup {
    html! {
        form.stack method="post" action=(action) hidden data-passkey=(how) data-ask=(ask)
            data-origin=(site.origin()) data-failed=(t::FAILED) {
            p.complaint role="alert" hidden {}
            input type="hidden" name="answer";
            (fields)
        }
    }
}

/// The passkeys of an account, and the form for one more.
pub fn card(site: Option<&Site>, visitor: &Visitor, passkeys: &[Passkey]) -> Markup {
    html! {
        section.card.flush aria-labelledby="passkeys" {
            div.over { h2 #passkeys { (t::TITLE) } p.lead { (t::LEAD) } }
            @if !passkeys.is_empty() { (table(visitor, passkeys)) }
            div.over { (add(site, visitor)) }
        }
    }
}

fn add(site: Option<&Site>, visitor: &Visitor) -> Markup {
    let name = Field { name: "name", label: t::NAME, hint: Some(t::NAME_HINT), ..Field::default() };
    html! {
        @match site {
            Some(site) => {
                (script_form(site, "make", "/settings/factors/passkeys/ask", "/settings/factors/passkeys", &html! {
                    (visitor.form()) (name)
                    div.actions { button type="submit" { (t::MAKE) } }
                }))
                p.fine data-no-passkey { (t::NOT_BY_THIS) " " (site.origin()) "." }
            }
            None => p.fine { (t::NOT_HERE) }
        }
    }
}

fn table(visitor: &Visitor, passkeys: &[Passkey]) -> Markup {
    html! {
        table.table {
            thead { tr {
                th scope="col" { (t::NAME) }
                th.spare scope="col" { (t::MADE) }
                th scope="col" { (t::USED) }
                th.end scope="col" { span.unseen { (t::ACTIONS) } }
            } }
            tbody {
                @for passkey in passkeys {
                    tr {
                        td { (passkey.name) }
                        td.spare { (parts::when(passkey.created_at, visitor.now)) }
                        td { @match passkey.last_used_at { Some(at) => (parts::when(at, visitor.now)), None => (super::text::NEVER) } }
                        td.end { (parts::danger(t::REMOVE, t::REMOVE_WORDS, &format!("{FACTORS}/passkeys/{}/remove", passkey.id), visitor.form(), t::REMOVE_YES)) }
                    }
                }
            }
        }
    }
}

/// What this browser's forms are bound to; a form has brought it.
fn browser(state: &State, headers: &HeaderMap) -> CoreResult<Secret> {
    form::key(headers, state.url()).ok_or_else(|| Error::bug("a form came without what it is bound to"))
}

/// What a script reads.
fn options(json: String) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([kind, (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], json).into_response()
}

async fn ask_to_show(state: State, From(origin): From, headers: HeaderMap) -> Answered<Response> {
    Ok(options(passkey::ask_to_show(&state.app, &browser(&state, &headers)?, &origin).await?))
}

/// The form as it will be sent with the answer.
#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    name: String,
}

async fn ask_to_make(
    state: State,
    Fresh { proven, .. }: Fresh,
    headers: HeaderMap,
    Form(wish): Form<Wish>,
) -> Answered<Response> {
    let browser = browser(&state, &headers)?;
    Ok(options(passkey::ask_to_make(&state.app, &proven, &wish.name, &browser).await?))
}

#[derive(Deserialize)]
struct Shown {
    answer: String,
    #[serde(default)]
    name: String,
    next: Option<String>,
}

impl Shown {
    fn next(&self) -> Option<&str> {
        self.next.as_deref().and_then(local_path)
    }

    fn answer(&self, state: &State, headers: &HeaderMap) -> CoreResult<Answer> {
        Ok(Answer { browser: browser(state, headers)?, json: self.answer.clone() })
    }
}

async fn log_in(
    state: State,
    guest: Guest,
    From(origin): From,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Answered<Response> {
    let answer = shown.answer(&state, &headers)?;
    match passkey::log_in(&state.app, &answer, agent::label(&headers), origin).await {
        Ok(begun) => Ok(session::replace(&state, &guest, &begun, shown.next()).await),
        Err(error) => Ok(session::refused(&state, &guest, "", shown.next(), &error).await),
    }
}

async fn finish(
    state: State,
    guest: Guest,
    From(origin): From,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Result<Response, Response> {
    let waiting = half::waiting(&state, &headers, shown.next()).await?;
    let answer = shown.answer(&state, &headers).map_err(|e| Failure::from(e).into_response())?;
    match passkey::finish(&state.app, waiting.clone(), &answer, origin).await {
        Ok(begun) => Ok(session::replace(&state, &guest, &begun, shown.next()).await),
        Err(error) => Ok(half::refused(&state, &guest, &waiting, shown.next(), &error)),
    }
}

async fn confirm_by(
    state: State,
    visitor: Visitor,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Answered<Response> {
    let outcome = passkey::prove(&state.app, visitor.caller(), &shown.answer(&state, &headers)?).await;
    Ok(confirm::decided(&state, &visitor, shown.next().unwrap_or("/settings"), outcome).await?)
}

async fn make(
    state: State,
    Fresh { visitor, proven }: Fresh,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Answered<Response> {
    let answer = shown.answer(&state, &headers)?;
    match passkey::make(&state.app, proven, &shown.name, answer).await? {
        Some(codes) => Ok(shown_once(&visitor, &codes)),
        None => Ok(go(FACTORS, t::MADE_NOTE, state.url())),
    }
}

async fn remove(state: State, Fresh { proven, .. }: Fresh, Target(id): Target) -> Answered<Response> {
    passkey::remove(&state.app, proven, id.parse()?).await?;
    Ok(go(FACTORS, t::REMOVED, state.url()))
}
