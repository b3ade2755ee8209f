//! What people and integrations do with the nodes of their realm.

use ipnet::IpNet;
use std::cmp::Reverse;
use tokio::sync::watch;

use super::app::App;
use super::audit::{Actor, Change, Origin};
use super::authority::May;
use super::{approval, audit, enrolment, realm};
use crate::core::action::Action;
use crate::core::id::{NodeId, NodeNumber, OrgId, RealmId};
use crate::core::name::Hostname;
use crate::core::node::Node;
use crate::core::page::{Page, cursor};
use crate::core::role::{ManageNodes, ViewNodes};
use crate::core::{Error, Kind, Result, Timestamp, route};
use crate::mesh::Counts;
use crate::mesh::native::realm::Live;
use crate::store::{self, Read, Tx};

/// A node, with how it is at this moment.
#[derive(Debug)]
pub struct Seen {
    pub node: Node,
    pub online: bool,
    /// The whole MagicDNS name, without the last dot.
    pub dns_name: String,
    /// The subnet routes that it carries now.
    pub primary_routes: Vec<IpNet>,
}

/// Nodes that a search reads at a time, and that it passes at most on the way to those that fit.
const BATCH: i64 = 500;
const PASSED: i64 = 10_000;

/// Which nodes somebody looks for; what is left out is no matter.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// Part of the name, of what the device calls itself, or of an address.
    pub text: Option<String>,
    /// The system, as devices call theirs.
    pub os: Option<String>,
    pub online: Option<bool>,
    /// A whole tag, with `tag:` or without.
    pub tag: Option<String>,
    /// Part of the owner's e-mail address. A tagged node has none.
    pub owner: Option<String>,
}

impl Sought {
    pub fn is_everything(&self) -> bool {
        let Sought { text, os, online, tag, owner } = self;
        online.is_none() && [text, os, tag, owner].iter().all(|word| word.is_none())
    }

    fn fits(&self, seen: &Seen) -> bool {
        let (node, host) = (&seen.node, &seen.node.report.hostinfo);
        let named = |text: &String| {
            let addresses = node.address.both();
            holds(&node.name, text)
                || holds(&host.hostname, text)
                || addresses.iter().any(|address| holds(&address.to_string(), text))
        };
        let tagged = |tag: &String| {
            let bare = tag.strip_prefix("tag:").unwrap_or(tag);
            node.tags.iter().any(|own| own.strip_prefix("tag:") == Some(bare))
        };
        self.online.is_none_or(|online| online == seen.online)
            && self.text.as_ref().is_none_or(named)
            && self.os.as_ref().is_none_or(|os| host.os.eq_ignore_ascii_case(os))
            && self.tag.as_ref().is_none_or(tagged)
            && self.owner.as_ref().is_none_or(|part| node.tags.is_empty() && holds(&node.owner.email, part))
    }
}

fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// A page of the realm's nodes in the order in which they joined, and the cursor of the next one.
pub async fn list(app: &App, may: &May<ViewNodes>, page: Page) -> Result<(Vec<Seen>, Option<String>)> {
    search(app, may, Sought::default(), page).await
}

/// A page of the nodes that fit, as [`list`] gives all. Whether a node is online is not in the database, so nodes
/// are read until the page is full; one that has passed very many ends before, with a cursor to go on by.
pub async fn search(
    app: &App,
    may: &May<ViewNodes>,
    sought: Sought,
    page: Page,
) -> Result<(Vec<Seen>, Option<String>)> {
    let realm = may.realm();
    let rows = usize::try_from(page.rows()).unwrap_or(usize::MAX);
    let batch = if sought.is_everything() { page.rows() } else { BATCH };
    let (mut after, mut passed, mut found) = (page.after::<i64>()?.unwrap_or(0), 0, Vec::new());
    while found.len() < rows && passed < PASSED {
        let read = move |read: &mut Read<'_>| store::node::page(read, realm, NodeNumber(after), batch);
        let nodes = app.store().read(read).await?;
        let is_last = i64::try_from(nodes.len()).is_ok_and(|count| count < batch);
        passed += batch;
        after = nodes.last().map_or(after, |node| node.number.0);
        found.extend(see(app, realm, nodes).await?.into_iter().filter(|seen| sought.fits(seen)));
        if is_last {
            return Ok(page.cut(found, number));
        }
    }
    let (found, next) = page.cut(found, number);
    Ok((found, next.or_else(|| Some(cursor(&after.to_string())))))
}

fn number(seen: &Seen) -> String {
    seen.node.number.0.to_string()
}

/// Counts the realm's nodes.
pub async fn count(app: &App, may: &May<ViewNodes>) -> Result<Counts> {
    app.mesh().backend().count(may.realm()).await
}

/// The nodes of a realm that are there, or were there last: at most `most` of them.
pub async fn latest(app: &App, may: &May<ViewNodes>, most: usize) -> Result<Vec<Seen>> {
    let realm = may.realm();
    let mut all = app.store().read(move |read| store::node::last_seen(read, realm)).await?;
    let live = realm::look(app, realm, all.iter().map(|(number, _)| *number).collect()).await?;
    all.sort_by_key(|(number, stored)| {
        let now = live.get(number);
        let seen = now.map_or(*stored, |now| now.report.last_seen_at);
        Reverse((now.is_some_and(|now| now.online), seen, *number))
    });
    all.truncate(most);
    let find = move |read: &mut Read<'_>| {
        let nodes = all.iter().map(|(number, _)| store::node::by_number(read, *number));
        nodes.filter_map(Result::transpose).collect::<Result<Vec<_>>>()
    };
    see(app, realm, app.store().read(find).await?).await
}

/// Tells whoever looks at a realm that it has changed.
pub struct Changes(watch::Receiver<u64>);

impl Changes {
    /// Waits for a change; false when the realm has ended.
    pub async fn next(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }

    /// Counts what has changed until now as told.
    pub fn catch_up(&mut self) {
        self.0.mark_unchanged();
    }
}

/// The changes of a realm from now on: nodes that come, go, or are different. Starts the realm if need be.
pub async fn changes(app: &App, may: &May<ViewNodes>) -> Result<Changes> {
    Ok(Changes(app.mesh().realms().start(may.realm()).await?.changes()))
}

/// One node, by its id or its name.
pub async fn show(app: &App, may: &May<ViewNodes>, reference: &str) -> Result<Seen> {
    let (realm, reference) = (may.realm(), reference.to_owned());
    let node = app.store().read(move |read| find(read, realm, &reference)).await?;
    see_one(app, node).await
}

/// Gives a node another name, which it keeps whatever the device calls itself.
pub async fn rename(app: &App, may: &May<ManageNodes>, reference: &str, name: Hostname) -> Result<Seen> {
    change(app, may, reference, Action::NodeRename, move |tx, node| {
        store::node::lock_realm(tx, node.realm)?;
        if store::node::by_name(tx, node.realm, name.as_str())?.is_some_and(|other| other.id != node.id) {
            let taken = format!("another node is called {name}");
            return Err(Error::new(Kind::Conflict, "name_taken", taken).hint("choose another name"));
        }
        node.name = name.to_string();
        node.renamed = true;
        Ok(())
    })
    .await
}

/// Ends a node's key: the device has to log in again.
pub async fn expire(app: &App, may: &May<ManageNodes>, reference: &str) -> Result<Seen> {
    let now = app.now();
    change(app, may, reference, Action::NodeExpire, move |_, node| {
        node.expire(now);
        Ok(())
    })
    .await
}

/// Ends a node's key within a transaction; whoever does that tells its realm ([`realm::expired`]).
pub(super) fn end_key(
    tx: &mut Tx<'_>,
    node: &mut Node,
    org: OrgId,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    node.expire(now);
    store::node::save(tx, node)?;
    audit::record(tx, now, actor, named(Action::NodeExpire, node).of(org))
}

/// Allows exactly these routes; those that the device does not offer (yet) are allowed in advance. Fails with
/// `route_of_the_mesh` for one that would lead to another node's address.
pub async fn approve_routes(
    app: &App,
    may: &May<ManageNodes>,
    reference: &str,
    routes: Vec<IpNet>,
) -> Result<Seen> {
    let mut routes: Vec<IpNet> = routes.into_iter().map(|route| route.trunc()).collect();
    routes.sort_unstable();
    routes.dedup();
    if let Some(route) = routes.iter().find(|route| route::is_of_the_mesh(route)) {
        let message = format!("{route} lies among the addresses of the mesh, which are its nodes' own");
        return Err(Error::usage("route_of_the_mesh", message)
            .hint("approve networks that stand behind the node; its own address needs no route"));
    }
    change(app, may, reference, Action::NodeApproveRoutes, move |_, node| {
        node.approved_routes = routes;
        Ok(())
    })
    .await
}

/// Deletes a node: the device is told and cut off, and cannot come back without a new log-in.
pub async fn remove(app: &App, may: &May<ManageNodes>, reference: &str) -> Result<Seen> {
    let (realm_id, org, reference) = (may.realm(), may.org(), reference.to_owned());
    let (actor, now) = (may.actor().clone(), app.now());
    let delete = move |tx: &mut Tx<'_>| {
        let node = find(tx, realm_id, &reference)?;
        store::node::delete(tx, node.id)?;
        audit::record(tx, now, &actor, named(Action::NodeRemove, &node).of(org))?;
        Ok(node)
    };
    let whole = app.clone();
    realm::to_the_end(app, async move {
        let node = whole.store().write(delete).await?;
        let seen = see_one(&whole, node.clone()).await;
        realm::remove(&whole, &node).await?;
        Ok(Seen { online: false, ..seen? })
    })
    .await
}

/// Lets in a device that waits under a code.
pub async fn approve(app: &App, may: &May<ManageNodes>, code: &str) -> Result<Seen> {
    let hash = approval::read_code(code)?.hash();
    let (realm_id, org, owner) = (may.realm(), may.org(), may.user());
    let (actor, now) = (may.actor().clone(), app.now());
    let enrol = move |tx: &mut Tx<'_>| {
        let waiting = store::approval::waiting(tx, hash, now)?.ok_or_else(approval::no_such_code)?;
        store::approval::delete(tx, waiting.id)?;
        let granted = enrolment::Granted { realm: realm_id, owner, tags: Vec::new(), ephemeral: false };
        let enrolled = enrolment::enrol(tx, granted, waiting.into(), now)?;
        audit::record(tx, now, &actor, named(Action::NodeApprove, &enrolled.node).of(org))?;
        Ok(enrolled)
    };
    let whole = app.clone();
    realm::to_the_end(app, async move {
        let enrolled = whole.store().write(enrol).await?;
        let node = enrolled.node.clone();
        realm::enrolled(&whole, enrolled).await?;
        whole.mesh().waiters().wake(hash);
        see_one(&whole, node).await
    })
    .await
}

/// Deletes an ephemeral node that has stayed away, unless it has come back meanwhile.
pub async fn forget(app: &App, id: NodeId) -> Result<()> {
    let Some(node) = app.store().read(move |read| store::node::by_id(read, id)).await? else { return Ok(()) };
    let live = realm::look(app, node.realm, vec![node.number]).await?;
    if live.get(&node.number).is_some_and(|live| live.connected) {
        return Ok(());
    }
    let now = app.now();
    let delete = move |tx: &mut Tx<'_>| {
        let Some(node) = store::node::by_id(tx, id)?.filter(|node| node.ephemeral) else { return Ok(None) };
        store::node::delete(tx, id)?;
        let org = store::organization::of_realm(tx, node.realm)?;
        let actor = Actor::coordinator(Origin::default());
        audit::record(tx, now, &actor, named(Action::NodeForget, &node).of(org))?;
        Ok(Some(node))
    };
    match app.store().write(delete).await? {
        Some(node) => realm::remove(app, &node).await,
        None => Ok(()),
    }
}

fn named(action: Action, node: &Node) -> Change {
    Change::new(action, node.id, &node.name)
}

/// Changes a node in one transaction, and tells its realm.
async fn change(
    app: &App,
    may: &May<ManageNodes>,
    reference: &str,
    action: Action,
    change: impl FnOnce(&mut Tx<'_>, &mut Node) -> Result<()> + Send + 'static,
) -> Result<Seen> {
    let (realm_id, org, reference) = (may.realm(), may.org(), reference.to_owned());
    let (actor, now) = (may.actor().clone(), app.now());
    let write = move |tx: &mut Tx<'_>| {
        let mut node = find(tx, realm_id, &reference)?;
        change(tx, &mut node)?;
        store::node::save(tx, &mut node)?;
        audit::record(tx, now, &actor, named(action, &node).of(org))?;
        Ok(node)
    };
    let whole = app.clone();
    realm::to_the_end(app, async move {
        let node = whole.store().write(write).await?;
        realm::put(&whole, node.clone()).await?;
        see_one(&whole, node).await
    })
    .await
}

/// A node of the realm by its id or its name, both of which are unique.
fn find(read: &mut Read<'_>, realm: RealmId, reference: &str) -> Result<Node> {
    let found = match reference.parse::<NodeId>() {
        Ok(id) => store::node::by_id(read, id)?.filter(|node| node.realm == realm),
        Err(_) => store::node::by_name(read, realm, &reference.to_ascii_lowercase())?,
    };
    found.ok_or_else(|| Error::not_found("node", reference))
}

async fn see_one(app: &App, node: Node) -> Result<Seen> {
    let seen = see(app, node.realm, vec![node]).await?;
    seen.into_iter().next().ok_or_else(|| Error::bug("one node was looked at and none was seen"))
}

/// Puts beside each stored node how it is at this moment.
pub async fn see(app: &App, realm: RealmId, nodes: Vec<Node>) -> Result<Vec<Seen>> {
    let label = app.store().read(move |read| store::node::realm_label(read, realm)).await?;
    let domain = app.settings().dns.domain_of(&label.unwrap_or_default());
    let mut live = realm::look(app, realm, nodes.iter().map(|node| node.number).collect()).await?;
    let see = |mut node: Node| {
        let now: Option<Live> = live.remove(&node.number);
        let dns_name = format!("{}.{domain}", node.name);
        let Some(now) = now else {
            return Seen { node, online: false, dns_name, primary_routes: Vec::new() };
        };
        node.report = now.report;
        Seen { node, online: now.online, dns_name, primary_routes: now.primary_routes }
    };
    Ok(nodes.into_iter().map(see).collect())
}
