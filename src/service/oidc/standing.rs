//! How providers stand, for whoever keeps them: who has connected each, and what came of asking it when somebody last wanted
//! to know. To look at them asks nobody, so that a page is there at once whatever a provider does.

use futures_util::future::join_all;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::provider::{Keeper, all, edition, is_of_file, offered, unknown};
use crate::core::provider::{Edition, Issuer, Provider, Rule, Source};
use crate::core::{Result, Timestamp};
use crate::service::app::App;
use crate::store::oidc::identity;
use crate::store::{Read, organization};

/// How long a provider is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what came of asking is told to whoever asks again.
const LASTS: Duration = Duration::from_secs(5);
/// The most answers that are kept: more than there are ever providers.
const MOST_KEPT: usize = 256;

/// What came of asking a provider what it says of itself.
#[derive(Clone, Debug)]
pub struct Answer {
    /// An error is why people cannot log in there.
    pub outcome: Result<(), String>,
    pub at: Timestamp,
}

/// What came of asking each provider last, since the start.
#[derive(Default)]
pub(super) struct Answers(Mutex<HashMap<(Issuer, Source), Answer>>);

impl Answers {
    fn of(&self, provider: &Provider) -> Option<Answer> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&(provider.issuer.clone(), provider.source)).cloned()
    }

    fn keep(&self, provider: &Provider, answer: Answer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert((provider.issuer.clone(), provider.source), answer);
    }
}

/// A provider, as its keeper sees it.
#[derive(Debug)]
pub struct Standing {
    pub provider: Provider,
    /// Whoever changes it says by this what they looked at.
    pub edition: Edition,
    /// It is of the settings file, and changed there alone.
    pub of_file: bool,
    /// Accounts that are connected with it.
    pub people: i64,
    /// None: nobody asked since the coordinator started.
    pub answer: Option<Answer>,
    /// Its rules, with the names of the organizations that there are.
    pub rules: Vec<(Rule, Option<String>)>,
}

/// How all providers stand, in the order in which people are offered them.
pub async fn survey(app: &App, _: impl Into<Keeper>) -> Result<Vec<Standing>> {
    let whole = app.clone();
    let read = move |read: &mut Read<'_>| {
        let offered = offered(read, whole.settings())?;
        offered.into_iter().map(|provider| look(read, &whole, provider)).collect()
    };
    app.store().read(read).await
}

/// How one of them stands.
pub async fn show(app: &App, _: impl Into<Keeper>, name: &str) -> Result<Standing> {
    let provider = find(app, name).await?;
    let whole = app.clone();
    app.store().read(move |read| look(read, &whole, provider)).await
}

/// Asks the provider of this name, or all of them at once; done when each has answered, or has had its time.
pub async fn ask(app: &App, _: impl Into<Keeper>, name: Option<&str>) -> Result<()> {
    let asked = match name {
        Some(name) => vec![find(app, name).await?],
        None => all(app).await?,
    };
    join_all(asked.iter().map(|provider| ask_again(app, provider))).await;
    Ok(())
}

async fn find(app: &App, name: &str) -> Result<Provider> {
    let found = all(app).await?.into_iter().find(|provider| provider.name.to_string() == name);
    found.ok_or_else(|| unknown(name))
}

async fn ask_again(app: &App, provider: &Provider) {
    let answer = app.oidc().answers.of(provider);
    if answer.is_none_or(|answer| app.now().since(answer.at) >= LASTS) {
        let asked = tokio::time::timeout(PATIENCE, probe(app, provider)).await;
        if asked.is_err() {
            note(app, provider, Err(silent(provider)));
        }
    }
}

/// Asks a provider now, and keeps what came of it.
pub(super) async fn probe(app: &App, provider: &Provider) -> Result<()> {
    let outcome = app.oidc().directory.probe(provider, app.now()).await;
    note(app, provider, outcome.as_ref().copied().map_err(|error| error.message().to_owned()));
    outcome
}

fn note(app: &App, provider: &Provider, outcome: Result<(), String>) {
    app.oidc().answers.keep(provider, Answer { outcome, at: app.now() });
}

fn look(read: &mut Read<'_>, app: &App, provider: Provider) -> Result<Standing> {
    let people = identity::count_people(read, provider.issuer.as_str())?;
    let mut rules = Vec::new();
    for rule in &provider.rules {
        let named = organization::by_id(read, rule.organization)?.map(|organization| organization.name);
        rules.push((rule.clone(), named));
    }
    let edition = edition(read, &provider)?;
    let of_file = is_of_file(app.settings(), &provider.name);
    let answer = app.oidc().answers.of(&provider);
    Ok(Standing { provider, edition, of_file, people, answer, rules })
}

fn silent(provider: &Provider) -> String {
    format!("{} does not answer within {} s", provider.issuer, PATIENCE.as_secs())
}
