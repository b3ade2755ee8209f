//! The bridge between what the database says and the realms that run: a realm starts with its nodes as they
//! are stored, and is told of each later change.

use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

use super::app::App;
use super::enrolment::Enrolled;
use crate::config::server::Dns;
use crate::core::id::{NodeNumber, RealmId};
use crate::core::key::NodeKey;
use crate::core::node::Node;
use crate::core::{Error, Result};
use crate::mesh::native::realm::{Live, Realm};
use crate::mesh::native::{Source, Stored};
use crate::mesh::{JoinCredential, JoinOptions};
use crate::store::{self, Read, Store};

/// The stored form of realms, for the registry that starts them.
pub struct Realms {
    pub store: Store,
    pub dns: Dns,
    pub homes: Arc<Homes>,
}

/// Where the nodes of the realms that run are at home, by their keys: what such a device asks needs no database.
/// Only a hint, for its realm knows whether it is there still. Bounded by the number of nodes: a key that is over is
/// taken out.
#[derive(Default)]
pub struct Homes(Mutex<HashMap<NodeKey, RealmId>>);

impl Homes {
    pub fn of(&self, key: &NodeKey) -> Option<RealmId> {
        self.lock().get(key).copied()
    }

    pub fn add(&self, keys: impl Iterator<Item = NodeKey>, realm: RealmId) {
        self.lock().extend(keys.map(|key| (key, realm)));
    }

    pub fn remove(&self, key: &NodeKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NodeKey, RealmId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Source for Realms {
    async fn load(&self, realm: RealmId) -> Result<Option<Stored>> {
        let read = move |read: &mut Read<'_>| {
            let Some(label) = store::node::realm_label(read, realm)? else { return Ok(None) };
            Ok(Some((label, store::node::of_realm(read, realm)?)))
        };
        let Some((label, nodes)) = self.store.read(read).await? else { return Ok(None) };
        self.homes.add(nodes.iter().map(|node| node.node_key), realm);
        Ok(Some(Stored { domain: self.dns.domain_of(&label), nodes }))
    }

    async fn exists(&self, realm: RealmId) -> Result<bool> {
        self.store.read(move |read| Ok(store::node::realm_label(read, realm)?.is_some())).await
    }

    async fn count(&self, realm: RealmId) -> Result<usize> {
        self.store.read(move |read| store::node::count(read, realm)).await
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

/// What a device needs to join a realm. An organization is made within a transaction, where no backend can be asked;
/// so its realm is made ready here, for the first of its devices and for all others alike.
pub async fn credential(app: &App, realm: RealmId, options: JoinOptions) -> Result<JoinCredential> {
    let backend = app.mesh().backend();
    backend.create_realm(realm).await?;
    backend.join_credential(realm, options).await
}

/// A device has joined, or has come back with another key: the relay carries for that one alone.
pub async fn enrolled(app: &App, enrolled: Enrolled) -> Result<()> {
    let Enrolled { node, replaced_key } = enrolled;
    app.metrics().join(replaced_key.is_none());
    let (key, realm, ephemeral) = (node.node_key, node.realm, node.ephemeral);
    app.mesh().homes().add(std::iter::once(key), realm);
    let told = put(app, node).await;
    if let Some(old_key) = replaced_key.filter(|old_key| *old_key != key) {
        app.mesh().cut_off(&old_key);
    }
    told?;
    if ephemeral {
        // Its grace begins now, should it never connect.
        app.mesh().realms().start(realm).await?;
    }
    Ok(())
}

/// A node is new or has changed: its realm is told, and the relay cuts it off if its key is over.
///
/// The relay asks the realm whom it may carry for, so the realm is told first, here and below: whoever is let in
/// before is found by the relay and cut off, whoever comes later is refused.
pub async fn put(app: &App, node: Node) -> Result<()> {
    let (key, is_over) = (node.node_key, node.is_expired(app.now()));
    let told = tell(app, node.realm, |realm| async move { realm.put(node).await }).await;
    if is_over {
        app.mesh().cut_off(&key);
    }
    told
}

/// A node has been deleted: it and its peers are told, and the relay cuts it off.
pub async fn remove(app: &App, node: &Node) -> Result<()> {
    let told = app.mesh().backend().remove_node(node).await;
    app.mesh().cut_off(&node.node_key);
    told
}

/// A realm has been deleted with all its nodes: they are told and cut off.
pub async fn end(app: &App, realm: RealmId, nodes: &[Node]) -> Result<()> {
    let told = app.mesh().backend().delete_realm(realm).await;
    nodes.iter().for_each(|node| app.mesh().cut_off(&node.node_key));
    told
}

/// Keys of nodes are over: they and their peers are told, and the relay cuts them off.
pub async fn expired(app: &App, nodes: &[Node]) -> Result<()> {
    let mut told = Ok(());
    for node in nodes {
        told = told.and(put(app, node.clone()).await);
    }
    told
}

/// A node has logged out.
pub async fn offline(app: &App, realm: RealmId, number: NodeNumber) -> Result<()> {
    tell(app, realm, |realm| async move { realm.offline(number).await }).await
}

/// Tells a realm something, if it runs: one that does not will read it.
async fn tell<F>(app: &App, realm: RealmId, what: impl FnOnce(Realm) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    match app.mesh().realms().started(realm).await? {
        Some(realm) => what(realm).await,
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
