//! Which providers there are: those of the settings file, and those that were added, whose client secrets are sealed.
//! A name in the file hides the same name in the database. Added and removed on the host, or by an administrator.

use super::standing;
use crate::core::action::Action;
use crate::core::id::UserId;
use crate::core::provider::{Configured, Edit, Edition, Provider, ProviderName, SecretEdit, Source};
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};
use crate::service::administrator::Administrator;
use crate::service::app::{App, Settings};
use crate::service::audit::{self, Actor, Change};
use crate::service::invitation::may_invite;
use crate::service::sealed;
use crate::service::user::Operator;
use crate::store::oidc::{origin, provider};
use crate::store::sealed_secret;
use crate::store::{Read, Tx, last_start, member};

/// The code of what is refused to who has looked at something else than there is now.
const CHANGED: &str = "provider_changed";

/// Authority over the providers: of whoever may open the database on the coordinator's host, or administers it.
#[derive(Clone, Debug)]
pub struct Keeper {
    actor: Actor,
    /// The account of an administrator, who gives by a provider no more than they may give themselves.
    within: Option<UserId>,
}

impl From<&Operator> for Keeper {
    fn from(operator: &Operator) -> Self {
        Keeper { actor: operator.actor().clone(), within: None }
    }
}

impl From<&Administrator> for Keeper {
    fn from(administrator: &Administrator) -> Self {
        Keeper { actor: administrator.actor().clone(), within: Some(administrator.user()) }
    }
}

impl Keeper {
    /// What they add is trusted as they are.
    fn source(&self) -> Source {
        if self.within.is_some() { Source::Page } else { Source::Host }
    }
}

/// All of them, in the order in which people are offered them.
pub async fn all(app: &App) -> Result<Vec<Provider>> {
    let whole = app.clone();
    app.store().read(move |read| offered(read, whole.settings())).await
}

/// The same within a transaction.
pub(in crate::service) fn offered(read: &mut Read<'_>, settings: &Settings) -> Result<Vec<Provider>> {
    let mut all: Vec<_> = settings.providers.iter().map(|c| c.provider.clone()).collect();
    all.extend(provider::all(read)?.into_iter().filter(|p| !is_of_file(settings, &p.name)));
    Ok(all)
}

/// Those of the settings file: of this coordinator's, or, for a command beside it, of the one that started last.
fn of_file(read: &mut Read<'_>, settings: &Settings) -> Result<Vec<Provider>> {
    match settings.providers.is_empty() {
        true => Ok(last_start::find(read)?.map(|start| start.providers).unwrap_or_default()),
        false => Ok(settings.providers.iter().map(|configured| configured.provider.clone()).collect()),
    }
}

pub(super) fn is_of_file(settings: &Settings, name: &ProviderName) -> bool {
    settings.providers.iter().any(|configured| configured.provider.name == *name)
}

/// One of them, with its client secret.
pub(super) async fn find(app: &App, name: &str) -> Result<Configured> {
    let of_file = app.settings().providers.iter().find(|c| c.provider.name.to_string() == name);
    if let Some(configured) = of_file {
        return Ok(configured.clone());
    }
    let sealed_as = secret_name(name);
    let stored =
        app.store().read(move |read| Ok((provider::all(read)?, sealed_secret::by_name(read, &sealed_as)?)));
    let (all, sealed) = stored.await?;
    let found = all.into_iter().find(|provider| provider.name.to_string() == name);
    let provider = found.ok_or_else(|| unknown(name))?;
    let secret = sealed.map(|sealed| sealed::open_text(app, &sealed)).transpose()?;
    Ok(Configured { secret, provider })
}

pub(super) fn unknown(name: &str) -> Error {
    let shown: String = name.chars().take(40).collect();
    Error::new(Kind::NotFound, "provider_not_found", format!("there is no provider {shown} here"))
        .hint("the log-in page shows those that there are")
}

fn secret_name(provider: &str) -> String {
    format!("client secret of provider {provider}")
}

/// Asks a provider what it says of itself, now. An error says what has to be mended before people log in there.
pub async fn try_out(app: &App, by: impl Into<Keeper>, provider: &Provider) -> Result<()> {
    standing::probe(app, &Provider { source: by.into().source(), ..provider.clone() }).await
}

/// Keeps a provider. A name that is there already is a conflict; what only the host may give is `host_only`, and a rule
/// for an organization where an administrator could not invite for its role is `not_yours_to_give`. What an administrator adds is
/// on the Internet, or where the settings allow it: else `provider_address_refused`.
pub async fn add(app: &App, by: impl Into<Keeper>, configured: Configured) -> Result<Provider> {
    let (by, now) = (by.into(), app.now());
    let Configured { provider, secret } = configured;
    let new = Provider { source: by.source(), ..provider.check()? };
    app.oidc().directory.admit(&new).await?;
    let Keeper { actor, within } = by;
    let name = secret_name(&new.name.to_string());
    let seal = |secret: &Secret| sealed::seal(app, &name, secret.reveal().as_bytes());
    let sealed = secret.as_ref().map(seal).transpose()?;
    let whole = app.clone();
    let keep = move |tx: &mut Tx<'_>| {
        if let Some(user) = within {
            check_reach(tx, user, &new)?;
        }
        let is_of_file = of_file(tx, whole.settings())?.iter().any(|named| named.name == new.name);
        if is_of_file || !provider::insert(tx, &new, now)? {
            return Err(taken(&new.name));
        }
        if let Some(sealed) = &sealed {
            sealed::replace(tx, sealed)?;
        }
        audit::record(tx, now, &actor, Change::new(Action::ProviderCreate, &new.name, &new.issuer))?;
        Ok(new)
    };
    app.store().write(keep).await
}

fn taken(name: &ProviderName) -> Error {
    Error::new(Kind::Conflict, "provider_exists", format!("there is a provider {name} already"))
        .hint(format!("`wonder provider remove {name}` removes it; its people keep their accounts"))
}

/// Changes what `edit` names of a provider that was added; who people are there stays. What an administrator changes gives no
/// more than they could give, as in [`add`]: so who this coordinator is to a provider of the host that gives more is the
/// host's to change. What rules gave that are gone ends with the coordinator's next review (`membership::review`). Where
/// it is not what was looked at any more: `provider_changed`.
pub async fn edit(app: &App, by: impl Into<Keeper>, name: &ProviderName, edit: Edit) -> Result<Provider> {
    let (Keeper { actor, within }, now, whole) = (by.into(), app.now(), app.clone());
    let (name, secret_name) = (name.clone(), secret_name(&name.to_string()));
    let secret = match &edit.secret {
        SecretEdit::Becomes(secret) => Some(sealed::seal(app, &secret_name, secret.reveal().as_bytes())?),
        SecretEdit::Stays | SecretEdit::Ends => None,
    };
    let ends = matches!(edit.secret, SecretEdit::Ends);
    let change = move |tx: &mut Tx<'_>| {
        provider::hold(tx, &name)?;
        let old = find_added(tx, whole.settings(), &name)?;
        if let Some(seen) = &edit.seen {
            check_seen(tx, &old, seen)?;
        }
        let new = edit.apply(&old)?;
        if let Some(user) = within {
            check_reach(tx, user, &added_reach(&old, &new))?;
        }
        provider::update(tx, &new)?;
        match &secret {
            Some(sealed) => sealed::replace(tx, sealed)?,
            None if ends => drop(sealed_secret::delete(tx, &secret_name)?),
            None => {}
        }
        audit::record(tx, now, &actor, Change::new(Action::ProviderUpdate, &name, &new.issuer))?;
        Ok(new)
    };
    app.store().write(change).await
}

/// The edition in which a provider is.
pub(super) fn edition(read: &mut Read<'_>, provider: &Provider) -> Result<Edition> {
    let secret = sealed_secret::by_name(read, &secret_name(&provider.name.to_string()))?;
    Ok(Edition::of(provider, secret.map(|sealed| sealed.created_at)))
}

fn check_seen(read: &mut Read<'_>, provider: &Provider, seen: &Edition) -> Result<()> {
    match edition(read, provider)? == *seen {
        true => Ok(()),
        false => {
            let message =
                format!("the provider {} was changed meanwhile, so nothing was done", provider.name);
            Err(Error::new(Kind::Conflict, CHANGED, message)
                .hint("look at what it is now, and make your change again if it is still needed"))
        }
    }
}

/// Whether it is only for another change in between that one was refused: who looks again may try again.
pub fn is_outdated(error: &Error) -> bool {
    error.code() == CHANGED
}

/// One that was added; of one of the settings file, where it is changed.
fn find_added(read: &mut Read<'_>, settings: &Settings, name: &ProviderName) -> Result<Provider> {
    if of_file(read, settings)?.iter().any(|named| named.name == *name) {
        let message = format!("the provider {name} is of the coordinator's settings file");
        return Err(Error::new(Kind::Conflict, "provider_of_file", message)
            .hint("change it there, or take it out, and restart the coordinator"));
    }
    provider::by_name(read, name)?.ok_or_else(|| Error::not_found("provider", name))
}

/// What a change gives that was not given before: all of it where this coordinator is another client there, as what is said of
/// people may differ by client and scope.
fn added_reach(old: &Provider, new: &Provider) -> Provider {
    let mut added = new.clone();
    if (&old.client_id, &old.scopes) == (&new.client_id, &new.scopes) {
        added.link_verified_email &= !old.link_verified_email;
        added.rules.retain(|rule| !old.rules.contains(rule));
    }
    added
}

/// That a provider opens nothing that is not its administrator's: whoever runs it says who its people are.
fn check_reach(read: &mut Read<'_>, user: UserId, provider: &Provider) -> Result<()> {
    if provider.link_verified_email {
        return Err(Error::new(Kind::Denied, "host_only", "this would open everybody's account")
            .hint("`sudo wonder provider` on the coordinator's host does it"));
    }
    for rule in &provider.rules {
        let member = member::by_user(read, rule.organization, user)?;
        if !member.is_some_and(|member| may_invite(&member, rule.role)) {
            let message = format!("you cannot make anybody {} of {}", rule.role.as_str(), rule.organization);
            return Err(Error::new(Kind::Denied, "not_yours_to_give", message).hint(
                "name an organization where you could invite them, or add it on the coordinator's host",
            ));
        }
    }
    Ok(())
}

/// All of them, those of the settings file first; each with whether it is one of these.
pub async fn list(app: &App, _: impl Into<Keeper>) -> Result<Vec<(Provider, bool)>> {
    let whole = app.clone();
    let read = move |read: &mut Read<'_>| {
        let named = of_file(read, whole.settings())?;
        let mut added = provider::all(read)?;
        added.retain(|added| named.iter().all(|named| named.name != added.name));
        let added = added.into_iter().map(|provider| (provider, false));
        Ok(named.iter().cloned().map(|provider| (provider, true)).chain(added).collect())
    };
    app.store().read(read).await
}

/// Forgets a provider, and ends the log-ins that came from it. Accounts stay, and who they are to its issuer. What its
/// rules made ends with the coordinator's next review (`membership::review`), within a minute.
pub async fn remove(app: &App, by: impl Into<Keeper>, name: &ProviderName) -> Result<Provider> {
    let (actor, now, name, whole) = (by.into().actor, app.now(), name.clone(), app.clone());
    let forget = move |tx: &mut Tx<'_>| {
        let gone = find_added(tx, whole.settings(), &name)?;
        let all = provider::all(tx)?;
        provider::delete(tx, &name)?;
        sealed_secret::delete(tx, &secret_name(&name.to_string()))?;
        if !all.iter().any(|other| other.name != name && other.issuer == gone.issuer) {
            origin::revoke(tx, gone.issuer.as_str(), None, None, now)?;
        }
        audit::record(tx, now, &actor, Change::new(Action::ProviderDelete, &name, &gone.issuer))?;
        Ok(gone)
    };
    app.store().write(forget).await
}
