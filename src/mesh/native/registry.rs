//! The realms that run in this process. A realm starts when the first of its devices connects, with its
//! nodes as the database has them; what changes before that needs nobody told.

use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

use super::realm::{self, Realm, Surroundings};
use crate::core::id::RealmId;
use crate::core::node::Node;
use crate::core::{Error, Kind, Result};

/// Where realms come from: the database, which this backend does not know.
#[async_trait]
pub trait Source: Send + Sync {
    /// The realm as it is stored; `None` where there is none.
    async fn load(&self, realm: RealmId) -> Result<Option<Stored>>;

    /// Whether the realm is stored.
    async fn exists(&self, realm: RealmId) -> Result<bool>;

    /// How many nodes are stored of it.
    async fn count(&self, realm: RealmId) -> Result<usize>;
}

/// A realm as it is stored.
pub struct Stored {
    /// Its DNS domain, without dots at the ends.
    pub domain: String,
    pub nodes: Vec<Node>,
}

/// All running realms. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    realms: Arc<Mutex<HashMap<RealmId, Arc<OnceCell<Realm>>>>>,
    source: Arc<dyn Source>,
    around: Surroundings,
}

impl Registry {
    pub fn new(source: Arc<dyn Source>, around: Surroundings) -> Self {
        Registry { realms: Arc::default(), source, around }
    }

    /// The realm, started if need be. Fails with `realm_not_found`.
    pub async fn start(&self, id: RealmId) -> Result<Realm> {
        let cell = {
            let mut realms = self.lock();
            forget_broken(&mut realms, id);
            Arc::clone(realms.entry(id).or_default())
        };
        self.get(id, &cell).await
    }

    /// The realm, if it runs or is just being started. A change that is in the database before this is
    /// called reaches the realm: either by what is then sent to it, or because it starts only later.
    pub async fn started(&self, id: RealmId) -> Result<Option<Realm>> {
        let cell = {
            let mut realms = self.lock();
            forget_broken(&mut realms, id);
            realms.get(&id).map(Arc::clone)
        };
        match cell {
            Some(cell) => self.get(id, &cell).await.map(Some),
            None => Ok(None),
        }
    }

    /// Ends the realm; its devices are told that they are out.
    pub async fn end(&self, id: RealmId) -> Result<()> {
        let Some(cell) = self.lock().remove(&id) else { return Ok(()) };
        // One that is just being started, with devices that are gone by now, is waited for and ended too.
        match self.get(id, &cell).await {
            Ok(realm) => realm.end().await,
            Err(error) if error.kind() == Kind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the coordinator is shutting down, and its realms with it.
    pub(super) fn is_stopping(&self) -> bool {
        self.around.supervisor.stop_signal().is_stopped()
    }

    pub(super) fn source(&self) -> &dyn Source {
        &*self.source
    }

    async fn get(&self, id: RealmId, cell: &OnceCell<Realm>) -> Result<Realm> {
        let start = || async {
            let stored = self.source.load(id).await?.ok_or_else(realm_not_found)?;
            Ok(realm::start(stored.domain, stored.nodes, self.around.clone()))
        };
        let realm = cell.get_or_try_init(start).await.cloned();
        if realm.is_err() {
            self.forget_unstarted(id);
        }
        realm
    }

    /// A realm that could not be started leaves no place behind, so that strangers cannot fill the map.
    fn forget_unstarted(&self, id: RealmId) {
        let mut realms = self.lock();
        if realms.get(&id).is_some_and(|cell| !cell.initialized() && Arc::strong_count(cell) <= 2) {
            realms.remove(&id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RealmId, Arc<OnceCell<Realm>>>> {
        self.realms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A realm whose task has broken makes room for a new start from the database.
fn forget_broken(realms: &mut HashMap<RealmId, Arc<OnceCell<Realm>>>, id: RealmId) {
    if realms.get(&id).and_then(|cell| cell.get()).is_some_and(Realm::is_over) {
        realms.remove(&id);
    }
}

pub(super) fn realm_not_found() -> Error {
    Error::new(Kind::NotFound, "realm_not_found", "there is no such mesh here, or it has been deleted")
}
