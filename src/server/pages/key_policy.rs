//! How old the secrets of an organization's API keys may get: shown on the page of the keys, and set there.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use std::time::Duration;

use super::form::Form;
use super::layout::{self, Tab};
use super::note::go;
use super::parts::{self, Choice, amount};
use super::text::key_policy as t;
use super::visitor::Inside;
use crate::api::Problem;
use crate::core::role::{ManageOrganization, Permission, ViewApiKeys};
use crate::core::time::parse_duration;
use crate::core::{Error, Kind, Result};
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::key;
use crate::store::api_key::KeyPolicy;

const AGES: [u64; 5] = [30, 60, 90, 180, 365];
const WARNINGS: [u64; 5] = [1, 3, 7, 14, 30];
/// What is offered where there is no policy yet.
const WARN_BEFORE: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 86_400;

/// What the policy is, and the form that changes it, for those who may.
pub fn card<P: Permission>(
    inside: &Inside<P>,
    policy: Option<KeyPolicy>,
    problem: Option<&Problem>,
) -> Markup {
    let may_set = inside.may.also::<ManageOrganization>().is_some();
    html! {
        section.card aria-labelledby="policy" {
            h2 #policy { (t::TITLE) }
            p.lead { (said(policy)) }
            @if may_set {
                (parts::complaint(problem))
                (form(inside, policy))
            }
        }
    }
}

fn said(policy: Option<KeyPolicy>) -> String {
    policy.map_or(t::NONE.to_owned(), |policy| {
        t::said(&amount(policy.max_age.as_secs()), &amount(policy.warn_before.as_secs()))
    })
}

fn form<P: Permission>(inside: &Inside<P>, policy: Option<KeyPolicy>) -> Markup {
    let age = policy.map_or(0, |policy| policy.max_age.as_secs());
    let warning = policy.map_or(WARN_BEFORE, |policy| policy.warn_before).as_secs();
    let mut ages = spans(&AGES, age);
    ages.insert(0, (String::new(), t::AS_LONG_AS_GOOD.to_owned()));
    html! {
        form.stack method="post" action=(inside.path("/keys/policy")) {
            (inside.visitor.form())
            div.row {
                (choice("max_age", t::AGE, &ages, &value(age)))
                (choice("warn_before", t::WARN, &spans(&WARNINGS, warning), &value(warning)))
            }
            p.fine { (t::AT_ONCE) }
            div.actions { button.quiet type="submit" { (t::SAVE) } }
        }
    }
}

fn choice(name: &str, label: &str, options: &[(String, String)], chosen: &str) -> Markup {
    let options: Vec<(&str, &str)> = options.iter().map(|(v, n)| (v.as_str(), n.as_str())).collect();
    html! { (Choice { name, label, options: &options, chosen }) }
}

/// So many days each, and what is chosen now if that is another span; as a form sends and as people read them.
fn spans(days: &[u64], chosen: u64) -> Vec<(String, String)> {
    let mut seconds: Vec<u64> = days.iter().map(|days| days * DAY).collect();
    if chosen > 0 && !seconds.contains(&chosen) {
        seconds.push(chosen);
        seconds.sort_unstable();
    }
    seconds.into_iter().map(|span| (value(span), amount(span))).collect()
}

fn value(seconds: u64) -> String {
    if seconds == 0 { String::new() } else { format!("{seconds}s") }
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    max_age: String,
    #[serde(default)]
    warn_before: String,
}

pub async fn set(
    state: State,
    inside: Inside<ManageOrganization>,
    Form(asked): Form<Asked>,
) -> Answer<Response> {
    match read(&asked) {
        Ok(policy) => match key::set_policy(&state.app, &inside.may, policy).await {
            Ok(_) => Ok(go(&inside.path("/keys"), t::SAVED, state.url())),
            Err(error) if error.kind() == Kind::Usage => again(&state, &inside, &error).await,
            Err(error) => Err(error.into()),
        },
        Err(error) => again(&state, &inside, &error).await,
    }
}

fn read(asked: &Asked) -> Result<Option<KeyPolicy>> {
    if asked.max_age.is_empty() {
        return Ok(None);
    }
    let (max_age, warn_before) = (parse_duration(&asked.max_age)?, parse_duration(&asked.warn_before)?);
    Ok(Some(KeyPolicy { max_age, warn_before }))
}

/// The form once more, with what was wrong.
async fn again(state: &State, inside: &Inside<ManageOrganization>, error: &Error) -> Answer<Response> {
    let view = inside.may.also::<ViewApiKeys>().ok_or_else(|| Error::not_found("policy", "key"))?;
    let policy = key::policy(&state.app, &view).await?;
    let body = html! {
        p.crumb { a href=(inside.path("/keys")) { "← " (super::text::key::TITLE) } }
        (card(inside, policy, Some(&problem::words(error))))
    };
    let page = layout::inside(t::TITLE, inside, Tab::Keys, &body);
    Ok(problem::again(error, page))
}
