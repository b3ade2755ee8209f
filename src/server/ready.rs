//! What the coordinator says when it is ready: one line, for a person or a script.

use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::core::secret::Secret;
use crate::core::url::BaseUrl;
use crate::core::{Error, Result};

/// Where the coordinator is to be found. Prints as `listening on URL`; serialises as the `--json` form.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// The URL that devices use.
    pub url: BaseUrl,
    /// The address that it is really bound to.
    pub listen: SocketAddr,
    /// Where the relay listens; `null` without one.
    pub derp: Option<SocketAddr>,
    /// Where STUN listens, on UDP; `null` without it.
    pub stun: Option<SocketAddr>,
    /// Where Prometheus finds the metrics; left out where it finds none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
    pub pid: u32,
    /// What makes the first account of a coordinator that has none. For people, on stderr.
    #[serde(skip)]
    pub setup_code: Option<Secret>,
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listening on {}", self.url)
    }
}

/// The URL of a coordinator that was not told one: the address it is bound to, and for "every address" the
/// one that this host is reached by.
pub fn url_of(bound: SocketAddr, tls: bool) -> Result<BaseUrl> {
    let ip = if bound.ip().is_unspecified() { own_address() } else { bound.ip() };
    let scheme = if tls { "https" } else { "http" };
    let url = format!("{scheme}://{}", SocketAddr::new(ip.to_canonical(), bound.port()));
    url.parse().map_err(|e: Error| {
        Error::usage("no_url", "the address that the coordinator is bound to makes no URL")
            .hint("name the URL with --url")
            .source(e)
    })
}

/// The address from which this host would call others; loopback on a host that has no network. A UDP socket
/// that is connected learns it, without sending anything (192.0.2.1: RFC 5737, 2001:db8::1: RFC 3849).
fn own_address() -> IpAddr {
    own_v4().or_else(own_v6).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// This host's IPv4 address towards others.
pub fn own_v4() -> Option<IpAddr> {
    towards("0.0.0.0:0", "192.0.2.1:9")
}

/// This host's IPv6 address towards others.
pub fn own_v6() -> Option<IpAddr> {
    towards("[::]:0", "[2001:db8::1]:9")
}

/// The loopback address of IPv6, on a host that has one.
pub fn loopback_v6() -> Option<IpAddr> {
    towards("[::1]:0", "[::1]:9")
}

fn towards(bind: &str, to: &str) -> Option<IpAddr> {
    let socket = UdpSocket::bind(bind).ok()?;
    socket.connect(to).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_the_address_that_is_bound() {
        let url = url_of("127.0.0.1:8080".parse().unwrap(), false).unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1:8080");
        let url = url_of("[::ffff:10.0.0.1]:443".parse().unwrap(), true).unwrap();
        assert_eq!(url.as_str(), "https://10.0.0.1:443");
        let everywhere = url_of("[::]:8080".parse().unwrap(), false).unwrap();
        assert!(!everywhere.host().parse::<IpAddr>().unwrap().is_unspecified(), "{everywhere}");
    }

    #[test]
    fn the_json_form_is_that_of_the_contract() {
        let listen = "127.0.0.1:8080".parse().unwrap();
        let ready = Ready {
            url: url_of(listen, false).unwrap(),
            listen,
            derp: None,
            stun: None,
            metrics: None,
            pid: 7,
            setup_code: None,
        };
        assert_eq!(ready.to_string(), "listening on http://127.0.0.1:8080");
        let json = serde_json::to_value(&ready).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "url": "http://127.0.0.1:8080", "listen": "127.0.0.1:8080", "derp": null, "stun": null, "pid": 7
            })
        );
    }
}
