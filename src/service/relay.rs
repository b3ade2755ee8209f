//! Whom the relay carries for: the nodes of this coordinator whose keys are good.

use async_trait::async_trait;

use crate::core::id::RealmId;
use crate::core::key::NodeKey;
use crate::mesh::native::derp::Admission;
use crate::runtime::Clock;
use crate::store::{self, Store};

/// Admission by the database. Cost: one read of an index for each connection.
pub struct Admit {
    pub store: Store,
    pub clock: Clock,
}

#[async_trait]
impl Admission for Admit {
    async fn admit(&self, key: &NodeKey) -> Option<RealmId> {
        let (key, now) = (*key, self.clock.now());
        match self.store.read(move |read| store::node::admission(read, key)).await {
            Ok(found) => found.filter(|(_, expiry)| expiry.is_none_or(|at| at > now)).map(|(realm, _)| realm),
            Err(error) => {
                tracing::warn!(%error, "a relay client is refused, for nobody can tell whether it is known");
                None
            }
        }
    }
}
