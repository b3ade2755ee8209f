//! The URL of a coordinator: `http` or `https`, a host, perhaps a port, and nothing after it (clients ask
//! `/ts2021` at the root of the host whatever the path of their login server).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use super::{Error, Result};

/// `http://192.168.1.10:8080`, `https://mesh.example.org`: lower case, without a slash at the end.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(String);

/// The longest that is accepted, in bytes: its length fits one byte of a join token.
const LONGEST: usize = 255;

impl BaseUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The host: a name, or an address without its brackets.
    pub fn host(&self) -> &str {
        let (host, _) = split_authority(self.authority());
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, given or the scheme's own.
    pub fn port(&self) -> u16 {
        let given = split_authority(self.authority()).1.and_then(|port| port.parse().ok());
        given.unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Whether an unmodified client keeps to this URL. It leaves plain `http` for `https` on port 443 unless
    /// the host is `localhost`, or an address that is loopback or private (Go client, `control/controlhttp`).
    pub fn is_dependable(&self) -> bool {
        self.is_https() || self.host() == "localhost" || self.host().parse().is_ok_and(is_private)
    }

    fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, rest)| rest)
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

/// Host (an IPv6 address with its brackets), and what follows the colon.
fn split_authority(authority: &str) -> (&str, Option<&str>) {
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority[after_host..].find(':') {
        Some(colon) => (&authority[..after_host + colon], Some(&authority[after_host + colon + 1..])),
        None => (authority, None),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        let edges = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len())
            && edges
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    host.len() <= 253 && host.split('.').all(label)
}

impl FromStr for BaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            let shown: String = text.chars().take(80).collect();
            Error::usage("malformed_url", format!("{shown:?} is not the URL of a coordinator"))
                .hint("write it like http://192.168.1.10:8080 or https://mesh.example.org, without a path")
        };
        let url = text.trim_end_matches('/').to_ascii_lowercase();
        let authority = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let (host, port) = split_authority(authority.ok_or_else(malformed)?);
        let port_is_good = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        if text.len() > LONGEST || !is_host(host) || !port_is_good {
            return Err(malformed());
        }
        Ok(BaseUrl(url))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for BaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for BaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Everything but the unreserved characters, and those of `kept`, as `%XX` (RFC 3986 section 2).
pub fn encode(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> BaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_and_ports_are_read() {
        for (text, host, port) in [
            ("http://192.168.1.10:8080", "192.168.1.10", 8080),
            ("HTTPS://Mesh.Example.org/", "mesh.example.org", 443),
            ("http://[fd00::1]:81", "fd00::1", 81),
            ("http://[::1]", "::1", 80),
        ] {
            assert_eq!((url(text).host(), url(text).port()), (host, port));
        }
        assert_eq!(url("HTTPS://Mesh.Example.org/").as_str(), "https://mesh.example.org");
    }

    #[test]
    fn what_is_not_a_coordinator_is_refused() {
        for text in [
            "",
            "mesh.example.org",
            "ftp://mesh",
            "http://",
            "http://a b",
            "http://mesh/path",
            "http://u:p@mesh",
            "http://mesh:0",
            "http://mesh:99999",
            "http://mesh?x",
            "http://[::1",
            "http://::1",
            "http://-x",
        ] {
            assert_eq!(text.parse::<BaseUrl>().map_err(|e| e.code().to_owned()), Err("malformed_url".into()));
        }
    }

    #[test]
    fn plain_http_is_dependable_at_home_only() {
        for good in ["http://localhost:1", "http://10.1.1.1", "http://[::1]:8", "https://mesh.example.org"] {
            assert!(url(good).is_dependable(), "{good}");
        }
        for bad in ["http://mesh.example.org", "http://203.0.113.1:80", "http://pi.local"] {
            assert!(!url(bad).is_dependable(), "{bad}");
        }
    }
}
