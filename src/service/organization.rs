//! Organizations: everyone's own, made with its realm at the first log-in, and those that people make to share
//! a realm with others.

use std::collections::{BTreeMap, BTreeSet};

use super::administrator::Administrator;
use super::app::App;
use super::audit::{self, Actor, Change};
use super::authority::{Caller, May, Principal};
use super::{oauth, realm, words};
use crate::core::action::Action;
use crate::core::id::{OrgId, RealmId, UserId};
use crate::core::name::Hostname;
use crate::core::realm::{labels_for, labels_like};
use crate::core::role::{DeleteOrganization, ManageOrganization, Role, ViewOrganization};
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::organization::{self, Membership, Organization};
use crate::store::user::{self, User};
use crate::store::{Read, Tx, realm as realms};

/// How many organizations one person owns at most, their personal one included.
const MOST_OWNED: i64 = 100;

/// The caller's organizations, the personal one first; for an API key or an app the one that it acts for.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Membership>> {
    caller.require_profile()?;
    let (user, only) = match caller.principal() {
        Principal::Person(person) => (person.user, None),
        Principal::Integration(key) => (key.created_by, Some(key.org)),
        Principal::App(app) => (app.user, Some(app.org)),
    };
    let mut memberships = app.store().read(move |read| organization::memberships_of(read, user)).await?;
    memberships.retain(|m| only.is_none_or(|org| m.organization.id == org));
    Ok(memberships)
}

/// One organization, and what the caller is in it; whoever acts by API key counts as a member.
pub fn show(may: &May<ViewOrganization>) -> Membership {
    Membership { organization: may.organization().clone(), role: may.role().unwrap_or(Role::Member) }
}

/// What these organizations are called; those that are deleted are not among them.
pub async fn names(app: &App, _: &Administrator, ids: BTreeSet<OrgId>) -> Result<BTreeMap<OrgId, String>> {
    let find = move |read: &mut Read<'_>| {
        let named = |id| Ok(organization::by_id(read, id)?.map(|found| (id, found.name)));
        ids.into_iter().map(named).filter_map(Result::transpose).collect()
    };
    app.store().read(find).await
}

/// The organization that an administrator means: by its id, also of one that is deleted, or by its name.
pub async fn named(app: &App, _: &Administrator, reference: &str) -> Result<OrgId> {
    if let Ok(id) = reference.parse() {
        return Ok(id);
    }
    let name = reference.to_owned();
    let found = app.store().read(move |read| organization::by_name(read, &name)).await?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Error::not_found("organization", reference)),
        _ => {
            let message = format!("more than one organization is called {reference}");
            Err(Error::new(Kind::Conflict, "ambiguous_name", message).hint("name it by its id"))
        }
    }
}

/// A user's personal organization, made if there is none. That there is never a second one is a constraint
/// (`organizations.personal_of`); log-ins of one user wait for each other before they come here.
pub(super) fn ensure_personal(
    tx: &mut Tx<'_>,
    user: &User,
    actor: &Actor,
    now: Timestamp,
) -> Result<Membership> {
    let memberships = organization::memberships_of(tx, user.id)?;
    match memberships.into_iter().find(|m| m.organization.personal_of == Some(user.id)) {
        Some(personal) => Ok(personal),
        None => make_personal(tx, user, actor, now),
    }
}

fn make_personal(tx: &mut Tx<'_>, user: &User, actor: &Actor, now: Timestamp) -> Result<Membership> {
    let new = New { name: None, personal: true, owner: user.id };
    make(tx, new, labels_for(&user.email), actor, now)
}

/// Makes an organization of one's own, to share. Only people may.
pub async fn create(app: &App, caller: &Caller, name: &str) -> Result<Membership> {
    let (owner, name) = (caller.person()?.user, words::name(name)?);
    let (actor, now) = (caller.actor(), app.now());
    app.store()
        .write(move |tx| {
            user::hold(tx, owner)?;
            if organization::count_owned(tx, owner)? >= MOST_OWNED {
                return Err(too_many());
            }
            let labels = labels_like(&name);
            make(tx, New { name: Some(name), personal: false, owner }, labels, &actor, now)
        })
        .await
}

fn too_many() -> Error {
    let message = format!("one person owns {MOST_OWNED} organizations at most");
    Error::new(Kind::Conflict, "too_many_organizations", message)
        .hint("delete one with `wonder org delete`, or hand one over with `wonder org transfer`")
}

/// Gives an organization another name. Its domain stays: devices are known by it.
pub async fn rename(app: &App, may: &May<ManageOrganization>, name: &str) -> Result<Membership> {
    let (name, held, now) = (words::name(name)?, may.clone(), app.now());
    let organization = Organization { name: name.clone(), ..may.organization().clone() };
    let rename = move |tx: &mut Tx<'_>| {
        held.hold(tx)?;
        organization::rename(tx, held.org(), &name)?;
        let change = Change::new(Action::OrganizationRename, held.org(), &name).of(held.org());
        audit::record(tx, now, held.actor(), change)
    };
    app.store().write(rename).await?;
    Ok(Membership { organization, role: may.role().unwrap_or(Role::Member) })
}

/// Deletes an organization with everything that it has; `name` is its name, said once more. Its devices are
/// told and cut off. Gives what it was, and how many nodes it had.
pub async fn delete(app: &App, may: &May<DeleteOrganization>, name: &str) -> Result<(Membership, usize)> {
    let organization = may.organization().clone();
    refuse_personal(&organization, "deleted")?;
    if organization.name != name {
        return Err(wrong_name(&organization.name));
    }
    let (held, now, realm) = (may.clone(), app.now(), organization.realm);
    let delete = move |tx: &mut Tx<'_>| {
        held.hold(tx)?;
        // Its apps may have let platforms' machines into other organizations.
        let elsewhere = oauth::app::end_all_of_org(tx, held.actor(), held.org(), now)?;
        let nodes = organization::delete(tx, held.org(), realm, now)?;
        let change = Change::new(Action::OrganizationDelete, held.org(), &held.organization().name);
        audit::record(tx, now, held.actor(), change.of(held.org()))?;
        Ok((nodes, elsewhere))
    };
    let whole = app.clone();
    let nodes = realm::to_the_end(app, async move {
        let (nodes, elsewhere) = whole.store().write(delete).await?;
        realm::end(&whole, realm, &nodes).await?;
        realm::expired(&whole, &elsewhere).await?;
        Ok(nodes.len())
    });
    let nodes = nodes.await?;
    Ok((Membership { organization, role: may.role().unwrap_or(Role::Member) }, nodes))
}

/// A personal organization stays its person's own.
pub(super) fn refuse_personal(organization: &Organization, done: &str) -> Result<()> {
    if organization.personal_of.is_none() {
        return Ok(());
    }
    let message = format!("{} is somebody's own organization, which cannot be {done}", organization.name);
    Err(Error::new(Kind::Conflict, "personal_organization", message)
        .hint("`wonder org create` makes one to share, which can"))
}

fn wrong_name(name: &str) -> Error {
    Error::usage("not_confirmed", format!("to delete {name}, its name has to be given exactly"))
        .hint(format!("confirm with {name:?}"))
}

/// What a new organization is made of.
struct New {
    /// None: its realm's label.
    name: Option<String>,
    personal: bool,
    owner: UserId,
}

fn make(
    tx: &mut Tx<'_>,
    new: New,
    mut labels: impl Iterator<Item = Hostname>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Membership> {
    let realm = RealmId::new(now);
    let realm_label = labels
        .find_map(|label| match realms::insert(tx, realm, &label, now) {
            Ok(true) => Some(Ok(label)),
            Ok(false) => None,
            Err(e) => Some(Err(e)),
        })
        .ok_or_else(|| Error::bug("labels for realms ran out"))??;
    let organization = Organization {
        id: OrgId::new(now),
        name: new.name.unwrap_or_else(|| realm_label.to_string()),
        personal_of: new.personal.then_some(new.owner),
        realm,
        realm_label,
        created_at: now,
    };
    organization::insert(tx, &organization)?;
    organization::add_member(tx, organization.id, new.owner, Role::Owner, now)?;
    let change = Change::new(Action::OrganizationCreate, organization.id, &organization.name);
    audit::record(tx, now, actor, change.of(organization.id))?;
    Ok(Membership { organization, role: Role::Owner })
}
