//! The bridge between what the database says and the realms that run: a realm starts with its nodes as they
//! are stored, and is told of each later change.

use async_trait::async_trait;
use std::collections::HashMap;

use super::app::App;
use crate::config::server::Dns;
use crate::core::Result;
use crate::core::id::{NodeNumber, RealmId};
use crate::core::node::Node;
use crate::mesh::native::realm::Live;
use crate::mesh::native::{Source, Stored};
use crate::store::{self, Read, Store};

/// The stored form of realms, for the registry that starts them.
pub struct Realms {
    pub store: Store,
    pub dns: Dns,
}

#[async_trait]
impl Source for Realms {
    async fn load(&self, realm: RealmId) -> Result<Option<Stored>> {
        let read = move |read: &mut Read<'_>| {
            let Some(label) = store::node::realm_label(read, realm)? else { return Ok(None) };
            Ok(Some((label, store::node::of_realm(read, realm)?)))
        };
        let found = self.store.read(read).await?;
        Ok(found.map(|(label, nodes)| Stored { domain: self.dns.domain_of(&label), nodes }))
    }
}

/// A node is new or has changed.
pub async fn put(app: &App, node: Node) -> Result<()> {
    match app.mesh().realms().started(node.realm).await? {
        Some(realm) => realm.put(node).await,
        None => Ok(()),
    }
}

/// A node has been deleted: it and its peers are told, and the relay cuts it off.
pub async fn remove(app: &App, node: &Node) -> Result<()> {
    app.mesh().cut_off(&node.node_key);
    match app.mesh().realms().started(node.realm).await? {
        Some(realm) => realm.remove(node.number).await,
        None => Ok(()),
    }
}

/// A node has logged out.
pub async fn offline(app: &App, realm: RealmId, number: NodeNumber) -> Result<()> {
    match app.mesh().realms().started(realm).await? {
        Some(realm) => realm.offline(number).await,
        None => Ok(()),
    }
}

/// How nodes of a realm are at this moment; empty where none of its devices has connected since the start.
pub async fn look(app: &App, realm: RealmId, numbers: Vec<NodeNumber>) -> Result<HashMap<NodeNumber, Live>> {
    match app.mesh().realms().started(realm).await? {
        Some(realm) => realm.look(numbers).await,
        None => Ok(HashMap::new()),
    }
}
