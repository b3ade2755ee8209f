//! How a device becomes a node of a realm: by an auth key or by a person's approval, the rules are the same.

use std::time::Duration;

use super::app::App;
use super::realm;
use crate::core::action::Action;
use crate::core::id::{NodeId, RealmId, UserId};
use crate::core::key::{MachineKey, NodeKey};
use crate::core::name::Hostname;
use crate::core::node::{Hostinfo, Node, Owner, Report};
use crate::core::{Error, Result, Timestamp};
use crate::store::{self, Tx};

/// How long a node key is good; a tagged node's key does not expire.
const KEY_LIFETIME: Duration = Duration::from_secs(180 * 24 * 3600);
/// What a device is called that has no usable name of its own.
const NAMELESS: &str = "device";

/// What the auth key or the approving person grants.
#[derive(Clone, Debug)]
pub struct Granted {
    pub realm: RealmId,
    pub owner: UserId,
    pub tags: Vec<String>,
    pub ephemeral: bool,
}

/// What the device says when it asks.
#[derive(Clone, Debug)]
pub struct Asked {
    pub machine: MachineKey,
    pub node_key: NodeKey,
    pub hostinfo: Hostinfo,
    pub capability: u16,
    pub ephemeral: bool,
    /// When the device itself wants its key to end; never later than it would.
    pub expiry: Option<Timestamp>,
}

/// What came of it.
#[derive(Debug)]
pub struct Enrolled {
    pub node: Node,
    /// The node key that the machine had in this realm before.
    pub replaced_key: Option<NodeKey>,
}

impl Enrolled {
    /// The audit trail's word for it.
    pub fn action(&self) -> Action {
        if self.replaced_key.is_some() { Action::NodeLogIn } else { Action::NodeJoin }
    }
}

/// Makes the machine a node of the realm: a new one, or the one that it already has there, which keeps its
/// id, addresses and name.
pub fn enrol(tx: &mut Tx<'_>, granted: Granted, asked: Asked, now: Timestamp) -> Result<Enrolled> {
    store::node::lock_realm(tx, granted.realm)?;
    match store::node::by_machine(tx, granted.realm, asked.machine)? {
        Some(node) => renew(tx, node, granted, &asked, now),
        None => create(tx, granted, asked, now),
    }
}

fn key_expiry(granted: &Granted, asked: &Asked, now: Timestamp) -> Option<Timestamp> {
    let latest = now.plus(KEY_LIFETIME);
    granted.tags.is_empty().then(|| asked.expiry.map_or(latest, |at| at.min(latest)))
}

fn renew(tx: &mut Tx<'_>, before: Node, granted: Granted, asked: &Asked, now: Timestamp) -> Result<Enrolled> {
    let replaced_key = Some(before.node_key);
    let mut node = Node {
        node_key: asked.node_key,
        key_expires_at: key_expiry(&granted, asked, now),
        ephemeral: granted.ephemeral || asked.ephemeral,
        tags: granted.tags,
        owner: Owner { id: granted.owner, ..before.owner },
        ..before
    };
    store::node::save(tx, &mut node)?;
    let node = store::node::by_id(tx, node.id)?.ok_or_else(|| Error::bug("a saved node is missing"))?;
    Ok(Enrolled { node, replaced_key })
}

fn create(tx: &mut Tx<'_>, granted: Granted, asked: Asked, now: Timestamp) -> Result<Enrolled> {
    let wished = Hostname::adapt(&asked.hostinfo.hostname);
    let wished = wished.as_ref().map_or(NAMELESS, Hostname::as_str);
    let key_expires_at = key_expiry(&granted, &asked, now);
    let node = Node {
        id: NodeId::new(now),
        number: store::counter::next_node(tx)?,
        realm: granted.realm,
        // The owner's e-mail address is read back with the row.
        owner: Owner { id: granted.owner, email: String::new() },
        machine_key: asked.machine,
        node_key: asked.node_key,
        name: free_name(tx, granted.realm, wished, None)?,
        renamed: false,
        address: store::node::next_address(tx, granted.realm)?,
        tags: granted.tags,
        ephemeral: granted.ephemeral || asked.ephemeral,
        approved_routes: Vec::new(),
        created_at: now,
        key_expires_at,
        revision: 1,
        report: Report { capability: asked.capability, hostinfo: asked.hostinfo, ..Report::default() },
    };
    store::node::insert(tx, &node)?;
    let node = store::node::by_id(tx, node.id)?.ok_or_else(|| Error::bug("an inserted node is missing"))?;
    Ok(Enrolled { node, replaced_key: None })
}

/// `wished`, or the first of `wished-1`, `wished-2` … that no other node of the realm has. The realm is
/// locked. `own`: the name that the node has now.
pub fn free_name(tx: &mut Tx<'_>, realm: RealmId, wished: &str, own: Option<&str>) -> Result<String> {
    // The suffix must fit: a label has 63 characters.
    let base = &wished[..wished.len().min(52)];
    let taken: std::collections::HashSet<String> = store::node::names_like(tx, realm, base)?
        .into_iter()
        .filter(|name| Some(name.as_str()) != own)
        .collect();
    if !taken.contains(wished) {
        return Ok(wished.to_owned());
    }
    let numbered = (1..).map(|n: u32| format!("{base}-{n}"));
    numbered.into_iter().find(|name| !taken.contains(name)).ok_or_else(|| Error::bug("no name is free"))
}

/// A device has another hostname now: the node follows, unless a person has named it.
pub async fn rename_by_device(app: &App, id: NodeId, hostname: &str) -> Result<()> {
    let Some(wished) = Hostname::adapt(hostname) else { return Ok(()) };
    let rename = move |tx: &mut Tx<'_>| {
        let Some(mut node) = store::node::by_id(tx, id)?.filter(|node| !node.renamed) else {
            return Ok(None);
        };
        store::node::lock_realm(tx, node.realm)?;
        let name = free_name(tx, node.realm, wished.as_str(), Some(&node.name))?;
        if name == node.name {
            return Ok(None);
        }
        node.name = name;
        store::node::save(tx, &mut node)?;
        Ok(Some(node))
    };
    let whole = app.clone();
    realm::to_the_end(app, async move {
        match whole.store().write(rename).await? {
            Some(node) => realm::put(&whole, node).await,
            None => Ok(()),
        }
    })
    .await
}

impl From<store::approval::Approval> for Asked {
    fn from(waiting: store::approval::Approval) -> Self {
        Asked {
            machine: waiting.machine_key,
            node_key: waiting.node_key,
            hostinfo: Hostinfo { hostname: waiting.hostname, os: waiting.os, ..Hostinfo::default() },
            capability: 0,
            ephemeral: waiting.ephemeral,
            expiry: None,
        }
    }
}
