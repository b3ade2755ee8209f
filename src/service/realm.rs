//! The bridge between what the database says and the realms that run: a realm starts with its nodes as they
//! are stored, and is told of each later change.

use async_trait::async_trait;
use std::collections::HashMap;
use tokio::sync::oneshot;

use super::app::App;
use super::enrolment::Enrolled;
use crate::config::server::Dns;
use crate::core::id::{NodeNumber, RealmId};
use crate::core::node::Node;
use crate::core::{Error, Result};
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

/// Runs a change of the database with all that follows from it, also when whoever asked for it is gone: a device
/// that is not answered any more must not be in the database alone, nor a deleted one stay in its realm.
pub async fn to_the_end<T: Send + 'static>(
    app: &App,
    change: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let (reply, done) = oneshot::channel();
    app.supervisor().spawn("change", async move {
        // Nobody may be left to be told.
        drop(reply.send(change.await));
    });
    done.await.unwrap_or_else(|_| Err(Error::bug("a change ended without an outcome")))
}

/// A device has joined, or has come back with another key: the relay carries for that one alone.
pub async fn enrolled(app: &App, enrolled: Enrolled) -> Result<()> {
    let Enrolled { node, replaced_key } = enrolled;
    app.metrics().join(replaced_key.is_none());
    if let Some(old_key) = replaced_key.filter(|old_key| *old_key != node.node_key) {
        app.mesh().cut_off(&old_key);
    }
    app.mesh().at_home(node.node_key, node.realm);
    put(app, node).await
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

/// A realm has been deleted with all its nodes: they are told and cut off.
pub async fn end(app: &App, realm: RealmId, nodes: &[Node]) -> Result<()> {
    nodes.iter().for_each(|node| app.mesh().cut_off(&node.node_key));
    app.mesh().backend().delete_realm(realm).await
}

/// Keys of nodes are over: they and their peers are told, and the relay cuts them off.
pub async fn expired(app: &App, nodes: &[Node]) -> Result<()> {
    for node in nodes {
        app.mesh().cut_off(&node.node_key);
        put(app, node.clone()).await?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Clock, Supervisor};
    use crate::service::app::Settings;
    use crate::store::{DatabaseUrl, Purpose};
    use std::time::Duration;

    #[tokio::test]
    async fn a_change_runs_to_its_end_though_nobody_waits_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&DatabaseUrl::in_data_dir(directory.path()), Purpose::Serve).unwrap();
        let settings = Settings::at("http://127.0.0.1:1".parse().unwrap());
        let app = App::new(store, Clock::system(), Supervisor::new(), settings);
        let (go_on, gone) = oneshot::channel::<()>();
        let (told, heard) = oneshot::channel();
        let change = to_the_end(&app, async move {
            gone.await.map_err(|_| Error::bug("the test broke off"))?;
            let _ = told.send("told");
            Ok(())
        });
        assert!(tokio::time::timeout(Duration::from_millis(1), change).await.is_err());
        go_on.send(()).unwrap();
        assert_eq!(heard.await, Ok("told"));
    }
}
