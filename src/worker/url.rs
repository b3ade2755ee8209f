//! Coordinators' URLs: whether two name the same one, and whether it can be reached now. Called by `join`,
//! `leave`, and the command line.

use http::Uri;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::core::{Error, Kind};

/// Whether two URLs name the same coordinator: scheme and host in any case, the default port said or not, a
/// last slash or none. What is no URL is compared as text.
pub fn same_coordinator(one: &str, other: &str) -> bool {
    match (parts(one), parts(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// Whether something accepts connections where `url` points to. The name is looked up in a thread of its own,
/// since the system's resolver has no deadline; it ends when the system's does.
pub fn reachable(url: &str, within: Duration) -> bool {
    let Some((_, host, port, _)) = parts(url) else { return false };
    let host = host.trim_matches(['[', ']']).to_owned();
    let deadline = Instant::now() + within;
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs().into_iter().flatten();
        let open = addresses.take(8).any(|address| {
            let left = deadline.saturating_duration_since(Instant::now());
            !left.is_zero() && TcpStream::connect_timeout(&address, left).is_ok()
        });
        // The one who asked may have gone on without the answer.
        let _ = tell.send(open);
    });
    told.recv_timeout(within).unwrap_or(false)
}

/// The device is logged in to the coordinator at `url`, and another one was meant.
pub(super) fn other_network(url: &str) -> Error {
    let message = format!("this device is logged in to another network, {url}");
    Error::new(Kind::Conflict, "other_network", message).hint("`--force` does it all the same")
}

/// Scheme, host, port, and path without its last slash.
fn parts(url: &str) -> Option<(String, String, u16, String)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let default_port = if scheme == "http" { 80 } else { 443 };
    let host = uri.host()?.to_ascii_lowercase();
    Some((scheme, host, uri.port_u16().unwrap_or(default_port), uri.path().trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn one_coordinator_has_several_spellings() {
        assert!(same_coordinator("https://Mesh.example", "https://mesh.example:443/"));
        assert!(same_coordinator("http://127.0.0.1:80", "http://127.0.0.1/"));
        assert!(!same_coordinator("http://mesh.example", "https://mesh.example"));
        assert!(!same_coordinator("http://127.0.0.1:1", "http://127.0.0.1:2"));
        assert!(!same_coordinator("", "http://127.0.0.1"));
    }

    #[test]
    fn reachable_is_what_accepts_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        assert!(reachable(&url, Duration::from_secs(5)));
        drop(listener);
        assert!(!reachable(&url, Duration::from_secs(5)));
        assert!(!reachable("nonsense", Duration::from_secs(5)));
    }
}
