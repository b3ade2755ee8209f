//! Name resolution inside a realm: its domain, the resolvers that its devices use, and split DNS.

use std::collections::BTreeMap;

/// What the coordinator's configuration says for all realms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DnsSettings {
    /// The domain under which each realm has a label of its own, without dots at the ends.
    pub base_domain: String,
    /// Resolvers for everything; empty: devices keep their own. An address, or a URL for DNS over HTTPS.
    pub resolvers: Vec<String>,
    /// Resolvers for names under a suffix.
    pub split: BTreeMap<String, Vec<String>>,
    /// Suffixes to try after the realm's own.
    pub search_domains: Vec<String>,
}

impl DnsSettings {
    /// The domain of the realm with this label: `alice.wonder.internal`.
    pub fn domain_of(&self, realm_label: &str) -> String {
        format!("{realm_label}.{}", self.base_domain)
    }
}
