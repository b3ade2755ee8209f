//! `/coordinator/new-provider` and `/coordinator/providers/{provider}/edit`: what a provider is asked for, when it is added and
//! when it is changed, with a fresh proof. A client secret goes in here, and never comes out again. What a provider gives that
//! is added or changed here is no more than its administrator could give: the rest is for the host.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::confirm::Fresh;
use super::form::Form;
use super::layout;
use super::note::go;
use super::parts::{self, Field};
use super::providers::{NEW, PATH, addresses, of_settings_file, path};
use super::text::provider::admin as t;
use super::visitor::Governing;
use crate::api::Problem;
use crate::core::provider::{
    Configured, Edit, Edition, Issuer, Provider, ProviderName, Rule, SecretEdit, Source,
};
use crate::core::secret::Secret;
use crate::core::{Error, Result};
use crate::server::extract::Target;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::oidc::standing::{self, Standing};
use crate::service::oidc::{membership, provider};

pub fn routes() -> Router<State> {
    Router::new()
        .route("/coordinator/new-provider", get(ask).post(add))
        .route("/coordinator/providers/{provider}/edit", get(ask_edit).post(edit))
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
            problem::again(&error, page(&admin, &first(&name, Some(&problem))))
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
    #[serde(default)]
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
    /// Without a client secret from now on.
    public: Option<String>,
    /// What was looked at, where it is changed.
    #[serde(default)]
    edition: Edition,
}

impl Asked {
    fn of(name: &ProviderName) -> Self {
        Asked { name: name.to_string(), scopes: "profile email".to_owned(), ..Asked::default() }
    }

    /// What a provider is now.
    fn as_is(standing: &Standing) -> Self {
        let provider = &standing.provider;
        let rule = |rule: &Rule| {
            format!("{}={}:{}:{}", rule.claim, rule.value, rule.organization, rule.role.as_str())
        };
        Asked {
            name: provider.name.to_string(),
            title: provider.title.clone().unwrap_or_default(),
            issuer: provider.issuer.to_string(),
            client_id: provider.client_id.clone(),
            scopes: provider.scopes.join(" "),
            rules: provider.rules.iter().map(rule).collect::<Vec<_>>().join("\n"),
            create: provider.create_accounts.then(|| "on".to_owned()),
            edition: standing.edition.clone(),
            ..Asked::default()
        }
    }

    fn secret(&self) -> Option<Secret> {
        self.secret.clone().filter(|secret| !secret.reveal().is_empty())
    }

    fn scopes(&self) -> Vec<String> {
        self.scopes.split_whitespace().map(str::to_owned).collect()
    }

    fn rules(&self) -> Result<Vec<Rule>> {
        self.rules.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::parse).collect()
    }

    fn read(&self) -> Result<Configured> {
        let title = Some(self.title.trim()).filter(|title| !title.is_empty());
        let provider = Provider {
            name: self.name.parse()?,
            source: Source::Page,
            title: title.map(str::to_owned),
            issuer: self.issuer.trim().parse::<Issuer>()?,
            client_id: self.client_id.trim().to_owned(),
            scopes: self.scopes(),
            create_accounts: self.create.is_some(),
            // Whoever runs the provider would be everybody here: that is for the host to give.
            link_verified_email: false,
            bearer_audiences: Vec::new(),
            rules: self.rules()?,
        };
        Ok(Configured { provider: provider.check()?, secret: self.secret() })
    }

    /// What the host alone gives stays as it is.
    fn read_edit(&self) -> Result<Edit> {
        let issuer = Some(self.issuer.trim()).filter(|issuer| !issuer.is_empty());
        let secret = match (self.secret(), &self.public) {
            (Some(_), Some(_)) => {
                return Err(Error::usage("secret_or_public", "a public client has no secret")
                    .hint("leave the secret empty, or the box unticked"));
            }
            (Some(secret), None) => SecretEdit::Becomes(secret),
            (None, Some(_)) => SecretEdit::Ends,
            (None, None) => SecretEdit::Stays,
        };
        Ok(Edit {
            seen: Some(self.edition.clone()),
            issuer: issuer.map(str::parse).transpose()?,
            title: Some(self.title.trim().to_owned()),
            client_id: Some(self.client_id.trim().to_owned()),
            secret,
            scopes: Some(self.scopes()),
            create_accounts: Some(self.create.is_some()),
            rules: Some(self.rules()?),
            ..Edit::default()
        })
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
                    (text("issuer", t::ISSUER, &asked.issuer, t::ISSUER_HINT))
                    @for field in fields(asked, t::SECRET_HINT) { (field) }
                    (boxes(asked))
                    @if problem.is_some() { (tick("untried", asked.untried.is_some(), t::UNTRIED, t::UNTRIED_HINT)) }
                    div.actions { button type="submit" { (t::SAVE) } }
                }
            }
        }
    }
}

fn text<'a>(name: &'a str, label: &'a str, value: &'a str, hint: &'a str) -> Field<'a> {
    Field { name, label, value, hint: Some(hint), ..Field::default() }
}

fn fields<'a>(asked: &'a Asked, secret_hint: &'a str) -> [Field<'a>; 4] {
    [
        text("client_id", t::CLIENT_ID, &asked.client_id, t::CLIENT_ID_HINT),
        Field { kind: "password", required: false, ..text("secret", t::SECRET, "", secret_hint) },
        Field { required: false, ..text("title", t::LABEL, &asked.title, t::LABEL_HINT) },
        Field { required: false, ..text("scopes", t::SCOPES, &asked.scopes, t::SCOPES_HINT) },
    ]
}

fn tick(name: &str, on: bool, label: &str, hint: &str) -> Markup {
    html! {
        label.choice {
            input type="checkbox" name=(name) value="on" checked[on];
            span { (label) span { (hint) } }
        }
    }
}

fn boxes(asked: &Asked) -> Markup {
    html! {
        (tick("create", asked.create.is_some(), t::CREATE, t::CREATE_HINT))
        div.field {
            label for="f-rules" { (t::RULES) }
            textarea #f-rules name="rules" rows="3" spellcheck="false" aria-describedby="f-rules-hint" { (asked.rules) }
            p.hint #f-rules-hint { (t::RULES_HINT) code { (t::RULES_EXAMPLE) } }
        }
    }
}

async fn add(state: State, admin: Governing, _: Fresh, Form(asked): Form<Asked>) -> Answer<Response> {
    let error = match keep(&state, &admin, &asked).await {
        Ok(added) => return Ok(go(&path(&added.name), t::added(added.title()), state.url())),
        Err(error) => error,
    };
    let (problem, name) = (problem::words(&error), asked.name.parse()?);
    let body = second(&state, &admin, &name, &asked, Some(&problem));
    Ok(problem::again(&error, page(&admin, &body)))
}

/// Tries it out first, unless it was tried and is to be kept all the same.
async fn keep(state: &State, admin: &Governing, asked: &Asked) -> Result<Provider> {
    let configured = asked.read()?;
    if asked.untried.is_none() {
        provider::try_out(&state.app, &admin.authority, &configured.provider).await?;
    }
    provider::add(&state.app, &admin.authority, configured).await
}

async fn ask_edit(state: State, admin: Governing, _: Fresh, Target(name): Target) -> Answer<Response> {
    let standing = standing::show(&state.app, &admin.authority, &name).await?;
    Ok(edit_page(&admin, &standing, &Asked::as_is(&standing), None))
}

fn edit_page(admin: &Governing, standing: &Standing, asked: &Asked, problem: Option<&Problem>) -> Response {
    let provider = &standing.provider;
    let body = html! {
        p.crumb.narrow { a href=(path(&provider.name)) { "← " (provider.title()) } }
        div.card.narrow {
            h1 { (t::EDIT) ": " (provider.title()) }
            @if standing.of_file { (of_settings_file()) } @else { (edit_form(admin, provider, asked, problem)) }
        }
    };
    layout::page(t::EDIT, &admin.visitor, &body)
}

fn edit_form(admin: &Governing, provider: &Provider, asked: &Asked, problem: Option<&Problem>) -> Markup {
    html! {
        p.lead { (t::EDIT_LEAD) }
        (parts::complaint(problem))
        form.stack method="post" action={ (path(&provider.name)) "/edit" } {
            (admin.visitor.form())
            input type="hidden" name="edition" value=(asked.edition);
            dl.facts { dt { (t::ISSUER) } dd { (provider.issuer) p.hint { (t::ISSUER_STAYS) } } }
            @for field in fields(asked, t::NEW_SECRET_HINT) { (field) }
            (tick("public", asked.public.is_some(), t::PUBLIC, t::PUBLIC_HINT))
            (boxes(asked))
            div.actions { button type="submit" { (t::EDIT_SAVE) } }
        }
    }
}

async fn change(state: &State, admin: &Governing, name: &str, asked: &Asked) -> Result<Provider> {
    provider::edit(&state.app, &admin.authority, &name.parse()?, asked.read_edit()?).await
}

async fn edit(
    state: State,
    admin: Governing,
    _: Fresh,
    Target(name): Target,
    Form(asked): Form<Asked>,
) -> Answer<Response> {
    match change(&state, &admin, &name, &asked).await {
        Ok(changed) => {
            membership::review(&state.app).await?;
            Ok(go(&path(&changed.name), t::edited(changed.title()), state.url()))
        }
        Err(error) => {
            let now = standing::show(&state.app, &admin.authority, &name).await?;
            let problem = problem::words(&error);
            // Whoever typed over what is not there any more begins with what is.
            let asked = if provider::is_outdated(&error) { Asked::as_is(&now) } else { asked };
            Ok(problem::again(&error, edit_page(&admin, &now, &asked, Some(&problem))))
        }
    }
}
