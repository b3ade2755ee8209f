//! What the coordinator's configuration says for all realms alike.

use std::time::Duration;

use crate::config::server::Dns;
use crate::mesh::native::wire::{Debug, DnsConfig, MapHead, Profile, RelayMaps};

/// Settings of every realm of this coordinator.
pub struct Settings {
    pub dns: Dns,
    pub relays: RelayMaps,
    /// How long a device may be away before its peers are told.
    pub offline_grace: Duration,
    /// How long an ephemeral node may be away before it is deleted.
    pub ephemeral_grace: Duration,
}

impl Settings {
    /// `pins`: for clients that check a relay's certificate by its digest.
    pub(super) fn head<'a>(
        &'a self,
        domain: &'a str,
        user_profiles: Vec<Profile>,
        pins: bool,
    ) -> MapHead<'a> {
        MapHead {
            domain,
            dns_config: DnsConfig::new(&self.dns, domain),
            derp_map: self.relays.for_client(pins),
            collect_services: false,
            user_profiles,
            debug: Debug { disable_log_tail: true },
        }
    }
}
