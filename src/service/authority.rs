//! Who may do what. [`May`] is authority for one permission in one organization, as a value: only the check
//! here makes it, and the use cases take it as an argument, so that a forgotten check does not compile.

use std::marker::PhantomData;

use super::app::App;
use super::audit::{Actor, Change, Origin};
use super::refusal;
use crate::core::action::Action;
use crate::core::id::{ApiKeyId, OrgId, RealmId, SessionId, UserId, UserNumber};
use crate::core::role::{Permission, Role, Scope};
use crate::core::user::Email;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::organization::{self, Membership, Organization};

/// Somebody who showed a credential that is good. Made by [`super::session::authenticate`] and its like only.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(super) principal: Principal,
    pub(super) origin: Origin,
}

/// Whose credential it is.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A person who is logged in.
    Person(Person),
    /// What acts for one organization with an API key.
    Integration(Integration),
}

/// A person who is logged in.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: UserId,
    pub number: UserNumber,
    pub email: Email,
    /// Administers the coordinator itself.
    pub admin: bool,
    pub session: SessionId,
    pub session_expires_at: Timestamp,
}

/// What acts for one organization with an API key.
#[derive(Clone, Debug)]
pub struct Integration {
    pub key: ApiKeyId,
    pub name: String,
    pub org: OrgId,
    pub scopes: Vec<Scope>,
    /// Who answers for it.
    pub created_by: UserId,
    pub expires_at: Timestamp,
    /// It is time for another secret, which this one's end leaves until then.
    pub due: Option<Timestamp>,
}

impl Caller {
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The person, where only a person will do.
    pub fn person(&self) -> Result<&Person> {
        match &self.principal {
            Principal::Person(person) => Ok(person),
            Principal::Integration(_) => Err(denied("people_only", "this is for people, not for API keys")
                .hint("log in with `wonder login`")),
        }
    }

    /// For the audit trail.
    pub fn actor(&self) -> Actor {
        let origin = self.origin.clone();
        match &self.principal {
            Principal::Person(person) => Actor::user(person.user, &person.email, origin),
            Principal::Integration(key) => Actor::api_key(key.key, &key.name, origin),
        }
    }
}

/// Authority over the coordinator itself.
#[derive(Clone, Debug)]
pub struct Administrator {
    actor: Actor,
}

impl Administrator {
    /// Checks that `caller` is a person who administers the coordinator.
    pub fn check(caller: &Caller) -> Result<Administrator> {
        match caller.person()?.admin {
            true => Ok(Administrator { actor: caller.actor() }),
            false => Err(denied("administrators_only", "this is for the coordinator's administrators")
                .hint("one of them can do it; the first account is one")),
        }
    }

    /// For the audit trail.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// Authority to do `P` in one organization.
#[derive(Debug)]
pub struct May<P> {
    organization: Organization,
    actor: Actor,
    user: UserId,
    role: Option<Role>,
    scopes: Option<Vec<Scope>>,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> May<P> {
    /// Checks that `caller` may do `P` in `org`: an id or an unambiguous name; none is one's personal
    /// organization, or the one that the API key belongs to. To an outsider the organization does not exist.
    pub async fn check(app: &App, caller: &Caller, org: Option<&str>) -> Result<May<P>> {
        let wanted = org.map(str::to_owned);
        let (organization, user, role, scopes) = match &caller.principal {
            Principal::Person(person) => {
                let membership = membership(app, person.user, wanted).await?;
                let judged = require_role::<P>(&membership);
                noted::<P, _>(app, caller, membership.organization.id, judged).await?;
                (membership.organization, person.user, Some(membership.role), None)
            }
            Principal::Integration(key) => {
                let organization = own_organization(app, key, wanted).await?;
                noted::<P, _>(app, caller, organization.id, require_scope::<P>(key)).await?;
                (organization, key.created_by, None, Some(key.scopes.clone()))
            }
        };
        Ok(May { organization, actor: caller.actor(), user, role, scopes, permission: PhantomData })
    }

    pub fn org(&self) -> OrgId {
        self.organization.id
    }

    pub fn realm(&self) -> RealmId {
        self.organization.realm
    }

    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// For the audit trail.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The person who answers for it: the caller, or who made the caller's API key.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// A person's role; an API key has none.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// Whether the caller could do what `scope` allows: nobody hands on more than they have.
    pub fn holds(&self, scope: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope))
    }
}

/// Where `user` is a member, and what.
async fn membership(app: &App, user: UserId, wanted: Option<String>) -> Result<Membership> {
    let memberships = app.store().read(move |read| organization::memberships_of(read, user)).await?;
    pick(memberships, wanted.as_deref())
}

/// The wanted organization among those that somebody is a member of; the personal one stands first.
fn pick(memberships: Vec<Membership>, wanted: Option<&str>) -> Result<Membership> {
    let id = wanted.and_then(|text| text.parse::<OrgId>().ok());
    let is_wanted = |m: &Membership| match (id, wanted) {
        (Some(id), _) => m.organization.id == id,
        (None, Some(name)) => m.organization.name == name,
        (None, None) => true,
    };
    let mut found = memberships.into_iter().filter(is_wanted);
    let first = found.next().ok_or_else(|| unknown(wanted))?;
    match wanted.is_some() && found.next().is_some() {
        true => Err(ambiguous(&first.organization.name)),
        false => Ok(first),
    }
}

/// The one organization of an API key, if it is the wanted one.
async fn own_organization(app: &App, key: &Integration, wanted: Option<String>) -> Result<Organization> {
    let org = key.org;
    let own = app.store().read(move |read| organization::by_id(read, org)).await?;
    let is_wanted = |o: &Organization| match &wanted {
        Some(text) => o.name == *text || o.id.to_string() == *text,
        None => true,
    };
    own.filter(is_wanted).ok_or_else(|| unknown(wanted.as_deref()))
}

/// What somebody known was not allowed is in the audit trail of the organization.
async fn noted<P: Permission, T>(app: &App, caller: &Caller, org: OrgId, judged: Result<T>) -> Result<T> {
    if let Err(failure) = &judged {
        let change = Change::nameless(Action::PermissionRefuse, P::NAME).of(org);
        refusal::write(app, caller.actor(), change, failure).await;
    }
    judged
}

fn require_role<P: Permission>(membership: &Membership) -> Result<()> {
    if membership.role >= P::ROLE {
        return Ok(());
    }
    let (role, name) = (membership.role, &membership.organization.name);
    tracing::debug!(permission = P::NAME, %role, "denied");
    Err(denied("role_too_low", format!("you are {role} of {name}, and this takes {}", P::ROLE))
        .hint(format!("ask an owner of {name}")))
}

fn require_scope<P: Permission>(key: &Integration) -> Result<()> {
    let name = &key.name;
    match P::SCOPE {
        Some(scope) if key.scopes.contains(&scope) => Ok(()),
        Some(scope) => Err(denied("scope_missing", format!("the API key {name} lacks the scope {scope}"))
            .hint("make a key that has it with `wonder key create --scope`")),
        None => Err(denied("people_only", "this is for people, not for API keys")),
    }
}

fn denied(code: &str, message: impl Into<String>) -> Error {
    Error::new(Kind::Denied, code, message)
}

fn unknown(wanted: Option<&str>) -> Error {
    let message = match wanted {
        Some(text) => format!("no organization {text} here"),
        None => "you are in no organization".to_owned(),
    };
    Error::new(Kind::NotFound, "organization_not_found", message).hint("`wonder org list` shows yours")
}

fn ambiguous(name: &str) -> Error {
    Error::usage("ambiguous_organization", format!("you are in more than one organization called {name}"))
        .hint("name it by its id, which `wonder org list` shows")
}
