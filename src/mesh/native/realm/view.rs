//! What others have been told of a node, so that only what changed is told again, and as briefly as the
//! protocol allows.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use crate::core::Timestamp;
use crate::core::key::DiscoKey;
use crate::mesh::native::wire::{PeerNode, PeerPatch};
use std::net::SocketAddr;

/// What the peers of a node know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// A digest of all that only a whole node can say.
    rest: u64,
    disco_key: DiscoKey,
    endpoints: Vec<SocketAddr>,
    home_relay: u16,
    capability: u16,
    online: bool,
    last_seen: Option<Timestamp>,
    key_expiry: Option<Timestamp>,
}

/// How to bring a peer's knowledge up to date.
#[derive(Debug, PartialEq)]
pub enum Change {
    Nothing,
    /// Single fields (`PeersChangedPatch`).
    Patch(PeerPatch),
    /// The node anew (`PeersChanged`).
    Whole,
}

impl Told {
    pub fn new(peer: PeerNode<'_>) -> Self {
        let parts = peer.changeable();
        let rest = digest(&peer.without_changeable());
        Told {
            rest,
            disco_key: parts.disco_key,
            endpoints: parts.endpoints.to_vec(),
            home_relay: parts.home_relay,
            capability: parts.capability,
            online: parts.online,
            last_seen: parts.last_seen,
            key_expiry: parts.key_expiry,
        }
    }

    /// What has to be said to somebody who knows `self` so that he knows `now`.
    pub fn change_to(&self, now: &Told, number: i64) -> Change {
        if self == now {
            return Change::Nothing;
        }
        let unsayable = self.rest != now.rest
            || (self.disco_key != now.disco_key && now.disco_key.is_zero())
            || (self.endpoints != now.endpoints && now.endpoints.is_empty())
            || (self.home_relay != now.home_relay && now.home_relay == 0)
            || (self.key_expiry != now.key_expiry && now.key_expiry.is_none());
        if unsayable { Change::Whole } else { Change::Patch(self.patch_to(now, number)) }
    }

    fn patch_to(&self, now: &Told, node_id: i64) -> PeerPatch {
        PeerPatch {
            node_id,
            derp_region: if self.home_relay == now.home_relay { 0 } else { now.home_relay },
            cap: if self.capability == now.capability { 0 } else { now.capability },
            endpoints: if self.endpoints == now.endpoints { Vec::new() } else { now.endpoints.clone() },
            disco_key: (self.disco_key != now.disco_key).then_some(now.disco_key),
            online: (self.online != now.online).then_some(now.online),
            last_seen: now.last_seen.filter(|seen| self.last_seen != Some(*seen)),
            key_expiry: now.key_expiry.filter(|expiry| self.key_expiry != Some(*expiry)),
        }
    }
}

/// A digest of a JSON text; equal texts have equal digests.
pub fn digest(json: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    hasher.finish()
}
