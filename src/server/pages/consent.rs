//! `/oauth/authorize`: a person lets an app in, or does not (RFC 6749 section 4.1.1). What may not be answered by
//! a redirect is answered by a page.

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use http::{HeaderValue, header};
use maud::{Markup, html};
use serde::Deserialize;
use std::time::Duration;

use super::form::Form;
use super::session::{LONGEST_WAY, path_to_log_in_again};
use super::visitor::Visitor;
use super::{layout, text, trouble};
use crate::auth::oauth::client::Form as Parameters;
use crate::auth::oauth::redirect;
use crate::core::Error;
use crate::core::oauth::ScopeSet;
use crate::server::problem::{Answer, Failure};
use crate::server::state::State;
use crate::service::oauth::authorize::{self, Asked, Consent, Prompt, Refusal};
use crate::store::organization::Membership;

/// What the page before it and after the log-in share.
const PATH: &str = "/oauth/authorize";
/// How long ago a log-in may be that counts as a new one.
const JUST_NOW: Duration = Duration::from_secs(60);

pub fn routes() -> Router<State> {
    Router::new().route(PATH, get(ask).post(decide))
}

async fn ask(
    state: State,
    RawQuery(query): RawQuery,
    visitor: Result<Visitor, Response>,
) -> Answer<Response> {
    let query = query.unwrap_or_default();
    let asked = match check(&state, &query).await? {
        Ok(asked) => asked,
        Err(back) => return Ok(back),
    };
    let visitor = match visitor {
        Ok(visitor) if is_recent(&visitor, &asked) => visitor,
        _ if asked.prompt == Prompt::None => {
            return go(asked.back.refused("login_required", "nobody is logged in"));
        }
        Ok(_) => return Ok(log_in_again(&query)),
        Err(to_log_in) => return Ok(to_log_in),
    };
    if asked.prompt == Prompt::None {
        return go(asked.back.refused("consent_required", "a person has to decide"));
    }
    Ok(page(&visitor, &asked, &query, &state))
}

/// The request; or the answer to one that is not shown to a person.
async fn check(state: &State, query: &str) -> Answer<Result<Asked, Response>> {
    if PATH.len() + 1 + query.len() > LONGEST_WAY {
        return Err(Error::usage("request_too_long", "this request of the app is too long").into());
    }
    let parameters = Parameters::parse(query.as_bytes())?;
    match authorize::check(&state.app, &parameters).await {
        Ok(asked) => Ok(Ok(asked)),
        Err(Refusal::Here(error)) => Err(error.into()),
        Err(Refusal::Back(uri)) => Ok(Err(Redirect::to(&uri).into_response())),
    }
}

fn go(uri: crate::core::Result<String>) -> Answer<Response> {
    Ok(Redirect::to(&uri?).into_response())
}

/// Whether the log-in is as new as the app wants it (OpenID Connect Core section 3.1.2.1).
fn is_recent(visitor: &Visitor, asked: &Asked) -> bool {
    let age = visitor.now.since(visitor.person().logged_in_at);
    let by_prompt = asked.prompt != Prompt::LogIn || age <= JUST_NOW;
    by_prompt && asked.max_age.is_none_or(|most| age <= most.max(JUST_NOW))
}

/// To the log-in and back. The log-in that the browser has ends when there is another one, not before: this is a
/// link, which anybody may have made.
fn log_in_again(query: &str) -> Response {
    Redirect::to(&path_to_log_in_again(&format!("{PATH}?{query}"))).into_response()
}

#[derive(Deserialize)]
struct Decision {
    /// The query of the request, as the page was asked for.
    request: String,
    decision: String,
    #[serde(default)]
    org: String,
    #[serde(default)]
    scope: Vec<String>,
}

async fn decide(state: State, visitor: Visitor, Form(decision): Form<Decision>) -> Answer<Response> {
    let asked = match check(&state, &decision.request).await? {
        Ok(asked) => asked,
        Err(back) => return Ok(back),
    };
    if decision.decision != "approve" {
        return go(authorize::refuse(&state.app, visitor.caller(), &asked).await);
    }
    let consent = consent(decision.org, &decision.scope)?;
    Ok(Redirect::to(&authorize::approve(&state.app, visitor.caller(), asked, consent).await?).into_response())
}

/// What a person ticked.
pub fn consent(org: String, words: &[String]) -> Result<Consent, Failure> {
    let scopes: ScopeSet = words.join(" ").parse()?;
    match org.is_empty() {
        false => Ok(Consent { org, scopes }),
        true => Err(Error::usage("no_organization", "choose an organization").into()),
    }
}

fn page(visitor: &Visitor, asked: &Asked, query: &str, state: &State) -> Response {
    let body = html! {
        div.card.middle.stack {
            h1 { (asked.app.name) (text::consent::WANTS) }
            p.lead { (text::consent::AT) strong { (layout::host(state.url())) } ". " (text::consent::BACK) code { (asked.back.uri) } "." }
            form.stack method="post" action=(PATH) {
                (visitor.form())
                input type="hidden" name="request" value=(query);
                (choices(visitor.memberships(), &asked.scopes))
                (buttons())
            }
            p.fine { (text::consent::END) }
        }
    };
    let mut response = layout::page(text::consent::TITLE, visitor, &body);
    if let Some(policy) = redirect::source(&asked.back.uri).as_deref().and_then(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The policy of every page, and where this page's form ends.
pub fn policy(source: &str) -> Option<HeaderValue> {
    let widened = trouble::POLICY.replace("form-action 'self'", &format!("form-action 'self' {source}"));
    HeaderValue::from_str(&widened).ok()
}

/// The organization to act in, and what may be done there.
pub fn choices(memberships: &[Membership], asked: &ScopeSet) -> Markup {
    html! {
        fieldset.choices {
            legend { (text::consent::WHERE) }
            @for (index, membership) in memberships.iter().enumerate() {
                label.choice {
                    input type="radio" name="org" value=(membership.organization.id) checked[index == 0] required;
                    span {
                        (membership.organization.name)
                        span { (text::consent::YOU_ARE) " " (membership.role) }
                    }
                }
            }
        }
        fieldset.choices {
            legend { (text::consent::WHAT) }
            p.hint { (text::consent::TAKE_OFF) }
            @let words = asked.words();
            @for (word, title, meaning) in text::consent::SCOPES.iter().filter(|(word, ..)| words.contains(word)) {
                label.choice {
                    input type="checkbox" name="scope" value=(word) checked;
                    span { (title) span { (meaning) } }
                }
            }
        }
    }
}

pub fn buttons() -> Markup {
    html! {
        p.actions {
            button type="submit" name="decision" value="approve" { (text::consent::APPROVE) }
            button.quiet type="submit" name="decision" value="refuse" { (text::consent::REFUSE) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_plain_words() {
        let told: Vec<&str> = text::consent::SCOPES.iter().map(|(word, ..)| *word).collect();
        let mut all = ScopeSet::all().words();
        all.sort_unstable();
        let mut sorted = told.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, all);
    }

    #[test]
    fn the_policy_lets_the_form_end_at_the_app() {
        let policy = policy("https:").unwrap();
        assert!(policy.to_str().unwrap().contains("form-action 'self' https:;"));
    }
}
