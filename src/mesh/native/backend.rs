//! The built-in mesh as a [`MeshBackend`].

use async_trait::async_trait;

use super::realm::{Live, shutting_down};
use super::registry::{Registry, realm_not_found};
use crate::core::Result;
use crate::core::id::RealmId;
use crate::core::node::Node;
use crate::mesh::backend::{Counts, JoinCredential, JoinOptions, MeshBackend, MeshKind, MeshNode};

/// The coordinator's own mesh.
pub struct Native {
    realms: Registry,
    /// The URL that devices reach this coordinator by.
    login_server: String,
}

impl Native {
    pub fn new(realms: Registry, login_server: String) -> Self {
        Native { realms, login_server }
    }
}

#[async_trait]
impl MeshBackend for Native {
    fn kind(&self) -> MeshKind {
        MeshKind::Tailscale
    }

    /// A realm is its row in the database: there is nothing to prepare.
    async fn create_realm(&self, realm: RealmId) -> Result<()> {
        match self.realm_exists(realm).await? {
            true => Ok(()),
            false => Err(realm_not_found()),
        }
    }

    async fn realm_exists(&self, realm: RealmId) -> Result<bool> {
        self.realms.source().exists(realm).await
    }

    async fn delete_realm(&self, realm: RealmId) -> Result<()> {
        self.realms.end(realm).await
    }

    async fn join_credential(&self, _realm: RealmId, options: JoinOptions) -> Result<JoinCredential> {
        Ok(JoinCredential::Tailscale { login_server: self.login_server.clone(), auth_key: options.auth_key })
    }

    /// Of a realm none of whose devices has connected since the start, all are offline.
    async fn nodes(&self, realm: RealmId) -> Result<Vec<MeshNode>> {
        if let Some(running) = self.realms.started(realm).await? {
            let all = running.look_at_all().await?;
            return Ok(all.into_iter().map(|(node, live)| seen(node, &live)).collect());
        }
        let stored = self.realms.source().load(realm).await?;
        Ok(stored.into_iter().flat_map(|stored| stored.nodes).map(unseen).collect())
    }

    async fn count(&self, realm: RealmId) -> Result<Counts> {
        match self.realms.started(realm).await? {
            Some(running) => running.count().await,
            None => Ok(Counts { all: self.realms.source().count(realm).await?, online: 0 }),
        }
    }

    /// A realm that does not run will read that the node is gone.
    async fn remove_node(&self, node: &Node) -> Result<()> {
        match self.realms.started(node.realm).await? {
            Some(realm) => realm.remove(node.number).await,
            None => Ok(()),
        }
    }

    /// Realms are tasks of this process: they work until it stops.
    async fn health(&self) -> Result<()> {
        match self.realms.is_stopping() {
            true => Err(shutting_down()),
            false => Ok(()),
        }
    }
}

fn seen(node: Node, live: &Live) -> MeshNode {
    MeshNode { online: live.online, last_seen: live.report.last_seen_at, ..unseen(node) }
}

fn unseen(node: Node) -> MeshNode {
    MeshNode {
        id: node.id,
        name: node.name,
        addresses: node.address.both().to_vec(),
        online: false,
        last_seen: node.report.last_seen_at,
    }
}
