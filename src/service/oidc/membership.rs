//! Where somebody is a member by the word of their provider. At each log-in the rules that match are what counts:
//! they make memberships, change the role of those that they made, and end them. A membership that a person gave
//! is never touched, nor is an owner's; no rule reaches into anybody's personal organization.

use std::collections::BTreeMap;

use crate::auth::oidc::claims::Claims;
use crate::core::action::Action;
use crate::core::id::OrgId;
use crate::core::node::Node;
use crate::core::provider::Provider;
use crate::core::role::Role;
use crate::core::{Result, Timestamp};
use crate::service::audit::{self, Actor, Change, Origin};
use crate::service::member::end_rights;
use crate::service::oauth::grant;
use crate::store::oidc::ruled_membership as ruled;
use crate::store::user::User;
use crate::store::{Tx, member, organization};

/// Where the rules make somebody a member, and as what: the highest role of those that match.
fn wanted(provider: &Provider, claims: &Claims) -> BTreeMap<OrgId, Role> {
    let mut wanted = BTreeMap::new();
    for rule in provider.rules.iter().filter(|rule| claims.has(&rule.claim, &rule.value)) {
        let role: &mut Role = wanted.entry(rule.organization).or_insert(rule.role);
        *role = (*role).max(rule.role);
    }
    wanted
}

/// Brings the memberships of somebody who logs in to what the rules say. Gives the platforms' nodes whose keys ended
/// with that: their realms are to be told.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    provider: &Provider,
    claims: &Claims,
    user: &User,
    from: &Origin,
    now: Timestamp,
) -> Result<Vec<Node>> {
    let wanted = wanted(provider, claims);
    let issuer = provider.issuer.as_str();
    let had = ruled::of_user(tx, user.id, issuer)?;
    let mut rules = Rules { user, issuer, actor: Actor::coordinator(from.clone()), now, ended: Vec::new() };
    let mut orgs: Vec<OrgId> = wanted.keys().copied().chain(had.iter().copied()).collect();
    orgs.sort_unstable();
    orgs.dedup();
    for org in orgs {
        match (wanted.get(&org), had.contains(&org)) {
            (Some(role), true) => rules.change(tx, org, *role)?,
            (Some(role), false) => rules.make(tx, org, *role)?,
            (None, _) => rules.end(tx, org)?,
        }
    }
    Ok(rules.ended)
}

/// The rules of one provider at the log-in of one person.
struct Rules<'a> {
    user: &'a User,
    issuer: &'a str,
    actor: Actor,
    now: Timestamp,
    ended: Vec<Node>,
}

impl Rules<'_> {
    fn make(&self, tx: &mut Tx<'_>, org: OrgId, role: Role) -> Result<()> {
        let found = organization::by_id(tx, org)?.filter(|found| found.personal_of.is_none());
        if found.is_none() || !organization::hold(tx, org)? {
            tracing::warn!(%org, issuer = self.issuer, "a rule names no organization that people can share");
            return Ok(());
        }
        // A person has made them a member: that stands.
        if !member::insert(tx, org, self.user.id, role, self.now)? {
            return Ok(());
        }
        ruled::insert(tx, org, self.user.id, self.issuer)?;
        self.record(tx, org, Action::MemberAdd)
    }

    fn change(&mut self, tx: &mut Tx<'_>, org: OrgId, role: Role) -> Result<()> {
        organization::hold(tx, org)?;
        let Some(member) = member::by_user(tx, org, self.user.id)? else { return Ok(()) };
        if member.role == role || !member::set_role(tx, org, self.user.id, role)? {
            return Ok(());
        }
        if role == Role::Member {
            self.ended.extend(end_rights(tx, org, &member, &self.actor, self.now)?.1);
        }
        self.record(tx, org, if role == Role::Admin { Action::MemberPromote } else { Action::MemberDemote })
    }

    fn end(&mut self, tx: &mut Tx<'_>, org: OrgId) -> Result<()> {
        organization::hold(tx, org)?;
        let Some(member) = member::by_user(tx, org, self.user.id)? else { return Ok(()) };
        // Somebody who became the owner since stays.
        if !member::delete(tx, org, self.user.id)? {
            return Ok(());
        }
        self.ended.extend(end_rights(tx, org, &member, &self.actor, self.now)?.1);
        let grants = grant::end_all_of_member(tx, &self.actor, (org, self.user.id), self.now)?;
        self.ended.extend(grants.1);
        self.record(tx, org, Action::MemberRemove)
    }

    fn record(&self, tx: &mut Tx<'_>, org: OrgId, action: Action) -> Result<()> {
        audit::record(tx, self.now, &self.actor, Change::new(action, self.user.id, &self.user.email).of(org))
    }
}
