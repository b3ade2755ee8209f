//! Who is in an organization. Each change holds the organization and looks again at what the caller is, so that
//! of two changes at once the second sees the first. There is always one owner: who they are changes only by
//! [`transfer`].

use super::app::App;
use super::audit::{self, Actor, Change};
use super::authority::May;
use super::node::{self, Seen};
use super::oauth::{self, grant};
use super::organization::refuse_personal;
use super::realm;
use crate::core::action::Action;
use crate::core::id::{OrgId, UserId};
use crate::core::node::Node;
use crate::core::page::Page;
use crate::core::role::{
    ManageAdmins, Permission, RemoveMembers, Role, TransferOwnership, ViewMembers, ViewOrganization,
};
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::member::{self, Member};
use crate::store::{self, Read, Tx, api_key, invitation, join_token};

/// Somebody who is a member no more.
#[derive(Debug)]
pub struct Gone {
    /// As they were.
    pub member: Member,
    /// Their own devices, which are in the realm still.
    pub devices: Vec<Seen>,
    pub ended: Ended,
}

/// What ended with somebody's rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub tokens: u64,
    pub keys: u64,
    pub invitations: u64,
    pub apps: u64,
    pub grants: u64,
}

/// A page of the members, in the order of their accounts' age, and the cursor of the next one.
pub async fn list(app: &App, may: &May<ViewMembers>, page: Page) -> Result<(Vec<Member>, Option<String>)> {
    let (org, after, rows) = (may.org(), page.after()?, page.rows());
    let found = app.store().read(move |read| member::list(read, org, after, rows)).await?;
    Ok(page.cut(found, |member| member.user.to_string()))
}

/// How many members there are.
pub async fn count(app: &App, may: &May<ViewMembers>) -> Result<i64> {
    let org = may.org();
    app.store().read(move |read| member::count(read, org)).await
}

/// Makes a member an admin, or an admin a member. What they made as an admin ends then.
pub async fn set_role(app: &App, may: &May<ManageAdmins>, who: &str, role: Role) -> Result<Member> {
    if role == Role::Owner {
        return Err(Error::usage("role_by_transfer", "there is one owner, and nobody is made a second")
            .hint("`wonder org transfer` makes somebody else the owner"));
    }
    let (held, who, now) = (may.clone(), who.to_owned(), app.now());
    let change = move |tx: &mut Tx<'_>| {
        held.hold(tx)?;
        let org = held.org();
        let member = find(tx, org, &who)?;
        if member.role == role {
            return Ok((member, Vec::new()));
        }
        if !member::set_role(tx, org, member.user, role)? {
            return Err(owner_stays());
        }
        let mut nodes = Vec::new();
        if role == Role::Member {
            nodes = end_rights(tx, org, &member, held.actor(), now)?.1;
        }
        let action = if role == Role::Admin { Action::MemberPromote } else { Action::MemberDemote };
        audit::record(tx, now, held.actor(), Change::new(action, member.user, &member.email).of(org))?;
        Ok((Member { role, ..member }, nodes))
    };
    grant::change(app, change).await
}

/// Makes another member the owner; who was it is an admin then.
pub async fn transfer(app: &App, may: &May<TransferOwnership>, who: &str) -> Result<Member> {
    refuse_personal(may.organization(), "transferred")?;
    let (from, held, who, now) = (may.in_person()?, may.clone(), who.to_owned(), app.now());
    let transfer = move |tx: &mut Tx<'_>| {
        held.hold(tx)?;
        let org = held.org();
        let member = find(tx, org, &who)?;
        if member.user == from {
            return Ok(member);
        }
        if member.disabled_at.is_some() {
            let message = format!("the account of {} is disabled", member.email);
            return Err(Error::new(Kind::Conflict, "account_disabled", message)
                .hint("an administrator enables it, with `wonder user enable EMAIL`"));
        }
        if !member::transfer(tx, org, from, member.user)? {
            return Err(Error::new(
                Kind::Conflict,
                "changed_meanwhile",
                "somebody else has just changed this",
            )
            .hint("look with `wonder org members`, and try again"));
        }
        let change = Change::new(Action::OrganizationTransfer, org, &member.email).of(org);
        audit::record(tx, now, held.actor(), change)?;
        Ok(Member { role: Role::Owner, ..member })
    };
    app.store().write(transfer).await
}

/// Takes somebody out. Admins may take out members; to take out an admin is the owner's.
pub async fn remove(app: &App, may: &May<RemoveMembers>, who: &str, expire_devices: bool) -> Result<Gone> {
    let (remover, held, who) = (may.in_person()?, may.clone(), who.to_owned());
    let choose = move |tx: &mut Tx<'_>| {
        let standing = held.hold(tx)?;
        let member = find(tx, held.org(), &who)?;
        if member.user == remover {
            return Err(Error::new(Kind::Conflict, "that_is_you", "nobody removes themselves")
                .hint("`wonder org leave` does that"));
        }
        if member.role == Role::Admin {
            standing.require::<ManageAdmins>()?;
        }
        Ok(member)
    };
    go(app, may, Action::MemberRemove, expire_devices, choose).await
}

/// The caller leaves. The owner cannot, until somebody else is.
pub async fn leave(app: &App, may: &May<ViewOrganization>, expire_devices: bool) -> Result<Gone> {
    let user = may.in_person()?;
    if may.organization().personal_of == Some(user) {
        refuse_personal(may.organization(), "left")?;
    }
    let held = may.clone();
    let choose = move |tx: &mut Tx<'_>| {
        held.hold(tx)?;
        find(tx, held.org(), &user.to_string())
    };
    go(app, may, Action::MemberLeave, expire_devices, choose).await
}

/// Ends a membership: in one transaction with what the person made, and, where that is wished, with the keys of
/// their devices.
async fn go<P: Permission>(
    app: &App,
    may: &May<P>,
    action: Action,
    expire_devices: bool,
    choose: impl FnOnce(&mut Tx<'_>) -> Result<Member> + Send + 'static,
) -> Result<Gone> {
    let (org, realm_id, actor, now) = (may.org(), may.realm(), may.actor().clone(), app.now());
    let take_out = move |tx: &mut Tx<'_>| {
        let member = choose(tx)?;
        if !member::delete(tx, org, member.user)? {
            return Err(owner_stays());
        }
        let (mut ended, mut deployers) = end_rights(tx, org, &member, &actor, now)?;
        let granted = grant::end_all_of_member(tx, &actor, (org, member.user), now)?;
        ended.grants += granted.0;
        deployers.extend(granted.1);
        audit::record(tx, now, &actor, Change::new(action, member.user, &member.email).of(org))?;
        store::node::lock_realm(tx, realm_id)?;
        let mut nodes = store::node::of_owner(tx, realm_id, member.user)?;
        if expire_devices {
            expire(tx, org, &mut nodes, &actor, now)?;
        }
        Ok((member, nodes, deployers, ended))
    };
    let whole = app.clone();
    realm::to_the_end(app, async move {
        let (member, nodes, deployers, ended) = whole.store().write(take_out).await?;
        realm::expired(&whole, &deployers).await?;
        if expire_devices {
            realm::expired(&whole, &nodes).await?;
        }
        Ok(Gone { member, devices: node::see(&whole, realm_id, nodes).await?, ended })
    })
    .await
}

/// Revokes what somebody made for the organization and may make no more. (What slips in beside this, by a call
/// that had passed its check, is good for nothing either: each use looks at what its maker is.)
/// Gives the platforms' nodes too whose keys ended with it: their realms are to be told.
pub(super) fn end_rights(
    tx: &mut Tx<'_>,
    org: OrgId,
    member: &Member,
    actor: &Actor,
    now: Timestamp,
) -> Result<(Ended, Vec<Node>)> {
    let (apps, nodes) = oauth::app::end_all_of_member(tx, actor, (org, member.user), now)?;
    let ended = Ended {
        tokens: join_token::revoke_made_by(tx, org, member.user, now)?,
        keys: api_key::revoke_made_by(tx, org, member.user, now)?,
        invitations: invitation::revoke_made_by(tx, org, member.user, now)?,
        apps,
        grants: 0,
    };
    for (count, action) in [
        (ended.tokens, Action::TokenRevokeAll),
        (ended.keys, Action::KeyRevokeAll),
        (ended.invitations, Action::InvitationRevokeAll),
    ] {
        if count > 0 {
            audit::record(tx, now, actor, Change::new(action, member.user, &member.email).of(org))?;
        }
    }
    Ok((ended, nodes))
}

/// Ends the keys of nodes whose realm is held.
fn expire(tx: &mut Tx<'_>, org: OrgId, nodes: &mut [Node], actor: &Actor, now: Timestamp) -> Result<()> {
    for node in nodes.iter_mut().filter(|node| !node.is_expired(now)) {
        node::end_key(tx, node, org, actor, now)?;
    }
    Ok(())
}

/// A member by the id or the e-mail address of their account.
fn find(read: &mut Read<'_>, org: OrgId, who: &str) -> Result<Member> {
    let found = match who.parse::<UserId>() {
        Ok(id) => member::by_user(read, org, id)?,
        Err(_) => member::by_email(read, org, &who.parse()?)?,
    };
    found.ok_or_else(|| {
        Error::not_found("member", who).hint("`wonder org members` shows who is in the organization")
    })
}

fn owner_stays() -> Error {
    Error::new(Kind::Conflict, "owner_stays", "an organization is never without its owner")
        .hint("make somebody else the owner first, with `wonder org transfer`")
}
