//! What the devices of every realm are told about names.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::core::{Error, Result};

/// The `[dns]` part of the settings. Domains are lower case and without a dot at the end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Dns {
    /// What every realm's domain is below; `internal` is reserved for such use (ICANN, 2024).
    pub base_domain: String,
    /// Who answers what the mesh does not know: an address, or the URL of DNS over HTTPS. None: the
    /// device's own resolvers.
    pub resolvers: Vec<String>,
    /// Domains tried after a realm's own.
    pub search_domains: Vec<String>,
    /// Who answers for a domain and what is below it.
    pub split: BTreeMap<String, Vec<String>>,
}

impl Default for Dns {
    fn default() -> Self {
        Dns {
            base_domain: "wonder.internal".into(),
            resolvers: Vec::new(),
            search_domains: Vec::new(),
            split: BTreeMap::new(),
        }
    }
}

impl Dns {
    /// The domain of the realm with this label: `alice.wonder.internal`.
    pub fn domain_of(&self, realm_label: &str) -> String {
        format!("{realm_label}.{}", self.base_domain)
    }

    /// Checks every name and address, and writes domains in one way.
    pub(super) fn check(self) -> Result<Dns> {
        let resolvers = |key: &str, list: Vec<String>| {
            list.iter().try_for_each(|resolver| check_resolver(key, resolver)).map(|()| list)
        };
        let split = self.split.into_iter().map(|(name, list)| {
            Ok((domain("dns.split", &name)?, resolvers(&format!("dns.split.{name}"), list)?))
        });
        Ok(Dns {
            base_domain: domain("dns.base-domain", &self.base_domain)?,
            resolvers: resolvers("dns.resolvers", self.resolvers)?,
            search_domains: self
                .search_domains
                .iter()
                .map(|name| domain("dns.search-domains", name))
                .collect::<Result<_>>()?,
            split: split.collect::<Result<_>>()?,
        })
    }
}

fn domain(key: &str, text: &str) -> Result<String> {
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if name.len() <= 200 && name.split('.').all(is_label) {
        return Ok(name);
    }
    Err(Error::usage("malformed_setting", format!("{key}: {text:?} is not a domain"))
        .hint("write it like mesh.example.org"))
}

fn check_resolver(key: &str, text: &str) -> Result<()> {
    let is_address = text.parse::<IpAddr>().is_ok() || text.parse::<SocketAddr>().is_ok();
    let is_url = text.starts_with("https://") && text.len() > 8 && !text.contains(char::is_whitespace);
    if is_address || is_url {
        return Ok(());
    }
    Err(Error::usage("malformed_setting", format!("{key}: {text:?} is not a resolver"))
        .hint("write an address like 192.168.1.1 or [fd00::1]:5353, or the URL of DNS over HTTPS"))
}
