//! Whose account a provider's word opens. The rules, from safest to boldest (docs/identity-providers.md):
//!
//! 1. An identity (issuer and subject) that is an account's opens that account, whatever its e-mail address is now.
//! 2. An account gets an identity by the act of who is logged in to it.
//! 3. An identity that nobody has, with an e-mail address that its provider vouches for, opens the account of that
//!    address only where the operator trusts the provider with that.
//! 4. It gets an account of its own only where that is switched on and nobody has the address.
//!
//! A program is nobody's identity, and an address that nobody vouches for is nobody's.

use crate::auth::oidc::claims::Claims;
use crate::core::provider::Provider;
use crate::core::user::Email;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::audit::{Actor, Origin};
use crate::service::user as accounts;
use crate::store::oidc::identity;
use crate::store::user::{self, User};
use crate::store::{Read, Tx};

/// The longest subject, in bytes: OpenID Connect Core 1.0 section 2 allows 255 characters.
const LONGEST_SUBJECT: usize = 255;

/// Who they are to the provider, if they are a person.
pub fn subject<'c>(provider: &Provider, claims: &'c Claims) -> Result<&'c str> {
    let subject = claims.text("sub").filter(|sub| sub.len() <= LONGEST_SUBJECT);
    let subject = subject.ok_or_else(|| missing(provider, "identifier (sub)"))?;
    match claims.is_of_a_program() {
        true => Err(Error::new(
            Kind::Denied,
            "service_account",
            "this is the account of a program, and log-ins are for people",
        )
        .hint("programs use an API key: `wonder key create`")),
        false => Ok(subject),
    }
}

fn missing(provider: &Provider, claim: &str) -> Error {
    let message = format!("the provider {} does not say your {claim}", provider.name);
    Error::new(Kind::Denied, "claim_missing", message)
        .hint("fill it in there and log in again; if it is filled in, the provider has to tell it to this coordinator")
}

/// The account, found or made.
pub(super) fn open(
    tx: &mut Tx<'_>,
    provider: &Provider,
    claims: &Claims,
    from: &Origin,
    now: Timestamp,
) -> Result<User> {
    let subject = subject(provider, claims)?;
    if let Some((user, _)) = known(tx, provider, subject)? {
        identity::note_use(tx, provider.issuer.as_str(), subject, now)?;
        return Ok(user);
    }
    let email = verified_email(provider, claims)?;
    let user = match user::by_email(tx, &email)? {
        Some(user) if user.disabled_at.is_some() => return Err(disabled()),
        Some(user) if provider.link_verified_email => user,
        Some(_) => return Err(account_exists(provider, &email)),
        None => make(tx, provider, email, from, now)?,
    };
    super::identity::keep(
        tx,
        provider,
        subject,
        &user,
        &Actor::user(user.id, &user.email, from.clone()),
        now,
    )?;
    Ok(user)
}

/// Whose identity it is, if it is anybody's, and when it was used last; `account_disabled` where the account is.
pub(super) fn known(
    read: &mut Read<'_>,
    provider: &Provider,
    subject: &str,
) -> Result<Option<(User, Timestamp)>> {
    let Some(found) = identity::find(read, provider.issuer.as_str(), subject)? else { return Ok(None) };
    let user = user::by_id(read, found.user)?.ok_or_else(|| Error::bug("an identity of nobody"))?;
    match user.disabled_at {
        Some(_) => Err(disabled()),
        None => Ok(Some((user, found.last_used_at))),
    }
}

/// The address that the provider vouches for.
fn verified_email(provider: &Provider, claims: &Claims) -> Result<Email> {
    let email = claims.text("email").ok_or_else(|| missing(provider, "e-mail address"))?;
    if !claims.email_is_verified() {
        let message = format!("the provider {} has not verified that {email} is your address", provider.name);
        return Err(Error::new(Kind::Denied, "email_unverified", message)
            .hint("confirm your address there, and log in again"));
    }
    email.parse().map_err(|_| missing(provider, "e-mail address"))
}

/// An account without a password. The first account of a coordinator, which administers it, is never made by a
/// stranger's log-in.
fn make(tx: &mut Tx<'_>, provider: &Provider, email: Email, from: &Origin, now: Timestamp) -> Result<User> {
    if !provider.create_accounts {
        return Err(Error::new(
            Kind::Denied,
            "account_unknown",
            format!("there is no account of {email} here"),
        )
        .hint("ask whoever runs this coordinator for an account, or for an invitation"));
    }
    if !user::any_exists(tx)? {
        return Err(Error::new(Kind::Denied, "setup_needed", "this coordinator has not been set up yet")
            .hint("`wonder user create` on its host makes the first account, which administers it"));
    }
    accounts::insert(tx, &Actor::coordinator(from.clone()), now, (email, None), false)
}

pub(super) fn disabled() -> Error {
    Error::new(Kind::Denied, "account_disabled", "this account is disabled")
        .hint("ask whoever runs this coordinator")
}

fn account_exists(provider: &Provider, email: &Email) -> Error {
    let message =
        format!("there is an account of {email} already, and {} does not open it", provider.title());
    Error::new(Kind::Denied, "account_exists", message)
        .hint("log in to it as you did before, and connect both in your settings")
}

pub(super) fn taken(provider: &Provider) -> Error {
    let message = format!("this identity of {} belongs to another account here", provider.title());
    Error::new(Kind::Conflict, "identity_taken", message).hint("log out there, and log in as yourself")
}
