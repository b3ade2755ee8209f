//! The built-in mesh as a [`MeshBackend`].

use async_trait::async_trait;

use super::realm::shutting_down;
use super::registry::Registry;
use crate::core::Result;
use crate::core::id::{NodeId, RealmId};
use crate::mesh::backend::{JoinCredential, JoinOptions, MeshBackend, MeshKind, MeshNode};

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
    async fn create_realm(&self, _realm: RealmId) -> Result<()> {
        Ok(())
    }

    async fn realm_exists(&self, realm: RealmId) -> Result<bool> {
        Ok(self.realms.source().load(realm).await?.is_some())
    }

    async fn delete_realm(&self, realm: RealmId) -> Result<()> {
        self.realms.end(realm).await
    }

    async fn join_credential(&self, _realm: RealmId, options: JoinOptions) -> Result<JoinCredential> {
        Ok(JoinCredential::Tailscale { login_server: self.login_server.clone(), auth_key: options.auth_key })
    }

    async fn nodes(&self, realm: RealmId) -> Result<Vec<MeshNode>> {
        let all = self.realms.start(realm).await?.look_at_all().await?;
        let node = |(node, live): (crate::core::node::Node, super::realm::Live)| MeshNode {
            id: node.id,
            name: node.name,
            addresses: node.address.both().to_vec(),
            online: live.online,
            last_seen: live.report.last_seen_at,
        };
        Ok(all.into_iter().map(node).collect())
    }

    async fn remove_node(&self, realm: RealmId, node: NodeId) -> Result<()> {
        let Some(realm) = self.realms.started(realm).await? else { return Ok(()) };
        let found = realm.look_at_all().await?.into_iter().find(|(known, _)| known.id == node);
        match found {
            Some((node, _)) => realm.remove(node.number).await,
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
