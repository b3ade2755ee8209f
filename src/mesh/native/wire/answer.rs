//! What devices read: `tailcfg.RegisterResponse`, and the parts of `tailcfg.MapResponse` that are no nodes.

use serde::Serialize;
use std::collections::BTreeMap;

use super::profile::Profile;
use crate::config::server::Dns;
use crate::core::node::Node;
use crate::core::policy::Rule;

/// The answer to `POST /machine/register`. A refusal is an answer with `error`, under status 200.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RegisterAnswer {
    pub user: User,
    pub login: Login,
    pub node_key_expired: bool,
    pub machine_authorized: bool,
    #[serde(rename = "AuthURL")]
    pub auth_url: String,
    /// Empty: none. Never left out: the Rust client reads no answer without it.
    pub error: String,
}

/// `tailcfg.User`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct User {
    #[serde(rename = "ID")]
    pub id: i64,
    pub display_name: String,
}

/// `tailcfg.Login`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Login {
    #[serde(rename = "ID")]
    pub id: i64,
    pub provider: String,
    pub login_name: String,
    pub display_name: String,
}

impl RegisterAnswer {
    /// The device is in.
    pub fn authorized(node: &Node) -> Self {
        let Profile { id, login_name, display_name } = Profile::of(node);
        RegisterAnswer {
            user: User { id, display_name: display_name.clone() },
            login: Login { id, provider: "wonder".to_owned(), login_name, display_name },
            machine_authorized: true,
            ..Self::default()
        }
    }

    /// A person has to approve it at this page.
    pub fn waiting(auth_url: String) -> Self {
        RegisterAnswer { auth_url, ..Self::default() }
    }

    /// The node key is over; the device makes a new one.
    pub fn expired() -> Self {
        RegisterAnswer { node_key_expired: true, ..Self::default() }
    }

    pub fn refused(error: String) -> Self {
        RegisterAnswer { error, ..Self::default() }
    }
}

/// The parts of a map that all devices of a realm are told alike.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MapHead<'a> {
    pub domain: &'a str,
    #[serde(rename = "DNSConfig")]
    pub dns_config: DnsConfig,
    #[serde(rename = "DERPMap")]
    pub derp_map: &'a serde_json::value::RawValue,
    pub collect_services: bool,
    pub user_profiles: Vec<Profile>,
    pub debug: Debug,
}

/// `tailcfg.Debug`: no log of the device goes to the vendor.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Debug {
    pub disable_log_tail: bool,
}

/// `tailcfg.DNSConfig`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DnsConfig {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolvers: Vec<Resolver>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<String, Vec<Resolver>>,
    pub domains: Vec<String>,
    /// MagicDNS: the client answers for the names of its map.
    pub proxied: bool,
}

/// `dnstype.Resolver`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resolver {
    pub addr: String,
}

impl DnsConfig {
    pub fn new(settings: &Dns, domain: &str) -> Self {
        let resolvers = |list: &[String]| list.iter().map(|addr| Resolver { addr: addr.clone() }).collect();
        let search = settings.search_domains.iter().cloned();
        DnsConfig {
            resolvers: resolvers(&settings.resolvers),
            routes: settings.split.iter().map(|(suffix, list)| (suffix.clone(), resolvers(list))).collect(),
            domains: std::iter::once(domain.to_owned()).chain(search).collect(),
            proxied: true,
        }
    }
}

/// `tailcfg.FilterRule`, for all ports and for TCP, UDP and ICMP.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FilterRule<'a> {
    #[serde(rename = "SrcIPs")]
    sources: &'a [String],
    #[serde(rename = "DstPorts")]
    destinations: Vec<Destination<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Destination<'a> {
    #[serde(rename = "IP")]
    ip: &'a str,
    ports: Ports,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ports {
    first: u16,
    last: u16,
}

impl<'a> FilterRule<'a> {
    fn new(rule: &'a Rule) -> Self {
        let destination = |ip: &'a String| Destination { ip, ports: Ports { first: 0, last: u16::MAX } };
        FilterRule {
            sources: &rule.sources,
            destinations: rule.destinations.iter().map(destination).collect(),
        }
    }
}

/// The rules in the protocol's form.
pub fn filters(rules: &[Rule]) -> Vec<FilterRule<'_>> {
    rules.iter().map(FilterRule::new).collect()
}
