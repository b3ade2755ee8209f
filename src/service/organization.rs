//! Organizations: everyone's own, made with its realm at the first log-in.

use super::app::App;
use super::audit::{self, Actor, Change};
use super::authority::{Caller, May, Principal};
use crate::core::action::Action;
use crate::core::id::{OrgId, RealmId};
use crate::core::realm::labels_for;
use crate::core::role::{Role, ViewOrganization};
use crate::core::{Error, Result, Timestamp};
use crate::store::organization::{self, Membership, Organization};
use crate::store::user::User;
use crate::store::{Tx, realm};

/// The caller's organizations, the personal one first; for an API key the one that it belongs to.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Membership>> {
    let (user, only) = match caller.principal() {
        Principal::Person(person) => (person.user, None),
        Principal::Integration(key) => (key.created_by, Some(key.org)),
    };
    let mut memberships = app.store().read(move |read| organization::memberships_of(read, user)).await?;
    memberships.retain(|m| only.is_none_or(|org| m.organization.id == org));
    Ok(memberships)
}

/// One organization, and what the caller is in it; whoever acts by API key counts as a member.
pub fn show(may: &May<ViewOrganization>) -> Membership {
    Membership { organization: may.organization().clone(), role: may.role().unwrap_or(Role::Member) }
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
    let realm = RealmId::new(now);
    let realm_label = labels_for(&user.email)
        .find_map(|label| match realm::insert(tx, realm, &label, now) {
            Ok(true) => Some(Ok(label)),
            Ok(false) => None,
            Err(e) => Some(Err(e)),
        })
        .ok_or_else(|| Error::bug("labels for realms ran out"))??;
    let organization = Organization {
        id: OrgId::new(now),
        name: realm_label.to_string(),
        personal_of: Some(user.id),
        realm,
        realm_label,
        created_at: now,
    };
    organization::insert(tx, &organization)?;
    organization::add_member(tx, organization.id, user.id, Role::Owner, now)?;
    let change = Change::new(Action::OrganizationCreate, organization.id, &organization.name);
    audit::record(tx, now, actor, change.of(organization.id))?;
    Ok(Membership { organization, role: Role::Owner })
}
