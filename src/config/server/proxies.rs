//! Which proxies stand before the coordinator, and how they say for whom they call.

use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;

use super::network;
use crate::core::Result;

/// The proxies that are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    pub trusted: Vec<IpNet>,
    pub header: ProxyHeader,
}

/// The one header that is read. A proxy that writes one of them may hand on what its caller wrote into the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl ProxyHeader {
    pub const fn name(self) -> &'static str {
        match self {
            ProxyHeader::XForwardedFor => "x-forwarded-for",
            ProxyHeader::Forwarded => "forwarded",
        }
    }
}

impl Proxies {
    /// Networks in CIDR notation, or single addresses.
    pub(super) fn read(trusted: &[String], header: ProxyHeader) -> Result<Proxies> {
        Ok(Proxies { trusted: network::read("trusted-proxies", trusted)?, header })
    }

    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&address))
    }
}
