//! `/settings/confirm`: who changes how their account is opened shows once more who they are.

use axum::Router;
use axum::extract::{FromRequestParts, Query};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use http::Method;
use http::request::Parts;
use maud::{Markup, html};
use serde::Deserialize;

use super::factor::FACTORS;
use super::form::Form;
use super::parts::{self, Field};
use super::session::{local_path, path_to_log_in_again};
use super::text::{self, factor as t};
use super::visitor::Visitor;
use super::{identity, layout, passkey};
use crate::api::Problem;
use crate::auth::factor::passkey::Site;
use crate::core::Error;
use crate::core::secret::Secret;
use crate::core::url::encode;
use crate::server::problem::{self, Answer, Failure};
use crate::server::state::State;
use crate::service::factor::passkey as passkeys;
use crate::service::factor::proof::{self, Proofs, Proven};

const CONFIRM: &str = "/settings/confirm";

pub fn routes() -> Router<State> {
    Router::new().route(CONFIRM, get(show).post(confirm))
}

/// A visitor who has just shown who they are, with authority over what opens their account; others are led to where they show
/// it, and back.
pub struct Fresh {
    pub visitor: Visitor,
    pub proven: Proven,
}

impl FromRequestParts<State> for Fresh {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        match Proven::check(&state.app, visitor.caller()) {
            Ok(proven) => Ok(Fresh { visitor, proven }),
            Err(error) if proof::is_needed(&error) => Err(to_confirm(parts)),
            Err(error) => Err(Failure::from(error).into_response()),
        }
    }
}

fn to_confirm(parts: &Parts) -> Response {
    let asked = parts.uri.path();
    lead(if parts.method == Method::GET { asked } else { page_of(asked) })
}

/// Leads to where one shows who one is, and on to `path`.
pub fn lead(path: &str) -> Response {
    Redirect::to(&format!("{CONFIRM}?next={}", encode(path, b"/"))).into_response()
}

/// The page with the form that was sent to `path`.
fn page_of(path: &str) -> &str {
    match path {
        _ if path.starts_with(identity::PATH) || path.starts_with("/auth/oidc/") => identity::PATH,
        _ if path.starts_with("/coordinator/") => path.strip_suffix("/remove").unwrap_or(path),
        _ => FACTORS,
    }
}

#[derive(Deserialize)]
struct Going {
    next: Option<String>,
}

async fn show(state: State, visitor: Visitor, Query(going): Query<Going>) -> Answer<Response> {
    let next = going.next.as_deref().and_then(local_path).unwrap_or("/settings");
    Ok(page(&state, &visitor, next, None).await?)
}

async fn page(
    state: &State,
    visitor: &Visitor,
    next: &str,
    problem: Option<&Problem>,
) -> Result<Response, Error> {
    let proofs = Proofs::of(&state.app, visitor.caller()).await?;
    let site = passkeys::site(&state.app).filter(|_| proofs.passkey);
    Ok(layout::page(t::CONFIRM, visitor, &ask(visitor, &proofs, site.as_ref(), next, problem)))
}

fn ask(
    visitor: &Visitor,
    proofs: &Proofs,
    site: Option<&Site>,
    next: &str,
    problem: Option<&Problem>,
) -> Markup {
    // A passkey may be elsewhere, or the browser without script: then a recovery code helps.
    let by_code = proofs.totp || proofs.recovery_code;
    html! {
        div.card.narrow {
            h1 { (t::CONFIRM) }
            p.lead { (t::CONFIRM_LEAD) }
            (parts::complaint(problem))
            div.stack {
                @if proofs.password { (with(visitor, next, &password())) }
                @if by_code { (with(visitor, next, &code(proofs))) }
                (passkey::button(site, visitor.form(), "/settings/confirm/passkey", Some(next), text::passkey::STEP))
                @if !proofs.password && !by_code {
                    p { (t::CONFIRM_AGAIN) }
                    a.button href=(path_to_log_in_again(next)) { (t::CONFIRM_LOG_IN) }
                }
            }
        }
    }
}

fn password<'a>() -> Field<'a> {
    let autocomplete = "current-password";
    Field { name: "password", label: text::PASSWORD, kind: "password", autocomplete, ..Field::default() }
}

fn code<'a>(proofs: &Proofs) -> Field<'a> {
    let label = if proofs.totp { t::STEP_CODE } else { t::STEP_RECOVERY };
    Field { name: "code", label, autocomplete: "one-time-code", ..Field::default() }
}

fn with(visitor: &Visitor, next: &str, field: &Field<'_>) -> Markup {
    html! {
        form.stack method="post" action=(CONFIRM) {
            (visitor.form())
            input type="hidden" name="next" value=(next);
            (field)
            button.wide type="submit" { (t::CONFIRM_BUTTON) }
        }
    }
}

#[derive(Deserialize)]
struct Shown {
    password: Option<Secret>,
    code: Option<Secret>,
    next: Option<String>,
}

async fn confirm(state: State, visitor: Visitor, Form(shown): Form<Shown>) -> Answer<Response> {
    let next = shown.next.as_deref().and_then(local_path).unwrap_or("/settings");
    let outcome = match (shown.password, shown.code) {
        (Some(password), _) => proof::by_password(&state.app, visitor.caller(), password).await,
        (None, code) => {
            proof::by_code(&state.app, visitor.caller(), &code.unwrap_or_else(|| Secret::new(""))).await
        }
    };
    Ok(decided(&state, &visitor, next, outcome).await?)
}

/// Leads on, or asks again and says what was wrong.
pub async fn decided(
    state: &State,
    visitor: &Visitor,
    next: &str,
    outcome: Result<(), Error>,
) -> Result<Response, Error> {
    match outcome {
        Ok(()) => Ok(Redirect::to(next).into_response()),
        Err(error) => {
            let page = page(state, visitor, next, Some(&problem::words(&error))).await?;
            Ok(problem::again(&error, page))
        }
    }
}
