//! The built-in relay and STUN, from settings to sockets, and how devices are told of them.

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::UdpSocket;

use super::listen::{self, Limits, Listener};
use super::ready;
use crate::config::server;
use crate::core::url::BaseUrl;
use crate::core::{Error, Result};
use crate::mesh::native::derp::Certificate;
use crate::mesh::native::stun;
use crate::mesh::native::wire::RelayNode;

/// The sockets of a relay.
pub struct Bound {
    /// `None`: on the coordinator's own port, which has TLS.
    pub listener: Option<Listener>,
    /// Where the relay listens, wherever that is.
    pub derp: SocketAddr,
    pub stun: stun::Socket,
    pub stun_address: SocketAddr,
}

/// Binds what the settings ask for. `own`: where the coordinator itself listens.
pub fn bind(settings: &server::Relay, own: SocketAddr, limits: Limits) -> Result<Bound> {
    let listener = settings.listen.map(|at| Listener::bind("--derp-listen", at, limits)).transpose()?;
    let derp = listener.as_ref().map_or(Ok(own), Listener::address)?;
    let stun = bind_udp(settings.stun)?;
    let stun_address = stun.address().map_err(|e| Error::bug("a bound socket has no address").source(e))?;
    Ok(Bound { listener, derp, stun, stun_address })
}

fn bind_udp(address: SocketAddr) -> Result<stun::Socket> {
    let bound = match try_bind_udp(address) {
        Err(_) if address.ip().is_unspecified() && address.is_ipv6() => {
            try_bind_udp((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        other => other,
    };
    bound.map_err(|e| listen::refused("--stun-listen", address, e))
}

/// `[::]` takes IPv4 as well.
fn try_bind_udp(address: SocketAddr) -> io::Result<stun::Socket> {
    let socket = RawSocket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    stun::Socket::new(UdpSocket::from_std(socket.into())?)
}

impl Bound {
    /// How devices find the relay, and trust it: by `pinned` where it has a certificate of its own.
    pub fn describe(&self, url: &BaseUrl, pinned: Option<&Certificate>) -> Result<RelayNode> {
        let cert_name =
            pinned.map(|c| c.sha256_raw().map(|hash| format!("sha256-raw:{hash}"))).transpose()?;
        let (ipv4, ipv6) = addresses(url.host(), self.derp.ip());
        Ok(RelayNode {
            host_name: url.host().to_owned(),
            cert_name,
            ipv4,
            ipv6,
            derp_port: self.derp.port(),
            stun_port: self.stun_address.port(),
            insecure: false,
        })
    }
}

/// The addresses to tell for a host that the relay listens for on `bound`; a family that cannot be reached
/// is `none`. A name is for clients to resolve.
fn addresses(host: &str, bound: IpAddr) -> (Option<String>, Option<String>) {
    let Ok(host) = host.parse::<IpAddr>() else { return (None, None) };
    let everywhere = bound.is_unspecified();
    let other = |own: Option<IpAddr>| {
        own.filter(|_| everywhere).map_or_else(|| "none".to_owned(), |ip| ip.to_string())
    };
    match host {
        IpAddr::V4(v4) => {
            let v6 = if v4.is_loopback() { ready::loopback_v6() } else { ready::own_v6() };
            (Some(v4.to_string()), Some(other(v6.filter(|_| bound.is_ipv6()))))
        }
        IpAddr::V6(v6) => {
            let v4 = if v6.is_loopback() { Some(Ipv4Addr::LOCALHOST.into()) } else { ready::own_v4() };
            (Some(other(v4)), Some(v6.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_that_is_not_listened_on_is_none() {
        let told = |host, bound: &str| addresses(host, bound.parse().unwrap());
        let text = |s: &str| Some(s.to_owned());
        assert_eq!(told("127.0.0.1", "127.0.0.1"), (text("127.0.0.1"), text("none")));
        assert_eq!(told("::1", "::1"), (text("none"), text("::1")));
        assert_eq!(told("mesh.example.org", "::"), (None, None));
        assert_eq!(told("10.0.0.1", "0.0.0.0").1, text("none"));
    }
}
