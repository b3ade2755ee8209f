//! What the coordinator's configuration says for all realms alike.

use serde_json::value::RawValue;
use std::time::Duration;

use crate::config::server::Dns;
use crate::mesh::native::wire::{Debug, DnsConfig, MapHead, Profile};

/// Settings of every realm of this coordinator.
pub struct Settings {
    pub dns: Dns,
    /// The relays (`tailcfg.DERPMap`), as JSON.
    pub relays: Box<RawValue>,
    /// How long a device may be away before its peers are told.
    pub offline_grace: Duration,
    /// How long an ephemeral node may be away before it is deleted.
    pub ephemeral_grace: Duration,
}

impl Settings {
    pub(super) fn head<'a>(&'a self, domain: &'a str, user_profiles: Vec<Profile>) -> MapHead<'a> {
        MapHead {
            domain,
            dns_config: DnsConfig::new(&self.dns, domain),
            derp_map: &self.relays,
            collect_services: false,
            user_profiles,
            debug: Debug { disable_log_tail: true },
        }
    }
}
