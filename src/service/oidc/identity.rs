//! Who people are at providers: listed, given and taken by themselves.

use super::account::{self, disabled};
use super::{membership, provider};
use crate::auth::oidc::claims::Claims;
use crate::core::action::Action;
use crate::core::id::UserId;
use crate::core::page::Page;
use crate::core::provider::Provider;
use crate::core::{Error, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change, Origin};
use crate::service::authority::Caller;
use crate::service::factor::proof::Proven;
use crate::service::oauth::grant;
use crate::service::ways::{self, Way};
use crate::store::oidc::identity::{self, Identity};
use crate::store::oidc::origin;
use crate::store::user::{self, User};
use crate::store::{Read, Tx};

/// Who somebody is elsewhere, and which provider that is, as far as one is offered here.
#[derive(Clone, Debug)]
pub struct Known {
    pub identity: Identity,
    pub provider: Option<Provider>,
}

/// A page of who the caller is elsewhere, and the cursor of the next one.
pub async fn list(app: &App, caller: &Caller, page: Page) -> Result<(Vec<Known>, Option<String>)> {
    let (user, whole) = (caller.person()?.user, app.clone());
    let all = app.store().read(move |read| of_user(read, &whole, user)).await?;
    Ok(page.pick(all, |known| known.identity.id()))
}

fn of_user(read: &mut Read<'_>, app: &App, user: UserId) -> Result<Vec<Known>> {
    let offered = provider::offered(read, app.settings())?;
    let known = |identity: Identity| {
        let provider = offered.iter().find(|p| p.issuer.as_str() == identity.issuer).cloned();
        Known { identity, provider }
    };
    Ok(identity::of_user(read, user)?.into_iter().map(known).collect())
}

/// Gives an account one more identity.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    provider: &Provider,
    subject: &str,
    user: &User,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let issuer = provider.issuer.to_string();
    let new =
        Identity { issuer, subject: subject.to_owned(), user: user.id, created_at: now, last_used_at: now };
    if !identity::insert(tx, &new)? {
        return Err(account::taken(provider));
    }
    audit::record(tx, now, actor, Change::new(Action::IdentityLink, name_of(&new), &user.email))
}

/// For the audit trail.
fn name_of(identity: &Identity) -> String {
    format!("{} {}", identity.issuer, identity.subject)
}

/// Gives the account of who is logged in one more identity.
pub(super) async fn link(
    app: &App,
    provider: &Provider,
    claims: &Claims,
    to: UserId,
    from: Origin,
) -> Result<()> {
    let (provider, subject, now) =
        (provider.clone(), account::subject(provider, claims)?.to_owned(), app.now());
    let link = move |tx: &mut Tx<'_>| {
        let user = user::by_id(tx, to)?.filter(|user| user.disabled_at.is_none()).ok_or_else(disabled)?;
        match identity::find(tx, provider.issuer.as_str(), &subject)? {
            Some(theirs) if theirs.user == to => Ok(()),
            Some(_) => Err(account::taken(&provider)),
            None => keep(tx, &provider, &subject, &user, &Actor::user(to, &user.email, from), now),
        }
    };
    app.store().write(link).await
}

/// Takes an identity from the caller's account, with the log-ins that came by it, and the memberships that stand on
/// it alone. `reference`: its id, or the name of its provider. The last way to log in stays: `last_way_in`.
pub async fn unlink(app: &App, proven: Proven, reference: &str) -> Result<Known> {
    let (whole, reference, now) = (app.clone(), reference.to_owned(), app.now());
    let unlink = move |tx: &mut Tx<'_>| {
        // Of two at once the second sees what the first has left.
        user::hold(tx, proven.user())?;
        let gone = pick(of_user(tx, &whole, proven.user())?, &reference)?;
        let Identity { issuer, subject, .. } = &gone.identity;
        ways::of(tx, &whole, proven.user())?.spare(&Way::Identity(gone.identity.clone()))?;
        identity::delete(tx, issuer, subject)?;
        origin::revoke(tx, issuer, Some(subject), None, now)?;
        let offered = provider::offered(tx, whole.settings())?;
        let ended = membership::review_person(tx, &offered, (proven.user(), issuer), proven.actor(), now)?;
        let change = Change::new(Action::IdentityUnlink, name_of(&gone.identity), proven.email());
        audit::record(tx, now, proven.actor(), change)?;
        Ok((gone, ended))
    };
    grant::change(app, unlink).await
}

fn pick(all: Vec<Known>, reference: &str) -> Result<Known> {
    let named = |known: &Known| known.provider.as_ref().is_some_and(|p| p.name.to_string() == reference);
    let mut found: Vec<_> = all.into_iter().filter(|k| k.identity.id() == reference || named(k)).collect();
    match found.len() {
        0 | 1 => found.pop().ok_or_else(|| Error::not_found("identity", reference)),
        _ => Err(Error::usage("ambiguous_name", format!("you are known by several names at {reference}"))
            .hint("name one by its id, which `wonder identity list` shows")),
    }
}
