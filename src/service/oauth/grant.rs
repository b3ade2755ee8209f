//! Grants: what people allowed apps. Listed and revoked by the person and by the organization's admins; what
//! came of a grant (tokens, keys of nodes) ends with it, at once.

use crate::core::action::Action;
use crate::core::id::{GrantId, OrgId, UserId};
use crate::core::node::Node;
use crate::core::page::Page;
use crate::core::role::{ManageApps, ViewApps};
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change};
use crate::service::authority::{Caller, May};
use crate::service::deployer::TAG;
use crate::service::{node, realm};
use crate::store::oauth::grant::{self as grants, GrantRow};
use crate::store::{self, Read, Tx, api_key};

/// A page of what the organization's people granted for it, the newest first, and the cursor of the next one.
pub async fn list(app: &App, may: &May<ViewApps>, page: Page) -> Result<(Vec<GrantRow>, Option<String>)> {
    let (org, before, rows) = (may.org(), page.after()?, page.rows());
    let found = app.store().read(move |read| grants::list_of_org(read, org, before, rows)).await?;
    Ok(page.cut(found, |grant| grant.id.to_string()))
}

/// A page of what the caller granted, for whichever organization.
pub async fn list_own(app: &App, caller: &Caller, page: Page) -> Result<(Vec<GrantRow>, Option<String>)> {
    let (user, before, rows) = (caller.person()?.user, page.after()?, page.rows());
    let found = app.store().read(move |read| grants::list_of_user(read, user, before, rows)).await?;
    Ok(page.cut(found, |grant| grant.id.to_string()))
}

/// Revokes what somebody granted for the organization. `reference` is the grant's id.
pub async fn revoke(app: &App, may: &May<ManageApps>, reference: &str) -> Result<GrantRow> {
    let org = may.org();
    end_one(app, may.actor().clone(), reference, move |grant| grant.org == org).await
}

/// Revokes what the caller granted.
pub async fn revoke_own(app: &App, caller: &Caller, reference: &str) -> Result<GrantRow> {
    let user = caller.person()?.user;
    end_one(app, caller.actor(), reference, move |grant| grant.user == user).await
}

async fn end_one(
    app: &App,
    actor: Actor,
    reference: &str,
    theirs: impl Fn(&GrantRow) -> bool + Send + 'static,
) -> Result<GrantRow> {
    let (reference, now) = (reference.to_owned(), app.now());
    let revoke = move |tx: &mut Tx<'_>| {
        let find = |read: &mut Read<'_>| {
            let found = reference.parse().ok().map(|id: GrantId| grants::by_id(read, id)).transpose()?;
            found.flatten().filter(&theirs).ok_or_else(|| Error::not_found("grant", &reference))
        };
        let grant = find(tx)?;
        if grant.own {
            return Err(own(&grant));
        }
        let nodes = end(tx, &actor, &grant, now)?;
        Ok((find(tx)?, nodes))
    };
    change(app, revoke).await
}

/// Nobody granted it, and the app's secret would make it anew with the next call.
fn own(grant: &GrantRow) -> Error {
    let message = format!("{} acts for its own organization by its own secret", grant.app_name);
    Error::new(Kind::Conflict, "grant_is_own", message)
        .hint(format!("revoke the app to end that: `wonder app revoke {}`", grant.app))
}

/// Ends a grant within a transaction: its tokens are worth nothing from then on (they are looked up with it),
/// its join tokens let nobody in, the API keys whose secrets the app was given are revoked, and the keys of the
/// app's own nodes are over; devices that it let in stay.
/// Gives the nodes, whose realms are to be told by [`change`].
fn end(tx: &mut Tx<'_>, actor: &Actor, grant: &GrantRow, now: Timestamp) -> Result<Vec<Node>> {
    if !grants::revoke(tx, grant.id, now)? {
        return Ok(Vec::new());
    }
    let name = format!("{} for {}", grant.app_name, grant.email);
    audit::record(tx, now, actor, Change::new(Action::GrantRevoke, grant.id, name).of(grant.org))?;
    grants::revoke_join_tokens(tx, grant.id, now)?;
    if api_key::revoke_of_grant(tx, grant.id, now)? > 0 {
        let change = Change::new(Action::KeyRevokeAll, grant.id, &grant.app_name);
        audit::record(tx, now, actor, change.of(grant.org))?;
    }
    let mut ended = Vec::new();
    for id in grants::nodes(tx, grant.id)? {
        let theirs = |node: &Node| node.tags.iter().any(|tag| tag == TAG) && !node.is_expired(now);
        let Some(mut node) = store::node::by_id(tx, id)?.filter(theirs) else { continue };
        node::end_key(tx, &mut node, grant.org, actor, now)?;
        ended.push(node);
    }
    Ok(ended)
}

/// Ends all that a person granted for one organization: they leave it, or are made to. Tells how many grants
/// there were, and gives the nodes whose keys ended.
pub(in crate::service) fn end_all_of_member(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (org, user): (OrgId, UserId),
    now: Timestamp,
) -> Result<(u64, Vec<Node>)> {
    let granted = grants::live_of_member(tx, org, user)?;
    Ok((granted.len() as u64, end_all(tx, actor, &granted, now)?))
}

/// Ends each of these grants; gives the nodes whose keys ended.
pub(super) fn end_all(tx: &mut Tx<'_>, actor: &Actor, all: &[GrantRow], now: Timestamp) -> Result<Vec<Node>> {
    let mut nodes = Vec::new();
    for grant in all {
        nodes.extend(end(tx, actor, grant, now)?);
    }
    Ok(nodes)
}

/// Runs a change that may end nodes' keys, and tells their realms.
pub(in crate::service) async fn change<T: Send + 'static>(
    app: &App,
    change: impl FnOnce(&mut Tx<'_>) -> Result<(T, Vec<Node>)> + Send + 'static,
) -> Result<T> {
    let whole = app.clone();
    realm::to_the_end(app, async move {
        let (done, nodes) = whole.store().write(change).await?;
        realm::expired(&whole, &nodes).await?;
        Ok(done)
    })
    .await
}
