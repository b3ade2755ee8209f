//! `/coordinator/providers`: whoever administers the coordinator sees where people log in, has the providers asked what they
//! say of themselves, and takes them out, with a fresh proof. They are added and changed by [`super::provider_form`].

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::confirm::Fresh;
use super::form::Form;
use super::layout;
use super::note::go;
use super::parts::{self, Field};
use super::text::provider::admin as t;
use super::visitor::Governing;
use crate::core::provider::{ProviderName, Rule};
use crate::core::{Error, Timestamp};
use crate::server::extract::Target;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::oidc::log_in::return_path;
use crate::service::oidc::membership;
use crate::service::oidc::provider;
use crate::service::oidc::standing::{self, Standing};

pub const PATH: &str = "/coordinator/providers";
pub const NEW: &str = "/coordinator/new-provider";

pub fn routes() -> Router<State> {
    Router::new()
        .route("/coordinator/providers", get(list).post(ask_now))
        .route("/coordinator/providers/{provider}", get(show))
        .route("/coordinator/providers/{provider}/remove", post(remove))
}

pub fn path(name: &ProviderName) -> String {
    format!("{PATH}/{name}")
}

async fn list(state: State, admin: Governing) -> Answer<Response> {
    let all = standing::survey(&state.app, &admin.authority).await?;
    let make = html! { a.button href=(NEW) { (t::ADD) } };
    let body = html! {
        div.head { h1 { (t::TITLE) } @if !all.is_empty() { (make) } p.about { (t::LEAD) } }
        div.card.flush {
            @if all.is_empty() { (parts::empty(t::NONE, t::NONE_WORDS, &make)) }
            @else {
                (table(&all, state.app.now()))
                div.more { (ask_button(&admin, None)) }
            }
        }
    };
    Ok(layout::page(t::TITLE, &admin.visitor, &body))
}

/// Asks the one of this name, or all.
fn ask_button(admin: &Governing, name: Option<&ProviderName>) -> Markup {
    html! {
        form method="post" action=(PATH) {
            (admin.visitor.form())
            @if let Some(name) = name { input type="hidden" name="name" value=(name); }
            button.quiet type="submit" { @if name.is_some() { (t::ASK) } @else { (t::ASK_ALL) } }
        }
    }
}

#[derive(Deserialize)]
struct Which {
    name: Option<ProviderName>,
}

async fn ask_now(state: State, admin: Governing, Form(which): Form<Which>) -> Answer<Response> {
    let name = which.name.as_ref().map(ToString::to_string);
    standing::ask(&state.app, &admin.authority, name.as_deref()).await?;
    let (back, done) = match &which.name {
        Some(name) => (path(name), t::ASKED),
        None => (PATH.to_owned(), t::ASKED_ALL),
    };
    Ok(go(&back, done, state.url()))
}

fn table(all: &[Standing], now: Timestamp) -> Markup {
    html! {
        table.table {
            thead { tr {
                th scope="col" { (t::PROVIDER) }
                th scope="col" { (t::STATE) }
                th.spare scope="col" { (t::PEOPLE) }
            } }
            tbody {
                @for one in all {
                    tr {
                        td {
                            a.name href=(path(&one.provider.name)) { (one.provider.title()) }
                            @if one.of_file { " " (parts::badge(t::OF_FILE)) }
                            span.under { (one.provider.issuer) }
                            @if let Some(why) = why_not(one) { span.under { (why) } }
                        }
                        td { (state_of(one, now)) }
                        td.spare { (one.people) }
                    }
                }
            }
        }
    }
}

/// Whether it could be used when it was asked last, and when that was.
fn state_of(one: &Standing, now: Timestamp) -> Markup {
    let Some(answer) = &one.answer else { return html! { span.under { (t::NOT_ASKED) } } };
    html! {
        @match answer.outcome {
            Ok(()) => span.state.on { (t::REACHED) },
            Err(_) => span.state.off { (t::NOT_REACHED) },
        }
        " " span.under { (parts::when(answer.at, now)) }
    }
}

/// And why not.
fn why_not(one: &Standing) -> Option<Markup> {
    one.answer.as_ref()?.outcome.as_ref().err().map(|why| parts::sentence(why))
}

async fn show(state: State, admin: Governing, Target(name): Target) -> Answer<Response> {
    let standing = standing::show(&state.app, &admin.authority, &name).await?;
    let provider = &standing.provider;
    let body = html! {
        p.crumb { a href=(PATH) { "← " (t::TITLE) } }
        div.head {
            h1 { (provider.title()) }
            p.about { (provider.issuer) }
        }
        div.grid.two {
            div.grid { (standing_card(&state, &admin, &standing)) (rules(&standing)) (addresses(&state, &provider.name)) }
            (leave(&admin, &standing))
        }
    };
    Ok(layout::page(provider.title(), &admin.visitor, &body))
}

fn standing_card(state: &State, admin: &Governing, standing: &Standing) -> Markup {
    let Standing { provider, people, .. } = standing;
    let yes_no = |yes: bool| if yes { t::YES } else { t::NO };
    html! {
        section.card.stack aria-labelledby="settings" {
            h2 #settings { (t::SETTINGS) }
            div { dl.facts.wide {
                dt { (t::STATE) } dd { (state_of(standing, state.app.now())) @if let Some(why) = why_not(standing) { p.hint { (why) } } }
                dt { (t::PEOPLE) } dd { (people) }
                dt { (t::NAME) } dd { code { (provider.name) } }
                dt { (t::CLIENT_ID) } dd { code { (provider.client_id) } }
                dt { (t::SCOPES) } dd { (provider.scopes.join(" ")) }
                dt { (t::CREATE) } dd { (yes_no(provider.create_accounts)) }
                dt { (t::LINK) } dd { (yes_no(provider.link_verified_email)) }
                @if !provider.bearer_audiences.is_empty() {
                    dt { (t::BEARER) } dd { (provider.bearer_audiences.join(" ")) }
                }
            } }
            div.actions {
                @if !standing.of_file { a.button.quiet href={ (path(&provider.name)) "/edit" } { (t::EDIT) } }
                (ask_button(admin, Some(&provider.name)))
            }
        }
    }
}

fn rules(standing: &Standing) -> Markup {
    html! {
        section.card.flush aria-labelledby="rules" {
            div.over {
                h2 #rules { (t::RULES) }
                p.lead { @if standing.rules.is_empty() { (t::NO_RULES) } @else { (t::RULES_LEAD) } }
            }
            @if !standing.rules.is_empty() {
                table.table { tbody { @for (rule, organization) in &standing.rules { (line(rule, organization.as_deref())) } } }
            }
        }
    }
}

fn line(rule: &Rule, organization: Option<&str>) -> Markup {
    html! {
        tr {
            td { code { (rule.claim) "=" (rule.value) } }
            td {
                (parts::badge(rule.role.as_str())) " "
                @match organization {
                    Some(name) => { (name) },
                    None => { (t::NO_ORGANIZATION) span.under { code { (rule.organization) } } },
                }
            }
        }
    }
}

/// What the provider has to know of this coordinator.
pub fn addresses(state: &State, name: &ProviderName) -> Markup {
    let url = state.url();
    let all = [
        (t::REDIRECT, format!("{url}{}", return_path(&name.to_string()))),
        (t::LOGGED_OUT, format!("{url}/login")),
        (t::BACK_CHANNEL, format!("{url}/auth/oidc/{name}/backchannel-logout")),
    ];
    html! {
        section.card.stack aria-labelledby="addresses" {
            h2 #addresses { (t::ADDRESSES) }
            p.lead { (t::ADDRESSES_LEAD) }
            @for (label, address) in &all { h3 { (label) } (parts::copyable(label, address)) }
        }
    }
}

fn leave(admin: &Governing, standing: &Standing) -> Markup {
    let name = &standing.provider.name;
    let label = t::type_name(&name.to_string());
    let field = Field { name: "confirm", label: &label, ..Field::default() };
    html! {
        section.card aria-labelledby="remove" {
            h2.unseen #remove { (t::OUT) }
            @if standing.of_file { (of_settings_file()) }
            @else {
                details.danger {
                    summary { (t::REMOVE) }
                    form method="post" action={ (path(name)) "/remove" } {
                        (admin.visitor.form())
                        p { (t::people(standing.people)) " " (t::REMOVE_WORDS) }
                        (field)
                        button.danger type="submit" { (t::REMOVE_YES) }
                    }
                }
            }
        }
    }
}

/// What there is to do with one that is not in the database.
pub fn of_settings_file() -> Markup {
    html! { p { (t::FILE_WORDS) } }
}

#[derive(Deserialize)]
struct Confirmed {
    confirm: String,
}

async fn remove(
    state: State,
    admin: Governing,
    _: Fresh,
    Target(name): Target,
    Form(confirmed): Form<Confirmed>,
) -> Answer<Response> {
    if confirmed.confirm.trim() != name {
        let error = Error::usage("not_confirmed", format!("type {name} to remove it: nothing was done"));
        return Err(error.hint("go back, and type the name of the provider").into());
    }
    let gone = provider::remove(&state.app, &admin.authority, &name.parse()?).await?;
    membership::review(&state.app).await?;
    Ok(go(PATH, t::removed(gone.title()), state.url()))
}
