//! `/coordinator/providers`: whoever administers the coordinator sees where people log in, adds providers and takes
//! them out, with a fresh proof. A client secret goes in here, and never comes out again. What a provider gives that is
//! added here is no more than its administrator could give: the rest is for the host.

use axum::Router;
use axum::extract::Query;
use axum::response::{IntoResponse as _, Response};
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
use crate::api::Problem;
use crate::core::provider::{Configured, Issuer, Provider, ProviderName, Rule, Source};
use crate::core::secret::Secret;
use crate::core::{Error, Result, Timestamp};
use crate::server::extract::Target;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::oidc::log_in::return_path;
use crate::service::oidc::membership;
use crate::service::oidc::provider;
use crate::service::oidc::standing::{self, Standing};

pub const PATH: &str = "/coordinator/providers";
const NEW: &str = "/coordinator/new-provider";

pub fn routes() -> Router<State> {
    Router::new()
        .route("/coordinator/providers", get(list).post(ask_now))
        .route("/coordinator/new-provider", get(ask).post(add))
        .route("/coordinator/providers/{provider}", get(show))
        .route("/coordinator/providers/{provider}/remove", post(remove))
}

fn path(name: &ProviderName) -> String {
    format!("{PATH}/{name}")
}

async fn list(state: State, admin: Governing) -> Answer<Response> {
    let all = standing::survey(&state.app, &admin.authority).await?;
    let make = html! { a.button href=(NEW) { (t::ADD) } };
    let body = html! {
        div.head { h1 { (t::TITLE) } @if !all.is_empty() { (make) } p.about { (t::LEAD) } }
        div.card.flush {
            @if all.is_empty() { (parts::empty(t::NONE, t::NONE_WORDS, &make)) } @else { (table(&all, state.app.now())) }
        }
        @if !all.is_empty() { (ask_button(&admin, None)) }
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
        span.under { (parts::when(answer.at, now)) }
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
        section.card aria-labelledby="settings" {
            h2 #settings { (t::SETTINGS) }
            dl.facts.wide {
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
            }
            (ask_button(admin, Some(&provider.name)))
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
fn addresses(state: &State, name: &ProviderName) -> Markup {
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
            @if standing.of_file { p { (t::FILE_WORDS) } }
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

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

/// First its name, from which follows what the provider has to be told; then the rest.
async fn ask(state: State, admin: Governing, _: Fresh, Query(named): Query<Named>) -> Response {
    let Some(name) = named.name else { return page(&admin, &first("", None)) };
    match name.trim().parse::<ProviderName>() {
        Ok(name) => page(&admin, &second(&state, &admin, &name, &Asked::of(&name), None)),
        Err(error) => {
            let problem = problem::words(&error);
            (problem::status(error.kind()), page(&admin, &first(&name, Some(&problem)))).into_response()
        }
    }
}

fn page(admin: &Governing, body: &Markup) -> Response {
    layout::page(t::ADD, &admin.visitor, body)
}

fn first(name: &str, problem: Option<&Problem>) -> Markup {
    let field =
        Field { name: "name", label: t::NAME, value: name, hint: Some(t::NAME_HINT), ..Field::default() };
    html! {
        p.crumb.narrow { a href=(PATH) { "← " (t::TITLE) } }
        div.card.narrow {
            h1 { (t::ADD) }
            p.lead { (t::ADD_LEAD) }
            (parts::complaint(problem))
            form.stack method="get" action=(NEW) {
                (field)
                button.wide type="submit" { (t::NEXT) }
            }
        }
    }
}

#[derive(Default, Deserialize)]
struct Asked {
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    client_id: String,
    secret: Option<Secret>,
    #[serde(default)]
    scopes: String,
    #[serde(default)]
    rules: String,
    create: Option<String>,
    untried: Option<String>,
}

impl Asked {
    fn of(name: &ProviderName) -> Self {
        Asked { name: name.to_string(), scopes: "profile email".to_owned(), ..Asked::default() }
    }

    fn read(&self) -> Result<Configured> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let title = Some(self.title.trim()).filter(|title| !title.is_empty());
        let rules = self.rules.lines().map(str::trim).filter(|line| !line.is_empty());
        let provider = Provider {
            name: self.name.parse()?,
            source: Source::Page,
            title: title.map(str::to_owned),
            issuer: self.issuer.trim().parse::<Issuer>()?,
            client_id: self.client_id.trim().to_owned(),
            scopes: words(&self.scopes),
            create_accounts: self.create.is_some(),
            // Whoever runs the provider would be everybody here: that is for the host to give.
            link_verified_email: false,
            bearer_audiences: Vec::new(),
            rules: rules.map(str::parse).collect::<Result<_>>()?,
        };
        let secret = self.secret.clone().filter(|secret| !secret.reveal().is_empty());
        Ok(Configured { provider: provider.check()?, secret })
    }
}

fn second(
    state: &State,
    admin: &Governing,
    name: &ProviderName,
    asked: &Asked,
    problem: Option<&Problem>,
) -> Markup {
    html! {
        p.crumb { a href=(NEW) { "← " (t::OTHER_NAME) } }
        div.head { h1 { (t::ADD) ": " (name) } }
        div.grid.even {
            (addresses(state, name))
            section.card aria-labelledby="rest" {
                h2 #rest { (t::REST) }
                p.lead { (t::REST_LEAD) }
                (parts::complaint(problem))
                form.stack method="post" action=(NEW) {
                    (admin.visitor.form())
                    input type="hidden" name="name" value=(name);
                    @for field in fields(asked) { (field) }
                    (boxes(asked, problem.is_some()))
                    div.actions { button type="submit" { (t::SAVE) } }
                }
            }
        }
    }
}

fn text<'a>(name: &'a str, label: &'a str, value: &'a str, hint: &'a str) -> Field<'a> {
    Field { name, label, value, hint: Some(hint), ..Field::default() }
}

fn fields(asked: &Asked) -> [Field<'_>; 5] {
    [
        text("issuer", t::ISSUER, &asked.issuer, t::ISSUER_HINT),
        text("client_id", t::CLIENT_ID, &asked.client_id, t::CLIENT_ID_HINT),
        Field { kind: "password", required: false, ..text("secret", t::SECRET, "", t::SECRET_HINT) },
        Field { required: false, ..text("title", t::LABEL, &asked.title, t::LABEL_HINT) },
        Field { required: false, ..text("scopes", t::SCOPES, &asked.scopes, t::SCOPES_HINT) },
    ]
}

fn boxes(asked: &Asked, tried: bool) -> Markup {
    let tick = |name: &str, on: bool, label: &str, hint: &str| {
        html! {
            label.choice {
                input type="checkbox" name=(name) value="on" checked[on];
                span { (label) span { (hint) } }
            }
        }
    };
    html! {
        (tick("create", asked.create.is_some(), t::CREATE, t::CREATE_HINT))
        div.field {
            label for="f-rules" { (t::RULES) }
            textarea #f-rules name="rules" rows="3" spellcheck="false" aria-describedby="f-rules-hint" { (asked.rules) }
            p.hint #f-rules-hint { (t::RULES_HINT) code { (t::RULES_EXAMPLE) } }
        }
        @if tried { (tick("untried", asked.untried.is_some(), t::UNTRIED, t::UNTRIED_HINT)) }
    }
}

async fn add(state: State, admin: Governing, _: Fresh, Form(asked): Form<Asked>) -> Answer<Response> {
    let error = match keep(&state, &admin, &asked).await {
        Ok(added) => return Ok(go(&path(&added.name), t::added(added.title()), state.url())),
        Err(error) => error,
    };
    let (problem, name) = (problem::words(&error), asked.name.parse()?);
    let body = second(&state, &admin, &name, &asked, Some(&problem));
    Ok((problem::status(error.kind()), page(&admin, &body)).into_response())
}

/// Tries it out first, unless it was tried and is to be kept all the same.
async fn keep(state: &State, admin: &Governing, asked: &Asked) -> Result<Provider> {
    let configured = asked.read()?;
    if asked.untried.is_none() {
        provider::try_out(&state.app, &admin.authority, &configured.provider).await?;
    }
    provider::add(&state.app, &admin.authority, configured).await
}
