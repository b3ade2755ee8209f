//! The relay itself: what all its connections share, and the way of one connection from its first byte.

use async_trait::async_trait;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::connection::{Connection, End};
use super::handshake;
use super::key::RelayKey;
use super::limit::{Limits, Slot, Slots};
use super::registry::{Client, Registry};
use crate::core::id::RealmId;
use crate::core::key::NodeKey;

/// Who may use the relay. It is asked twice a connection, before and after the client can be cut off.
#[async_trait]
pub trait Admission: Send + Sync {
    /// The realm of the node with this key; `None` where this coordinator has no such node, or no longer.
    async fn admit(&self, key: &NodeKey) -> Option<RealmId>;
}

/// A relay. Cheap to clone; clones are the same relay.
#[derive(Clone)]
pub struct Relay(Arc<Core>);

/// What the connections share.
pub(super) struct Core {
    key: RelayKey,
    admission: Arc<dyn Admission>,
    slots: Arc<Slots>,
    pub(super) limits: Limits,
    pub(super) registry: Registry,
    pub(super) counters: Counters,
}

/// What the relay has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connected now.
    pub clients: u64,
    /// Packets put into a client's mailbox, and the bytes in them.
    pub packets: u64,
    pub bytes: u64,
    /// Packets that were not delivered: nobody there, or too slow a reader.
    pub dropped: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    clients: AtomicU64,
    packets: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
}

impl Relay {
    pub fn new(key: RelayKey, admission: Arc<dyn Admission>, limits: Limits) -> Self {
        Relay(Arc::new(Core {
            key,
            admission,
            slots: Slots::new(limits),
            limits,
            registry: Registry::default(),
            counters: Counters::default(),
        }))
    }

    /// The key by which clients know this relay.
    pub fn public_key(&self) -> NodeKey {
        self.0.key.public()
    }

    /// Serves one client until its connection ends. `io` is the connection after the upgrade. The future is
    /// small: `io` goes to the heap at once instead of into each of the futures inside. Whoever drops the
    /// future ends the connection.
    pub fn serve<IO>(&self, io: IO, remote: SocketAddr) -> impl Future<Output = End> + Send + use<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let (core, io) = (Arc::clone(&self.0), Box::new(io));
        async move {
            let end = match core.slots.take(remote.ip()) {
                Some(slot) => core.serve(io, slot).await,
                None => End::Full,
            };
            tracing::debug!(%remote, ?end, "a relay connection ended");
            end
        }
    }

    /// Ends every connection of a node that was removed. Its key is not admitted again because
    /// [`Admission`] no longer knows it: remove it there first.
    pub fn cut_off(&self, key: &NodeKey) {
        self.0.registry.cut_off(key);
    }

    pub fn stats(&self) -> Stats {
        let counters = &self.0.counters;
        Stats {
            clients: counters.clients.load(Ordering::Relaxed),
            packets: counters.packets.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
        }
    }
}

impl Core {
    async fn serve<IO>(self: Arc<Self>, mut io: IO, mut slot: Slot) -> End
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        // What came together with the client's first frame.
        let mut unread = Vec::new();
        let admitted = timeout(self.limits.handshake, self.admit(&mut io, &mut unread)).await;
        let member = match admitted {
            Ok(Ok(member)) => member,
            Ok(Err(end)) => return end,
            Err(_) => return End::TimedOut,
        };
        slot.admitted();
        let client = Arc::clone(&member.client);
        Connection::new(io, Arc::clone(&self), client, unread).run().await
    }

    /// Admits a client in its handshake. It is asked for once more after the client can be found: whoever was
    /// removed between is either refused here or found by [`Relay::cut_off`].
    async fn admit<IO>(self: &Arc<Self>, io: &mut IO, unread: &mut Vec<u8>) -> Result<Member, End>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let key = handshake::greet(io, &self.key, unread).await?;
        let realm = self.admission.admit(&key).await.ok_or(End::NotAdmitted)?;
        let member = Member::join(self, Client::new(realm, key));
        if self.admission.admit(&key).await != Some(realm) {
            return Err(End::NotAdmitted);
        }
        handshake::welcome(io, &self.key, &key).await?;
        Ok(member)
    }
}

/// A client's place in the registry, left when dropped, however its task ends.
struct Member {
    core: Arc<Core>,
    client: Arc<Client>,
}

impl Member {
    fn join(core: &Arc<Core>, client: Arc<Client>) -> Self {
        core.registry.join(&client);
        core.counters.clients.fetch_add(1, Ordering::Relaxed);
        Member { core: Arc::clone(core), client }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.core.registry.leave(&self.client);
        self.core.counters.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counters {
    pub(super) fn add(&self, packets: u64, bytes: u64, dropped: u64) {
        for (counter, count) in [(&self.packets, packets), (&self.bytes, bytes), (&self.dropped, dropped)] {
            if count > 0 {
                counter.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}
