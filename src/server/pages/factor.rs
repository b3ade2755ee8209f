//! `/settings/factors`: what opens a person's own account beside the password. Everything here takes a fresh proof
//! ([`super::confirm`]).

use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::confirm::Fresh;
use super::form::Form;
use super::note::go;
use super::parts::{self, Field};
use super::text::factor as t;
use super::visitor::Visitor;
use super::{layout, passkey, qr};
use crate::api::Problem;
use crate::auth::factor::totp::TotpSecret;
use crate::core::Result;
use crate::core::secret::Secret;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::factor::passkey as passkeys;
use crate::service::factor::proof::Proven;
use crate::service::factor::{self, Factors, recovery, totp};

pub const FACTORS: &str = "/settings/factors";
const APP: &str = "/settings/factors/app";

pub fn routes() -> Router<State> {
    Router::new()
        .route(FACTORS, get(show))
        .route(APP, get(show_app).post(begin_app))
        .route("/settings/factors/app/confirm", get(back).post(confirm_app))
        .route("/settings/factors/app/remove", get(back).post(remove_app))
        .route("/settings/factors/codes", get(back).post(renew_codes))
}

async fn back() -> Redirect {
    Redirect::to(FACTORS)
}

async fn show(state: State, Fresh { visitor, proven }: Fresh) -> Answer<Response> {
    let factors = factor::list(&state.app, &proven).await?;
    let site = passkeys::site(&state.app);
    let body = html! {
        p.crumb { a href="/settings" { "← " (t::BACK) } }
        div.head { h1 { (t::TITLE) } }
        p.lead { (t::LEAD) }
        div.grid.two {
            (passkey::card(site.as_ref(), &visitor, &factors.passkeys))
            div.grid { (app(&visitor, &factors)) (codes(&visitor, &factors)) }
        }
    };
    Ok(layout::page(t::TITLE, &visitor, &body))
}

fn app(visitor: &Visitor, factors: &Factors) -> Markup {
    html! {
        section.card aria-labelledby="app" {
            div.title {
                h2 #app { (t::APP) }
                @if factors.totp.is_some() { span.badge.good { (t::ON) } } @else { (parts::badge(t::OFF)) }
            }
            @match factors.totp.as_ref().and_then(|totp| totp.confirmed_at) {
                Some(since) => {
                    p { (t::APP_ON) " " (t::SINCE) (parts::when(since, visitor.now)) "." }
                    (parts::danger(t::APP_REMOVE, t::APP_REMOVE_WORDS, "/settings/factors/app/remove", visitor.form(), t::REMOVE_YES))
                }
                None => {
                    p { (t::APP_OFF) }
                    form.actions method="post" action=(APP) {
                        (visitor.form())
                        button type="submit" { (t::APP_ADD) }
                    }
                }
            }
        }
    }
}

fn codes(visitor: &Visitor, factors: &Factors) -> Markup {
    html! {
        section.card aria-labelledby="codes" {
            div.title {
                h2 #codes { (t::CODES) }
                @if factors.are_needed() { (parts::badge(&format!("{} {}", factors.codes_left, t::CODES_LEFT))) }
            }
            p { (t::CODES_LEAD) }
            @if factors.are_needed() {
                (parts::danger(t::CODES_RENEW, t::CODES_RENEW_WORDS, "/settings/factors/codes", visitor.form(), t::CODES_RENEW_YES))
            } @else {
                p.fine { (t::CODES_NONE) }
            }
        }
    }
}

async fn begin_app(state: State, Fresh { proven, .. }: Fresh) -> Answer<Response> {
    totp::begin(&state.app, &proven).await?;
    Ok(Redirect::to(APP).into_response())
}

async fn show_app(state: State, Fresh { visitor, proven }: Fresh) -> Answer<Response> {
    Ok(app_page(&state, &visitor, &proven, None).await?)
}

async fn app_page(
    state: &State,
    visitor: &Visitor,
    proven: &Proven,
    problem: Option<&Problem>,
) -> Result<Response> {
    let secret = match totp::pending(&state.app, proven).await {
        Ok(secret) => secret,
        Err(error) if error.code() == "totp_not_begun" => return Ok(back().await.into_response()),
        Err(error) => return Err(error),
    };
    let uri = secret.uri(state.url().host(), proven.email().as_str());
    Ok(layout::page(t::APP_ADD, visitor, &add_app(visitor, &secret, &uri, problem)))
}

fn add_app(visitor: &Visitor, secret: &TotpSecret, uri: &Secret, problem: Option<&Problem>) -> Markup {
    let code = Field {
        name: "code",
        label: t::CODE,
        hint: Some(t::CODE_SHOWN),
        autocomplete: "one-time-code",
        ..Field::default()
    };
    html! {
        p.crumb.middle { a href=(FACTORS) { "← " (t::TITLE) } }
        div.card.middle {
            h1 { (t::APP_ADD) }
            (parts::complaint(problem))
            p { (t::SCAN) }
            @if let Some(picture) = qr::picture(uri.reveal(), t::PICTURE) { div.framed { (picture) } }
            p { (t::TYPE) }
            (parts::copyable(t::SECRET, secret.text().reveal()))
            form.stack method="post" action="/settings/factors/app/confirm" {
                (visitor.form()) (code)
                div.actions { button type="submit" { (t::SWITCH_ON) } }
            }
        }
    }
}

#[derive(Deserialize)]
struct Shown {
    code: Secret,
}

async fn confirm_app(state: State, fresh: Fresh, Form(shown): Form<Shown>) -> Answer<Response> {
    let Fresh { visitor, proven } = fresh;
    match totp::confirm(&state.app, proven.clone(), &shown.code).await {
        Ok(Some(codes)) => Ok(shown_once(&visitor, &codes)),
        Ok(None) => Ok(go(FACTORS, t::APP_ADDED, state.url())),
        Err(error) => {
            let page = app_page(&state, &visitor, &proven, Some(&problem::words(&error))).await?;
            Ok(problem::again(&error, page))
        }
    }
}

async fn remove_app(state: State, Fresh { proven, .. }: Fresh) -> Answer<Response> {
    totp::disable(&state.app, proven).await?;
    Ok(go(FACTORS, t::APP_REMOVED, state.url()))
}

async fn renew_codes(state: State, Fresh { visitor, proven }: Fresh) -> Answer<Response> {
    let codes = recovery::renew(&state.app, proven).await?;
    Ok(shown_once(&visitor, &codes))
}

/// Recovery codes, this once.
pub fn shown_once(visitor: &Visitor, codes: &[Secret]) -> Response {
    let body = html! {
        div.card.middle {
            h1 { (t::CODES) }
            p.lead { (t::CODES_ONCE) }
            ol.framed.codes { @for code in codes { li { code { (code.reveal()) } } } }
            p.actions { a.button href=(FACTORS) { (t::CODES_KEPT) } }
        }
    };
    layout::page(t::CODES, visitor, &body)
}
