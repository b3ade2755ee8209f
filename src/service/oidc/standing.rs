//! How providers stand, for whoever keeps them: who has connected each, and what came of asking it when somebody last wanted
//! to know. To look at them asks nobody, so that a page is there at once whatever a provider does.

use futures_util::future::join_all;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::provider::{Keeper, is_of_file, offered, unknown};
use crate::core::provider::{Issuer, Provider, Rule, Source};
use crate::core::{Result, Timestamp};
use crate::service::app::{App, Settings};
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
        offered.into_iter().map(|provider| look(read, whole.settings(), provider)).collect::<Result<Vec<_>>>()
    };
    let standings = app.store().read(read).await?;
    Ok(standings.into_iter().map(|standing| with_answer(app, standing)).collect())
}

/// How one of them stands.
pub async fn show(app: &App, by: impl Into<Keeper>, name: &str) -> Result<Standing> {
    let found = survey(app, by).await?.into_iter().find(|one| one.provider.name.to_string() == name);
    found.ok_or_else(|| unknown(name))
}

/// Asks the provider of this name, or all of them at once; done when each has answered, or has had its time.
pub async fn ask(app: &App, by: impl Into<Keeper>, name: Option<&str>) -> Result<()> {
    let all = survey(app, by).await?;
    let asked: Vec<_> = all.iter().filter(|one| is_wanted(one, name)).collect();
    if let Some(name) = name.filter(|_| asked.is_empty()) {
        return Err(unknown(name));
    }
    join_all(asked.into_iter().map(|one| ask_again(app, one))).await;
    Ok(())
}

fn is_wanted(one: &Standing, name: Option<&str>) -> bool {
    name.is_none_or(|name| one.provider.name.to_string() == name)
}

async fn ask_again(app: &App, one: &Standing) {
    if one.answer.as_ref().is_none_or(|answer| app.now().since(answer.at) >= LASTS) {
        let asked = tokio::time::timeout(PATIENCE, probe(app, &one.provider)).await;
        if asked.is_err() {
            note(app, &one.provider, Err(silent(&one.provider)));
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

fn look(read: &mut Read<'_>, settings: &Settings, provider: Provider) -> Result<Standing> {
    let people = identity::count_people(read, provider.issuer.as_str())?;
    let mut rules = Vec::new();
    for rule in &provider.rules {
        let named = organization::by_id(read, rule.organization)?.map(|organization| organization.name);
        rules.push((rule.clone(), named));
    }
    let of_file = is_of_file(settings, &provider.name);
    Ok(Standing { provider, of_file, people, answer: None, rules })
}

fn with_answer(app: &App, standing: Standing) -> Standing {
    Standing { answer: app.oidc().answers.of(&standing.provider), ..standing }
}

fn silent(provider: &Provider) -> String {
    format!("{} does not answer within {} s", provider.issuer, PATIENCE.as_secs())
}
