//! Where calls to providers that were added on a page may go: to the Internet, and into the networks that the settings allow.
//! It stands where names become addresses, and a connection is made to what it let through and to nothing else, so that
//! neither a document, nor a name that leads elsewhere the second time, gets past it. [`super::http`] is the caller.

use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use ureq::Timeout;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::core::network::is_public;

/// How long a name may take where nothing but its addresses is asked for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A resolver that keeps of a name's addresses those that may be called. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate {
    resolver: Arc<DefaultResolver>,
    allowed: Arc<[IpNet]>,
}

impl Gate {
    pub fn new(allowed: &[IpNet]) -> Self {
        Gate { resolver: Arc::default(), allowed: allowed.into() }
    }

    /// Whether the name in `url` leads anywhere that may be called, or nowhere that is known now.
    pub fn is_open(&self, url: &Uri, config: &Config) -> bool {
        let timeout =
            NextTimeout { after: PATIENCE.into(), reason: Timeout::Resolve, ..NextTimeout::default() };
        self.resolve(url, config, timeout).err().is_none_or(|error| !Refused::is(&error))
    }

    fn lets(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.allowed.iter().any(|net| net.contains(&address))
    }
}

impl Resolver for Gate {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        let mut kept = self.empty();
        found.iter().filter(|address| self.lets(address.ip())).for_each(|address| kept.push(*address));
        match kept.is_empty() {
            true => Err(ureq::Error::Other(Box::new(Refused))),
            false => Ok(kept),
        }
    }
}

/// A name leads nowhere but into a network that is not the Internet, and not allowed. Says nothing of what is there.
#[derive(Debug)]
pub struct Refused;

impl Refused {
    pub fn is(error: &ureq::Error) -> bool {
        matches!(error, ureq::Error::Other(other) if other.is::<Refused>())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its address is in a network that providers added on a page may not be in")
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lets_through_the_internet_and_what_is_allowed() {
        let gate = Gate::new(&["192.168.1.0/24".parse().unwrap(), "fd00::5/128".parse().unwrap()]);
        for (address, lets) in [
            ("1.1.1.1", true),
            ("192.168.1.7", true),
            ("::ffff:192.168.1.7", true),
            ("fd00::5", true),
            ("192.168.2.7", false),
            ("fd00::6", false),
            ("127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
        ] {
            assert_eq!(gate.lets(address.parse().unwrap()), lets, "{address}");
        }
    }

    /// Whatever notation the system's resolver takes for an address.
    #[test]
    fn no_notation_of_an_address_gets_past_it() {
        let closed = super::super::http::Http::to_the_internet(&[]);
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
        ] {
            let error = closed.get(&format!("http://{host}:9/"), "hush").unwrap_err();
            assert!(Refused::is(&error), "{host}: {error}");
        }
    }
}
