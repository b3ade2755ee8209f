//! Where somebody is a member by the word of their provider. At each log-in the rules that match are what counts:
//! they make memberships, change the role of those that they made, and end them. Between log-ins a membership stands
//! only as long as a rule could make it, and for [`STANDS`] after the last log-in: [`review`]. A membership that a
//! person gave is never touched, nor is an owner's; no rule reaches into anybody's personal organization.

use std::collections::BTreeMap;
use std::time::Duration;

use super::provider;
use crate::auth::oidc::claims::Claims;
use crate::core::action::Action;
use crate::core::id::{OrgId, UserId};
use crate::core::node::Node;
use crate::core::provider::Provider;
use crate::core::role::Role;
use crate::core::user::Email;
use crate::core::{Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change, Origin};
use crate::service::member::end_rights;
use crate::service::oauth::grant;
use crate::store::oidc::ruled_membership::{self as ruled, Ruled};
use crate::store::user::{self, User};
use crate::store::{Tx, member, organization};

/// How long a membership by rule stands without a log-in at its provider.
pub const STANDS: Duration = Duration::from_secs(30 * 86_400);
/// Memberships that are looked at together.
const PAGE: i64 = 200;

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
    let had: Vec<OrgId> = ruled::of_user(tx, user.id, issuer)?.iter().map(|ruled| ruled.org).collect();
    let actor = Actor::coordinator(from.clone());
    let mut rules =
        Rules { user: user.id, email: user.email.clone(), issuer, actor: &actor, now, ended: Vec::new() };
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

/// Looks at every membership by rule, whoever logs in or not: ends those that no rule could make any more, or whose
/// person has not logged in at the provider for [`STANDS`], and lowers a role that no rule gives. For the
/// coordinator itself, which alone knows all providers; tells how many it has looked at.
pub async fn review(app: &App) -> Result<u64> {
    let (mut after, mut seen) = (None, 0);
    loop {
        let all = app.store().read(move |read| ruled::page(read, after, PAGE)).await?;
        let Some(last) = all.last() else { return Ok(seen) };
        after = Some((last.org, last.user));
        seen += all.len() as u64;
        let (offered, now) = (provider::all(app).await?, app.now());
        for weak in all.into_iter().filter(|ruled| !is_sound(ruled, &offered, now)) {
            let settings = app.clone();
            let look_again = move |tx: &mut Tx<'_>| {
                let offered = provider::offered(tx, settings.settings())?;
                let actor = Actor::coordinator(Origin::default());
                Ok(((), review_person(tx, &offered, (weak.user, &weak.issuer), &actor, now)?))
            };
            grant::change(app, look_again).await?;
        }
    }
}

/// The same for what somebody is by the rules of one issuer, within a transaction. Gives the nodes whose keys ended.
pub(super) fn review_person(
    tx: &mut Tx<'_>,
    offered: &[Provider],
    (user, issuer): (UserId, &str),
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<Node>> {
    let Some(User { email, .. }) = user::by_id(tx, user)? else { return Ok(Vec::new()) };
    let mut rules = Rules { user, email, issuer, actor, now, ended: Vec::new() };
    for ruled in ruled::of_user(tx, user, issuer)? {
        match standing(&ruled, offered, now) {
            None => rules.end(tx, ruled.org)?,
            Some(most) if most < ruled.role => rules.change(tx, ruled.org, most)?,
            Some(_) => {}
        }
    }
    Ok(rules.ended)
}

/// The most that a rule of its issuer could make of a membership today; none: it has nothing to stand on.
fn standing(ruled: &Ruled, offered: &[Provider], now: Timestamp) -> Option<Role> {
    ruled.last_used_at.filter(|at| now.since(*at) < STANDS)?;
    let of_issuer = offered.iter().filter(|provider| provider.issuer.as_str() == ruled.issuer);
    let rules = of_issuer.flat_map(|provider| &provider.rules).filter(|rule| rule.organization == ruled.org);
    rules.map(|rule| rule.role).max()
}

fn is_sound(ruled: &Ruled, offered: &[Provider], now: Timestamp) -> bool {
    // Somebody who became the owner since stays.
    ruled.role == Role::Owner || standing(ruled, offered, now).is_some_and(|most| most >= ruled.role)
}

/// The rules of one issuer, for one person.
struct Rules<'a> {
    user: UserId,
    email: Email,
    issuer: &'a str,
    actor: &'a Actor,
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
        if !member::insert(tx, org, self.user, role, self.now)? {
            return Ok(());
        }
        ruled::insert(tx, org, self.user, self.issuer)?;
        self.record(tx, org, Action::MemberAdd)
    }

    fn change(&mut self, tx: &mut Tx<'_>, org: OrgId, role: Role) -> Result<()> {
        organization::hold(tx, org)?;
        let Some(member) = member::by_user(tx, org, self.user)? else { return Ok(()) };
        if member.role == role || !member::set_role(tx, org, self.user, role)? {
            return Ok(());
        }
        if role == Role::Member {
            self.ended.extend(end_rights(tx, org, &member, self.actor, self.now)?.1);
        }
        self.record(tx, org, if role == Role::Admin { Action::MemberPromote } else { Action::MemberDemote })
    }

    fn end(&mut self, tx: &mut Tx<'_>, org: OrgId) -> Result<()> {
        organization::hold(tx, org)?;
        let Some(member) = member::by_user(tx, org, self.user)? else { return Ok(()) };
        // Somebody who became the owner since stays.
        if !member::delete(tx, org, self.user)? {
            return Ok(());
        }
        self.ended.extend(end_rights(tx, org, &member, self.actor, self.now)?.1);
        let grants = grant::end_all_of_member(tx, self.actor, (org, self.user), self.now)?;
        self.ended.extend(grants.1);
        self.record(tx, org, Action::MemberRemove)
    }

    fn record(&self, tx: &mut Tx<'_>, org: OrgId, action: Action) -> Result<()> {
        audit::record(tx, self.now, self.actor, Change::new(action, self.user, &self.email).of(org))
    }
}
