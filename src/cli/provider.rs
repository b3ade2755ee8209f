//! `wonder provider`: OpenID Connect providers, administered on the coordinator's own host, whether it runs or not.

use clap::{Args, Subcommand};
use serde_json::json;

use super::ctx::Ctx;
use super::user::Place;
use super::wait::wait;
use crate::core::provider::{Configured, Edit, Issuer, Provider, ProviderName, Rule, SecretEdit, Source};
use crate::core::{Error, Result};
use crate::service::last_start;
use crate::service::oidc::log_in::return_path;
use crate::service::oidc::provider;
use crate::ui::{Table, secret_from_stdin, under};

const ADD: &str = "\
Examples:
  wonder provider add keycloak --issuer https://id.example.org/realms/home --client-id wonder --create-accounts \\
    --client-secret-stdin < secret
  wonder provider add work --title \"Acme\" --issuer https://login.acme.example --client-id wonder \\
    --rule groups=operators:ORGANIZATION-ID:admin --client-secret-stdin < secret

The provider is asked what it says of itself before it is kept.

It is to know this coordinator as a client of the authorization code flow, with the redirect URI that is
printed: COORDINATOR/auth/oidc/NAME/callback. For its log-outs: COORDINATOR/auth/oidc/NAME/backchannel-logout.";

const CHANGE: &str = "\
Examples:
  wonder provider edit keycloak --client-secret-stdin < secret
  wonder provider edit work --create-accounts=false --rule groups=operators:ORGANIZATION-ID:admin

What is not named stays as it is. --scope, --bearer-audience and --rule name all that there are to be, --no-… none.";

/// OpenID Connect providers that people log in with, on the coordinator's own host
///
/// Works on the coordinator's database, whether the coordinator runs or not. The settings file may name more.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Add a provider
    Add(Box<Add>),
    /// List the providers: those that were added, and those of the settings file
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Change a provider: who people are there stays
    Edit(Box<Change>),
    /// Remove a provider: log-ins that came from it end, accounts stay
    Remove {
        name: ProviderName,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
#[command(after_help = ADD)]
pub struct Add {
    /// What it is called in paths, like keycloak
    name: ProviderName,
    /// Its issuer, as its discovery document says it
    #[arg(long, value_name = "URL")]
    issuer: Issuer,
    /// What it knows this coordinator as
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Read the client secret from stdin; without it this is a public client
    #[arg(long)]
    client_secret_stdin: bool,
    /// What its button says [default: the name]
    #[arg(long)]
    title: Option<String>,
    /// What is asked for beside openid [default: profile email]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Whoever logs in there and has no account here gets one
    #[arg(long)]
    create_accounts: bool,
    /// An e-mail address that it vouches for opens the account of that address
    #[arg(long)]
    link_verified_email: bool,
    /// The API takes its access tokens that were made for this audience or client
    #[arg(long = "bearer-audience", value_name = "AUDIENCE")]
    bearer_audiences: Vec<String>,
    /// Whoever has VALUE in CLAIM is a member of an organization
    #[arg(long = "rule", value_name = "CLAIM=VALUE:ORG:ROLE")]
    rules: Vec<Rule>,
    /// Keep it without asking it what it says of itself: it is not there yet, or not to be reached from here
    #[arg(long)]
    no_check: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
#[command(after_help = CHANGE)]
pub struct Change {
    name: ProviderName,
    /// The issuer that it has: one with another issuer is another provider
    #[arg(long, value_name = "URL")]
    issuer: Option<Issuer>,
    /// What it knows this coordinator as
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Read the new client secret from stdin
    #[arg(long, conflicts_with = "no_client_secret")]
    client_secret_stdin: bool,
    /// It is a public client from now on
    #[arg(long)]
    no_client_secret: bool,
    /// What its button says; empty: the name
    #[arg(long)]
    title: Option<String>,
    /// What is asked for beside openid
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Nothing is asked for beside openid
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    /// Whoever logs in there and has no account here gets one, or not (=false)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    create_accounts: Option<bool>,
    /// An e-mail address that it vouches for opens the account of that address, or not (=false)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    link_verified_email: Option<bool>,
    /// The API takes its access tokens that were made for this audience or client
    #[arg(long = "bearer-audience", value_name = "AUDIENCE")]
    bearer_audiences: Vec<String>,
    /// The API takes none of its tokens
    #[arg(long, conflicts_with = "bearer_audiences")]
    no_bearer_audiences: bool,
    /// Whoever has VALUE in CLAIM is a member of an organization
    #[arg(long = "rule", value_name = "CLAIM=VALUE:ORG:ROLE")]
    rules: Vec<Rule>,
    /// Nobody is a member by what it says
    #[arg(long, conflicts_with = "rules")]
    no_rules: bool,
    #[command(flatten)]
    place: Place,
}

impl Change {
    fn read(self) -> Result<Edit> {
        let secret = match (self.client_secret_stdin, self.no_client_secret) {
            (true, _) => SecretEdit::Becomes(secret_from_stdin("client secret")?),
            (false, true) => SecretEdit::Ends,
            (false, false) => SecretEdit::Stays,
        };
        Ok(Edit {
            // What it names is all that it knows of the provider.
            seen: None,
            issuer: self.issuer,
            title: self.title,
            client_id: self.client_id,
            secret,
            scopes: all_of(self.scopes, self.no_scopes),
            create_accounts: self.create_accounts,
            link_verified_email: self.link_verified_email,
            bearer_audiences: all_of(self.bearer_audiences, self.no_bearer_audiences),
            rules: all_of(self.rules, self.no_rules),
        })
    }
}

/// A list as it is to be, where it is to be another.
fn all_of<T>(named: Vec<T>, none: bool) -> Option<Vec<T>> {
    (none || !named.is_empty()).then_some(named)
}

pub fn run(ctx: &Ctx, command: ProviderCommand) -> Result<()> {
    match command {
        ProviderCommand::Add(wanted) => add(ctx, *wanted),
        ProviderCommand::List { place } => list(ctx, place),
        ProviderCommand::Edit(wanted) => edit(ctx, *wanted),
        ProviderCommand::Remove { name, place } => remove(ctx, &name, place),
    }
}

fn add(ctx: &Ctx, wanted: Add) -> Result<()> {
    let secret = match wanted.client_secret_stdin {
        true => Some(secret_from_stdin("client secret")?),
        false => None,
    };
    let usual = || vec!["profile".to_owned(), "email".to_owned()];
    let scopes = if wanted.scopes.is_empty() { usual() } else { wanted.scopes };
    let provider = Provider {
        name: wanted.name,
        source: Source::Host,
        title: wanted.title,
        issuer: wanted.issuer,
        client_id: wanted.client_id,
        scopes,
        create_accounts: wanted.create_accounts,
        link_verified_email: wanted.link_verified_email,
        bearer_audiences: wanted.bearer_audiences,
        rules: wanted.rules,
    };
    let provider = provider.check()?;
    let (app, operator) = wanted.place.open_sealed()?;
    if !wanted.no_check {
        wait(provider::try_out(&app, &operator, &provider)).map_err(unusable)?;
    }
    let added = wait(provider::add(&app, &operator, Configured { provider, secret }))?;
    let path = return_path(&added.name.to_string());
    let redirect = wait(last_start::url(&app))?.map(|url| format!("{url}{path}"));
    let document = json!({ "provider": shown(&added, false), "redirect_uri": redirect });
    ctx.ui.changed(&document, || format!("Added {}.", added.name))?;
    match &redirect {
        Some(redirect) => ctx.ui.next(redirect, "is the redirect URI to tell the provider"),
        None => ctx.ui.next(&path, "below the coordinator's URL, is the redirect URI to tell the provider"),
    }
    Ok(())
}

fn edit(ctx: &Ctx, wanted: Change) -> Result<()> {
    let (app, operator) = wanted.place.open_sealed()?;
    let name = wanted.name.clone();
    let changed = wait(provider::edit(&app, &operator, &name, wanted.read()?))?;
    ctx.ui.changed(&under("provider", &shown(&changed, false)), || format!("Changed {name}."))
}

/// What to do where a provider cannot be asked.
fn unusable(error: Error) -> Error {
    let hint = error.hint_text().unwrap_or_default();
    let hint = format!("{hint}; --no-check keeps it all the same");
    error.hint(hint)
}

fn list(ctx: &Ctx, place: Place) -> Result<()> {
    let (app, operator) = place.open()?;
    let all = wait(provider::list(&app, &operator))?;
    let documents: Vec<_> = all.iter().map(|(one, of_file)| shown(one, *of_file)).collect();
    ctx.ui.show(&under("providers", &documents), || {
        let mut table = Table::new(&["NAME", "ISSUER", "CLIENT", "ACCOUNTS", "FROM"]);
        for (one, of_file) in &all {
            let accounts = if one.create_accounts { "made" } else { "not made" };
            table.row([
                one.name.to_string().into(),
                one.issuer.to_string().into(),
                one.client_id.clone().into(),
                accounts.into(),
                from(one, *of_file).into(),
            ]);
        }
        table.text("No providers yet. `wonder provider add` adds one; the settings file may name some.")
    })
}

/// Where it is kept, or was added.
fn from(provider: &Provider, of_file: bool) -> &'static str {
    if of_file { "file" } else { provider.source.as_str() }
}

fn remove(ctx: &Ctx, name: &ProviderName, place: Place) -> Result<()> {
    ctx.ui.confirm(&format!(
        "Remove the provider {name}? Log-ins that came from it end, and memberships by its rules."
    ))?;
    let (app, operator) = place.open()?;
    let gone = wait(provider::remove(&app, &operator, name))?;
    ctx.ui.changed(&under("provider", &shown(&gone, false)), || {
        format!("Removed {}; accounts stay.", gone.name)
    })
}

fn shown(provider: &Provider, of_file: bool) -> serde_json::Value {
    let rule = |rule: &Rule| json!({ "claim": rule.claim, "value": rule.value, "organization": rule.organization, "role": rule.role });
    json!({
        "name": provider.name,
        "from": from(provider, of_file),
        "title": provider.title(),
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "scopes": provider.scopes,
        "create_accounts": provider.create_accounts,
        "link_verified_email": provider.link_verified_email,
        "bearer_audiences": provider.bearer_audiences,
        "rules": provider.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}
