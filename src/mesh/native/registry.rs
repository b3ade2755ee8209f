//! The realms that run in this process. A realm starts when the first of its devices connects, with its
//! nodes read from the database by whoever asked; what changes before that needs nobody told.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

use super::realm::{self, Realm, Surroundings};
use crate::core::Result;
use crate::core::id::RealmId;
use crate::core::node::Node;

/// A realm as the database has it.
pub struct Stored {
    /// Its DNS domain, without dots at the ends.
    pub domain: String,
    pub nodes: Vec<Node>,
}

/// All running realms.
pub struct Registry {
    realms: Mutex<HashMap<RealmId, Arc<OnceCell<Realm>>>>,
    around: Surroundings,
}

impl Registry {
    pub fn new(around: Surroundings) -> Self {
        Registry { realms: Mutex::default(), around }
    }

    pub fn surroundings(&self) -> &Surroundings {
        &self.around
    }

    /// The realm, started if need be with what `load` gives.
    pub async fn start<F>(&self, id: RealmId, load: impl FnOnce() -> F) -> Result<Realm>
    where
        F: Future<Output = Result<Stored>>,
    {
        let cell = Arc::clone(self.lock().entry(id).or_default());
        self.get(&cell, load).await
    }

    /// The realm, if it runs or is just being started. A change that is in the database before this is
    /// called reaches the realm: either by what is then sent to it, or because it starts only later.
    pub async fn started<F>(&self, id: RealmId, load: impl FnOnce() -> F) -> Result<Option<Realm>>
    where
        F: Future<Output = Result<Stored>>,
    {
        let cell = self.lock().get(&id).map(Arc::clone);
        match cell {
            Some(cell) => self.get(&cell, load).await.map(Some),
            None => Ok(None),
        }
    }

    async fn get<F>(&self, cell: &OnceCell<Realm>, load: impl FnOnce() -> F) -> Result<Realm>
    where
        F: Future<Output = Result<Stored>>,
    {
        let start = || async {
            let stored = load().await?;
            Ok(realm::start(stored.domain, stored.nodes, self.around.clone()))
        };
        cell.get_or_try_init(start).await.cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RealmId, Arc<OnceCell<Realm>>>> {
        self.realms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
