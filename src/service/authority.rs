//! Who may do what. [`May`] is authority for one permission in one organization, as a value: only the check
//! here makes it, and the use cases take it as an argument, so that a forgotten check does not compile.

use std::marker::PhantomData;

use super::app::App;
use super::audit::{Actor, Change, Origin};
use super::refusal;
use crate::core::action::Action;
use crate::core::id::{ApiKeyId, AppId, GrantId, OrgId, RealmId, SessionId, UserId, UserNumber};
use crate::core::oauth::ScopeSet;
use crate::core::role::{Permission, Role, Scope, ViewOrganization};
use crate::core::user::Email;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::organization::{self, Membership, Organization};
use crate::store::{Tx, member};

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
    /// A third-party app that acts for a person in one organization.
    App(Delegate),
}

/// A person who is logged in.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: UserId,
    pub number: UserNumber,
    pub email: Email,
    /// Administers the coordinator itself.
    pub admin: bool,
    /// None where a provider's token speaks for them.
    pub session: Option<SessionId>,
    pub session_expires_at: Timestamp,
    /// When they showed who they are.
    pub logged_in_at: Timestamp,
    /// When they showed it last.
    pub proven_at: Timestamp,
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

impl Person {
    /// The log-in, where only that will do.
    pub fn log_in(&self) -> Result<SessionId> {
        self.session.ok_or_else(|| {
            denied("log_in_needed", "this takes a log-in, and this is the token of a provider")
                .hint("log in with `wonder login`, or in a browser")
        })
    }
}

/// A third-party app that acts for a person in one organization, as far as both the grant and the person's
/// role go at the moment of each call.
#[derive(Clone, Debug)]
pub struct Delegate {
    pub app: AppId,
    pub name: String,
    pub grant: GrantId,
    pub org: OrgId,
    pub scopes: ScopeSet,
    /// It acts for its own organization by its own secret: nobody logged in.
    pub own: bool,
    /// Who granted it, and answers for it.
    pub user: UserId,
    pub email: Email,
    pub expires_at: Timestamp,
}

impl Caller {
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The person, where only a person will do.
    pub fn person(&self) -> Result<&Person> {
        match &self.principal {
            Principal::Person(person) => Ok(person),
            Principal::Integration(_) => Err(people_only().hint("log in with `wonder login`")),
            Principal::App(_) => Err(people_only()),
        }
    }

    /// Refuses an app that may not read who somebody is.
    pub fn require_profile(&self) -> Result<()> {
        match &self.principal {
            Principal::App(app) => require_scope::<ViewOrganization>(Holder::App(app)),
            Principal::Person(_) | Principal::Integration(_) => Ok(()),
        }
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// For the audit trail.
    pub fn actor(&self) -> Actor {
        let origin = self.origin.clone();
        match &self.principal {
            Principal::Person(person) => Actor::user(person.user, &person.email, origin),
            Principal::Integration(key) => Actor::api_key(key.key, &key.name, origin),
            Principal::App(app) => Actor::app(app.app, &app.name, &app.email, origin),
        }
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
    grant: Option<GrantId>,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> May<P> {
    /// Checks that `caller` may do `P` in `org`: an id or an unambiguous name; none is one's personal
    /// organization, or the one that the API key belongs to. To an outsider the organization does not exist.
    pub async fn check(app: &App, caller: &Caller, org: Option<&str>) -> Result<May<P>> {
        let wanted = org.map(str::to_owned);
        let (organization, user, role, scopes, grant) = match &caller.principal {
            Principal::Person(person) => {
                let membership = membership(app, person.user, wanted).await?;
                let judged = require_role::<P>(membership.role, &membership.organization.name);
                noted::<P, _>(app, caller, membership.organization.id, judged).await?;
                (membership.organization, person.user, Some(membership.role), None, None)
            }
            Principal::Integration(key) => {
                let organization = own_organization(app, key.org, wanted).await?;
                noted::<P, _>(app, caller, organization.id, require_scope::<P>(Holder::Key(key))).await?;
                (organization, key.created_by, None, Some(key.scopes.clone()), None)
            }
            Principal::App(delegate) => {
                let org = own_organization(app, delegate.org, wanted).await?.id;
                noted::<P, _>(app, caller, org, require_scope::<P>(Holder::App(delegate))).await?;
                let membership = membership(app, delegate.user, Some(org.to_string())).await?;
                let judged = require_role::<P>(membership.role, &membership.organization.name);
                noted::<P, _>(app, caller, org, judged).await?;
                let scopes = Some(delegate.scopes.api().collect());
                (membership.organization, delegate.user, Some(membership.role), scopes, Some(delegate.grant))
            }
        };
        Ok(May { organization, actor: caller.actor(), user, role, scopes, grant, permission: PhantomData })
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

    /// The grant that an app acts by.
    pub fn grant(&self) -> Option<GrantId> {
        self.grant
    }

    /// The person who answers for it: the caller, who made the caller's API key, or who let the app in.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// A person's role, also where an app acts for them; an API key has none.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// Authority for another permission in the same organization, if the caller has that one too: what a page
    /// asks before it offers something.
    pub fn also<Q: Permission>(&self) -> Option<May<Q>> {
        let by_role = self.role.is_none_or(|role| role >= Q::ROLE);
        let in_scope = |scopes: &Vec<Scope>| Q::SCOPE.is_some_and(|scope| scopes.contains(&scope));
        let by_scope = self.scopes.as_ref().is_none_or(in_scope);
        (by_role && by_scope).then(|| self.same())
    }

    /// The same caller in the same organization.
    fn same<Q>(&self) -> May<Q> {
        May {
            organization: self.organization.clone(),
            actor: self.actor.clone(),
            user: self.user,
            role: self.role,
            scopes: self.scopes.clone(),
            grant: self.grant,
            permission: PhantomData,
        }
    }

    /// The person themselves, where nobody may act for them.
    pub fn in_person(&self) -> Result<UserId> {
        if self.scopes.is_some() { Err(people_only()) } else { Ok(self.user) }
    }

    /// Within a transaction: holds the organization, so that nobody else changes meanwhile who is in it, and
    /// looks again whether the caller may: what was checked at the door can be over by now.
    pub(super) fn hold(&self, tx: &mut Tx<'_>) -> Result<Held> {
        let (org, name) = (self.org(), self.organization.name.clone());
        if !organization::hold(tx, org)? {
            return Err(unknown(Some(&name)));
        }
        if self.scopes.is_some() {
            return Ok(Held { role: None, name });
        }
        let role = member::by_user(tx, org, self.user)?.ok_or_else(|| unknown(Some(&name)))?.role;
        require_role::<P>(role, &name)?;
        Ok(Held { role: Some(role), name })
    }

    /// Whether the caller could do what `scope` allows: nobody hands on more than they have.
    pub fn holds(&self, scope: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope))
    }
}

impl<P: Permission> Clone for May<P> {
    fn clone(&self) -> Self {
        self.same()
    }
}

/// What the caller is in an organization that a transaction holds.
#[derive(Debug)]
pub(super) struct Held {
    role: Option<Role>,
    name: String,
}

impl Held {
    /// That the caller may do `Q` as well.
    pub(super) fn require<Q: Permission>(&self) -> Result<()> {
        require_role::<Q>(self.role.ok_or_else(people_only)?, &self.name)
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

/// The one organization of an API key or an app's grant, if it is the wanted one.
async fn own_organization(app: &App, org: OrgId, wanted: Option<String>) -> Result<Organization> {
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

fn require_role<P: Permission>(role: Role, name: &str) -> Result<()> {
    if role >= P::ROLE {
        return Ok(());
    }
    tracing::debug!(permission = P::NAME, %role, "denied");
    Err(denied("role_too_low", format!("you are {role} of {name}, and this takes {}", P::ROLE))
        .hint(format!("ask the owner of {name}")))
}

/// What has scopes.
enum Holder<'a> {
    Key(&'a Integration),
    App(&'a Delegate),
}

impl Holder<'_> {
    fn has(&self, scope: Scope) -> bool {
        match self {
            Holder::Key(key) => key.scopes.contains(&scope),
            Holder::App(app) => app.scopes.has(scope),
        }
    }

    fn lacks(&self, scope: Scope) -> Error {
        let (what, name, hint) = match self {
            Holder::Key(key) => {
                ("API key", &key.name, "make a key that has it with `wonder key create --scope`")
            }
            Holder::App(app) => ("app", &app.name, "authorize the app again, and leave this scope to it"),
        };
        denied("scope_missing", format!("the {what} {name} lacks the scope {scope}")).hint(hint)
    }
}

fn require_scope<P: Permission>(holder: Holder<'_>) -> Result<()> {
    match P::SCOPE {
        Some(scope) if holder.has(scope) => Ok(()),
        Some(scope) => Err(holder.lacks(scope)),
        None => Err(people_only()),
    }
}

fn people_only() -> Error {
    denied("people_only", "this is for people, not for API keys and apps")
}

pub(super) fn denied(code: &str, message: impl Into<String>) -> Error {
    Error::new(Kind::Denied, code, message)
}

fn unknown(wanted: Option<&str>) -> Error {
    let message = match wanted {
        Some(text) => format!("no organization {text} here"),
        None => "you are in no organization".to_owned(),
    };
    Error::new(Kind::NotFound, "organization_not_found", message)
        .hint("`wonder org list` shows yours, and `wonder org use` makes one the current one")
}

fn ambiguous(name: &str) -> Error {
    Error::usage("ambiguous_organization", format!("you are in more than one organization called {name}"))
        .hint("name it by its id, which `wonder org list` shows")
}
