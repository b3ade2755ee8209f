//! An internet of a test's own: a coordinator in the middle, and hosts around it, each in a network of its own
//! behind a router that is the coordinator's host. On IPv4 and IPv6.

use std::net::SocketAddr;

use super::coordinator::Coordinator;
use super::netns::NetNs;
use super::tailscaled::{Options, Tailscaled};
use super::wonder::Wonder;

pub const PASSWORD: &str = "a long enough password";

/// The middle. Hosts are made first, and dropped last.
pub struct Internet {
    pub coordinator: Coordinator,
    pub core: NetNs,
    /// Where the default route of the middle leads to: nobody is there.
    _beyond: NetNs,
}

/// A person who is logged in, from a shell on the coordinator's host.
pub struct Person {
    pub wonder: Wonder,
}

impl Internet {
    /// `hosts` are linked to the middle; with `routed` they reach each other by it, else it alone.
    pub fn around(hosts: &[&NetNs], routed: bool, args: &[&str]) -> Internet {
        let (core, beyond) = (NetNs::new(), NetNs::new());
        core.link("10.77.0.1/30,fd77::1/64", &beyond, "10.77.0.2/30,fd77::2/64");
        core.default_route("10.77.0.2");
        core.ip(&["-6", "route", "add", "default", "via", "fd77::2"]);
        for (i, host) in hosts.iter().enumerate().map(|(i, host)| (i + 1, host)) {
            let own = format!("10.77.{i}.2/30,fd77:{i}::2/64");
            host.link(&own, &core, &format!("10.77.{i}.1/30,fd77:{i}::1/64"));
            host.default_route(&format!("10.77.{i}.1"));
            host.ip(&["-6", "route", "add", "default", "via", &format!("fd77:{i}::1")]);
            // The coordinator answers datagrams from the address that they were sent to.
            let (v4, v6) = (format!("10.77.{i}.2"), format!("fd77:{i}::2"));
            core.ip(&["route", "add", &format!("{v4}/32"), "via", &v4, "src", "10.77.0.1"]);
            core.ip(&["-6", "route", "add", &format!("{v6}/128"), "via", &v6, "src", "fd77::1"]);
        }
        if routed {
            core.forward();
        }
        let ports = ["--derp-listen", "[::]:0", "--stun-listen", "[::]:0"];
        let options = Coordinator::options().inside(&core, "[::]:0").args(&ports).args(args);
        Internet { coordinator: options.start(), core, _beyond: beyond }
    }

    pub fn url(&self) -> &str {
        self.coordinator.url()
    }

    /// STUN, by the middle's addresses: IPv4, then IPv6.
    pub fn stun(&self) -> [SocketAddr; 2] {
        let bound: SocketAddr = self.coordinator.ready["stun"].as_str().unwrap().parse().unwrap();
        ["10.77.0.1", "fd77::1"].map(|ip| SocketAddr::new(ip.parse().unwrap(), bound.port()))
    }

    /// Makes an account and logs in.
    pub fn person(&self, email: &str) -> Person {
        let made = self.coordinator.admin(&["user", "create", email, "--password-stdin"], PASSWORD);
        assert_eq!(made.code, 0, "{made:?}");
        let wonder = Wonder::new().inside(&self.core);
        let login = ["login", self.url(), "--email", email, "--password-stdin"];
        wonder.json_with(&login, PASSWORD);
        Person { wonder }
    }

    /// Starts a daemon, joins it to the person's realm and waits until it is there.
    pub fn join(&self, person: &Person, daemon: Options<'_>, hostname: &str) -> Tailscaled {
        let daemon = daemon.start();
        daemon.up(self.url(), &person.auth_key(), hostname, &[]);
        daemon
    }
}

impl Person {
    /// The auth key of a new join token.
    pub fn auth_key(&self) -> String {
        self.wonder.json(&["token", "create"])["auth_key"].as_str().unwrap().to_owned()
    }
}
