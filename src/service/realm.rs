//! The bridge between what the database says and the realms that run: a realm starts with its nodes as they
//! are stored, and is told of each later change.

use std::collections::HashMap;

use super::app::App;
use crate::core::id::{NodeNumber, RealmId};
use crate::core::node::Node;
use crate::core::{Error, Kind, Result};
use crate::mesh::native::realm::{Live, Realm};
use crate::mesh::native::Stored;
use crate::store;

/// The realm, started if need be.
pub async fn start(app: &App, realm: RealmId) -> Result<Realm> {
    app.registry().start(realm, || load(app, realm)).await
}

/// The realm, if it runs. Called after a change was committed.
async fn started(app: &App, realm: RealmId) -> Result<Option<Realm>> {
    app.registry().started(realm, || load(app, realm)).await
}

async fn load(app: &App, realm: RealmId) -> Result<Stored> {
    let read = move |read: &mut store::Read<'_>| {
        Ok((store::node::realm_label(read, realm)?, store::node::of_realm(read, realm)?))
    };
    let (label, nodes) = app.store().read(read).await?;
    let label = label.ok_or_else(|| Error::new(Kind::NotFound, "realm_not_found", "this mesh has been deleted"))?;
    Ok(Stored { domain: app.dns().domain_of(&label), nodes })
}

/// A node is new or has changed.
pub async fn put(app: &App, node: Node) -> Result<()> {
    match started(app, node.realm).await? {
        Some(realm) => realm.put(node).await,
        None => Ok(()),
    }
}

/// A node has been deleted: it and its peers are told, and the relay cuts it off.
pub async fn remove(app: &App, node: &Node) -> Result<()> {
    app.relay_cut_off(&node.node_key);
    match started(app, node.realm).await? {
        Some(realm) => realm.remove(node.number).await,
        None => Ok(()),
    }
}

/// A node has logged out.
pub async fn offline(app: &App, realm: RealmId, number: NodeNumber) -> Result<()> {
    match started(app, realm).await? {
        Some(realm) => realm.offline(number).await,
        None => Ok(()),
    }
}

/// How nodes of a realm are at this moment; empty where none of its devices has connected since the start.
pub async fn look(app: &App, realm: RealmId, numbers: Vec<NodeNumber>) -> Result<HashMap<NodeNumber, Live>> {
    match started(app, realm).await? {
        Some(realm) => realm.look(numbers).await,
        None => Ok(HashMap::new()),
    }
}
