//! Who is connected. A client is found by realm and key together, so that a key of another realm is never
//! found, whoever knows it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use super::mailbox::Mailbox;
use crate::core::id::RealmId;
use crate::core::key::NodeKey;

/// Connections that one key may have at once; the longest inactive one goes.
const MAX_DUPLICATES: usize = 8;

/// An admitted connection.
pub(super) struct Client {
    pub(super) realm: RealmId,
    pub(super) key: NodeKey,
    pub(super) mailbox: Mailbox,
    /// Other connections of the same key exist, and whoever wrote last gets the packets.
    contested: AtomicBool,
}

impl Client {
    pub(super) fn new(realm: RealmId, key: NodeKey) -> Arc<Self> {
        Arc::new(Client { realm, key, mailbox: Mailbox::default(), contested: AtomicBool::new(false) })
    }
}

/// All connections by key; those of one key in the order of their activity, the latest last.
#[derive(Default)]
pub(super) struct Registry(RwLock<HashMap<NodeKey, Vec<Arc<Client>>>>);

impl Registry {
    /// The connection that gets the packets for `key` in `realm`.
    pub(super) fn find(&self, realm: RealmId, key: &NodeKey) -> Option<Arc<Client>> {
        let clients = self.0.read().unwrap_or_else(PoisonError::into_inner);
        clients.get(key)?.iter().rev().find(|client| client.realm == realm).cloned()
    }

    pub(super) fn join(&self, client: &Arc<Client>) {
        let mut clients = self.write();
        let same = clients.entry(client.key).or_default();
        if same.len() >= MAX_DUPLICATES {
            same.remove(0).mailbox.close();
        }
        same.push(Arc::clone(client));
        mark_contested(same);
    }

    /// Removes a connection; tells whether it was the last of its key in its realm.
    pub(super) fn leave(&self, client: &Arc<Client>) -> bool {
        let mut clients = self.write();
        let Some(same) = clients.get_mut(&client.key) else { return true };
        same.retain(|other| !Arc::ptr_eq(other, client));
        mark_contested(same);
        let last = !same.iter().any(|other| other.realm == client.realm);
        if same.is_empty() {
            clients.remove(&client.key);
        }
        last
    }

    /// Notes that `client` has written: from now on it gets the packets for its key.
    pub(super) fn wrote(&self, client: &Arc<Client>) {
        if !client.contested.load(Ordering::Relaxed) {
            return;
        }
        let mut clients = self.write();
        let Some(same) = clients.get_mut(&client.key) else { return };
        if let Some(at) = same.iter().position(|other| Arc::ptr_eq(other, client)) {
            let client = same.remove(at);
            same.push(client);
        }
    }

    /// Cuts off every connection of `key`.
    pub(super) fn cut_off(&self, key: &NodeKey) {
        let clients = self.0.read().unwrap_or_else(PoisonError::into_inner);
        clients.get(key).into_iter().flatten().for_each(|client| client.mailbox.close());
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<NodeKey, Vec<Arc<Client>>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mark_contested(same: &[Arc<Client>]) {
    for client in same {
        client.contested.store(same.len() > 1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Timestamp;

    fn realm() -> RealmId {
        RealmId::new(Timestamp::from_millis(1))
    }

    #[test]
    fn a_key_of_another_realm_is_not_here() {
        let (registry, ours, theirs) = (Registry::default(), realm(), realm());
        let client = Client::new(ours, NodeKey([1; 32]));
        registry.join(&client);
        assert!(registry.find(ours, &client.key).is_some());
        assert!(registry.find(theirs, &client.key).is_none());
        assert!(registry.leave(&client) && registry.find(ours, &client.key).is_none());
    }

    #[test]
    fn of_two_connections_the_latest_writer_gets_the_packets() {
        let (registry, realm) = (Registry::default(), realm());
        let (old, new) = (Client::new(realm, NodeKey([1; 32])), Client::new(realm, NodeKey([1; 32])));
        registry.join(&old);
        registry.join(&new);
        assert!(Arc::ptr_eq(&registry.find(realm, &old.key).unwrap(), &new));
        registry.wrote(&old);
        assert!(Arc::ptr_eq(&registry.find(realm, &old.key).unwrap(), &old));
        assert!(!registry.leave(&old));
        assert!(Arc::ptr_eq(&registry.find(realm, &old.key).unwrap(), &new));
    }

    #[test]
    fn duplicates_are_bounded() {
        let (registry, realm) = (Registry::default(), realm());
        let clients: Vec<_> = (0..20).map(|_| Client::new(realm, NodeKey([1; 32]))).collect();
        clients.iter().for_each(|client| registry.join(client));
        let open = |client: &&Arc<Client>| client.mailbox.check(std::task::Waker::noop()).is_ok();
        assert_eq!(clients.iter().filter(open).count(), MAX_DUPLICATES);
    }
}
