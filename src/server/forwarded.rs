//! Who calls when a proxy stands before: the address that a trusted proxy names counts as the caller's, for
//! limits, audit and log alike. From anybody else the header is not looked at.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::request::Peer;
use crate::config::server::{Proxies, ProxyHeader};

/// Puts the reading of the proxies' header around all routes.
pub fn read(proxies: Proxies, routes: Router) -> Router {
    match proxies.trusted.is_empty() {
        true => routes,
        false => routes.layer(from_fn_with_state(Arc::new(proxies), look)),
    }
}

async fn look(State(proxies): State<Arc<Proxies>>, mut request: Request, next: Next) -> Response {
    if let Some(Peer(address)) = request.extensions().get::<Peer>().copied() {
        let caller = caller(&proxies, address, request.headers());
        request.extensions_mut().insert(Peer(caller));
    }
    next.run(request).await
}

/// The caller: read from right to left, the first address that is no trusted proxy's. What stands left of it was written
/// by who knows whom. Where an entry is no address, the last proxy counts as the caller.
fn caller(proxies: &Proxies, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut caller = peer;
    let mut entries = entries(proxies.header, headers);
    while proxies.trusts(caller) {
        match entries.pop().and_then(|entry| address(&entry)) {
            Some(before) => caller = before,
            None => break,
        }
    }
    caller
}

/// What the proxies wrote, in the order in which the request passed them.
fn entries(header: ProxyHeader, headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header.name()).iter().filter_map(|value| value.to_str().ok());
    let parts = values.flat_map(|value| value.split(',')).map(str::trim);
    match header {
        ProxyHeader::XForwardedFor => parts.map(str::to_owned).collect(),
        ProxyHeader::Forwarded => parts.map(|part| forwarded_for(part).unwrap_or_default()).collect(),
    }
}

/// The `for` of one element of `Forwarded` (RFC 7239 section 4).
fn forwarded_for(element: &str) -> Option<String> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut named = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for"));
    named.next().map(|(_, value)| value.trim_matches('"').to_owned())
}

/// An address, with or without a port; IPv6 with a port in brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse::<IpAddr>().ok().or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proxies(header: ProxyHeader) -> Proxies {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        Proxies { trusted: trusted.to_vec(), header }
    }

    fn seen(peer: &str, name: &'static str, lines: &[&str]) -> String {
        let header = if name == "forwarded" { ProxyHeader::Forwarded } else { ProxyHeader::XForwardedFor };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        caller(&proxies(header), peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn what_somebody_else_says_counts_for_nothing() {
        assert_eq!(seen("192.0.2.1", "x-forwarded-for", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", "forwarded-for", &["198.51.100.7"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", "x-forwarded-for", &[]), "10.0.0.1");
    }

    #[test]
    fn the_first_from_the_right_that_is_no_proxy_is_the_caller() {
        let forged = "127.0.0.1, 203.0.113.9, 198.51.100.7";
        assert_eq!(seen("10.0.0.1", "x-forwarded-for", &[forged]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", "x-forwarded-for", &[forged, "10.9.9.9"]), "198.51.100.7");
        assert_eq!(seen("fd00::1", "x-forwarded-for", &["[2001:db8::7]:4711,10.0.0.2:80"]), "2001:db8::7");
        assert_eq!(seen("10.0.0.1", "x-forwarded-for", &["198.51.100.7, unknown, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn forwarded_is_read_as_its_rfc_writes_it() {
        let line = "for=192.0.2.60;proto=http;by=203.0.113.43, For=\"[2001:db8:cafe::17]:4711\"";
        assert_eq!(seen("10.0.0.1", "forwarded", &[line]), "2001:db8:cafe::17");
        assert_eq!(seen("10.0.0.1", "forwarded", &["for=198.51.100.7, by=10.0.0.2"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", "forwarded", &["for=_hidden"]), "10.0.0.1");
    }

    proptest! {
        #[test]
        fn whatever_is_written_there_only_what_a_proxy_saw_counts(said in "[ -~]{0,60}") {
            let line = format!("{said}, 198.51.100.7");
            prop_assert_eq!(seen("10.0.0.1", "x-forwarded-for", &[&line]), "198.51.100.7");
            prop_assert_eq!(seen("192.0.2.1", "x-forwarded-for", &[&line]), "192.0.2.1");
        }
    }
}
