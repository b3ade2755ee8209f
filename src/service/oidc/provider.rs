//! Which providers there are: those of the settings file, and those that were added by command, whose client
//! secrets are sealed. A name in the file hides the same name in the database.

use crate::auth::vault::Vault;
use crate::core::action::Action;
use crate::core::provider::{Configured, Provider, ProviderName};
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};
use crate::service::app::App;
use crate::service::audit::{self, Change};
use crate::service::user::Operator;
use crate::store::Tx;
use crate::store::oidc::{origin, provider};
use crate::store::sealed_secret::{self, SealedSecret};

/// All of them, in the order in which people are offered them.
pub async fn all(app: &App) -> Result<Vec<Provider>> {
    let stored = app.store().read(provider::all).await?;
    let mut all: Vec<_> = app.settings().providers.iter().map(|c| c.provider.clone()).collect();
    let hidden = |p: &Provider| app.settings().providers.iter().any(|c| c.provider.name == p.name);
    all.extend(stored.into_iter().filter(|p| !hidden(p)));
    Ok(all)
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
    let open = |sealed: SealedSecret| open(app, &sealed);
    Ok(Configured { secret: sealed.map(open).transpose()?, provider })
}

fn unknown(name: &str) -> Error {
    let shown: String = name.chars().take(40).collect();
    Error::new(Kind::NotFound, "provider_not_found", format!("there is no provider {shown} here"))
        .hint("the log-in page shows those that there are")
}

fn secret_name(provider: &str) -> String {
    format!("client secret of provider {provider}")
}

fn vault(app: &App) -> Result<&Vault> {
    app.settings().master.as_deref().ok_or_else(|| Error::bug("there is no master key here"))
}

fn open(app: &App, sealed: &SealedSecret) -> Result<Secret> {
    let bytes = vault(app)?.open(&sealed.name, &sealed.key_id, &sealed.sealed)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::bug("a client secret is no text"))?;
    Ok(Secret::new(text))
}

/// Keeps a provider. A name that is there already is a conflict.
pub async fn add(app: &App, operator: &Operator, configured: Configured) -> Result<Provider> {
    let Configured { provider: new, secret } = configured;
    let new = new.check()?;
    let (actor, now, name) = (operator.actor().clone(), app.now(), secret_name(&new.name.to_string()));
    let sealed = match &secret {
        Some(secret) => {
            let (key_id, sealed) = vault(app)?.seal(&name, secret.reveal().as_bytes())?;
            Some(SealedSecret { name, key_id, sealed, created_at: now })
        }
        None => None,
    };
    let keep = move |tx: &mut Tx<'_>| {
        if !provider::insert(tx, &new, now)? {
            return Err(taken(&new.name));
        }
        if let Some(sealed) = &sealed {
            sealed_secret::delete(tx, &sealed.name)?;
            sealed_secret::insert(tx, sealed)?;
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

/// Those that were added by command.
pub async fn list(app: &App, _: &Operator) -> Result<Vec<Provider>> {
    app.store().read(provider::all).await
}

/// Forgets a provider, and ends the log-ins that came from it. Accounts stay, and who they are to its issuer.
pub async fn remove(app: &App, operator: &Operator, name: &ProviderName) -> Result<Provider> {
    let (actor, now, name) = (operator.actor().clone(), app.now(), name.clone());
    let forget = move |tx: &mut Tx<'_>| {
        let all = provider::all(tx)?;
        let found = all.iter().find(|p| p.name == name).cloned();
        let gone = found.ok_or_else(|| Error::not_found("provider", &name))?;
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
