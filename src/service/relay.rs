//! Whom the relay carries for: the nodes of this coordinator whose keys are good.

use async_trait::async_trait;
use std::sync::Arc;

use super::realm::Homes;
use crate::core::Result;
use crate::core::id::RealmId;
use crate::core::key::NodeKey;
use crate::mesh::native::Registry;
use crate::mesh::native::derp::Admission;
use crate::runtime::Clock;
use crate::store::{self, Store};

/// Admission by the realms that run, whether the database is there or not, and by the database for whom they do
/// not know. Cost: a question to the realm for each connection, or one read of an index.
pub struct Admit {
    pub store: Store,
    pub clock: Clock,
    pub homes: Arc<Homes>,
    pub realms: Registry,
}

#[async_trait]
impl Admission for Admit {
    async fn admit(&self, key: &NodeKey) -> Option<RealmId> {
        if let Ok(Some(home)) = self.at_home(key).await {
            return Some(home);
        }
        self.stored(*key).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a relay client is refused, for nobody can tell whether it is known");
            None
        })
    }
}

impl Admit {
    async fn at_home(&self, key: &NodeKey) -> Result<Option<RealmId>> {
        let Some(home) = self.homes.of(key) else { return Ok(None) };
        let Some(realm) = self.realms.started(home).await? else { return Ok(None) };
        Ok(realm.admits(*key).await?.then_some(home))
    }

    async fn stored(&self, key: NodeKey) -> Result<Option<RealmId>> {
        let now = self.clock.now();
        let found = self.store.read(move |read| store::node::admission(read, key)).await?;
        Ok(found.filter(|(_, expiry)| expiry.is_none_or(|at| at > now)).map(|(realm, _)| realm))
    }
}
