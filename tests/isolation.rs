//! Two organizations on one coordinator: inside each, everything flows; from one to the other, nothing does, at
//! whatever floor one tries. The realms have the same addresses.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::dns;
use common::internet::{Internet, Person};
use common::netns::NetNs;
use common::tailscaled::Tailscaled;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a device has for what must work.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it has for what must not: a connection inside takes milliseconds.
const IN_VAIN: Duration = Duration::from_secs(3);
/// Where services listen on the mesh.
const PORT: u16 = 7007;
/// Where MagicDNS answers on every device.
const MAGIC_DNS: (Ipv4Addr, u16) = (Ipv4Addr::new(100, 100, 100, 100), 53);

/// Three devices of Ada's and two of Bob's, on TUN devices. The hosts reach each other below the mesh.
struct Stage<'a> {
    ada: [Device<'a>; 3],
    bob: [Device<'a>; 2],
}

struct Device<'a> {
    daemon: Tailscaled,
    host: &'a NetNs,
}

impl<'a> Stage<'a> {
    fn new(internet: &Internet, ada: &Person, bob: &Person, hosts: &'a [NetNs; 5]) -> Stage<'a> {
        let join = |person, host: &'a NetNs, name| {
            let daemon = internet.join(person, Tailscaled::options().tun(host), name);
            Device { daemon, host }
        };
        let [a, b, c, d, e] = hosts;
        Stage {
            ada: [join(ada, a, "left"), join(ada, b, "right"), join(ada, c, "third")],
            bob: [join(bob, d, "left"), join(bob, e, "other")],
        }
    }
}

impl Device<'_> {
    /// `ping` of an address or name, by the system's own resolver.
    fn pings(&self, target: &str) -> bool {
        let ping = self.daemon.command("ping").args(["-c1", "-W2", target]).output().unwrap();
        ping.status.success()
    }

    /// What the service at this address of the mesh says; `None` if there is no way to it.
    fn hears(&self, address: &str, within: Duration) -> Option<String> {
        let to = SocketAddr::new(address.parse().unwrap(), PORT);
        self.host.enter(|| {
            let mut stream = TcpStream::connect_timeout(&to, within).ok()?;
            stream.set_read_timeout(Some(within)).unwrap();
            let mut heard = String::new();
            stream.read_to_string(&mut heard).ok().map(|_| heard)
        })
    }

    /// A service that says `word` to whoever connects, on every address.
    fn says(&self, word: &'static str) {
        let listener = self.host.enter(|| TcpListener::bind(("::", PORT)).unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = stream.unwrap().write_all(word.as_bytes());
            }
        });
    }

    /// What MagicDNS answers to a question for `name`.
    fn asks(&self, kind: u16, name: &str) -> dns::Answer {
        self.host.enter(|| {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.send_to(&dns::question(kind, name), MAGIC_DNS).unwrap();
            let mut answer = [0; 512];
            let length = socket.recv(&mut answer).expect("MagicDNS answers");
            dns::Answer::read(&answer[..length])
        })
    }

    fn peers(&self) -> Vec<String> {
        let status = self.daemon.status_json();
        let peers = status["Peer"].as_object().into_iter().flat_map(|peers| peers.values());
        let mut names: Vec<_> = peers.map(|peer| peer["DNSName"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// Both addresses on the mesh: IPv4, then IPv6.
    fn addresses(&self) -> [String; 2] {
        let status = self.daemon.status_json();
        [0, 1].map(|i| status["TailscaleIPs"][i].as_str().unwrap().to_owned())
    }
}

/// A resolver of the internet, which knows no name. It remembers what it was asked.
fn resolver_that_knows_nothing(internet: &Internet) -> Arc<Mutex<Vec<String>>> {
    let socket = internet.core.enter(|| UdpSocket::bind("0.0.0.0:53").unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let remember = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            remember.lock().unwrap().push(dns::name_asked(&packet[..length]));
            let _ = socket.send_to(&dns::no_such_name(&packet[..length]), from);
        }
    });
    asked
}

#[test]
fn icmp_tcp_and_names_flow_inside_each_organization_and_nothing_crosses() {
    let hosts = [(); 5].map(|()| NetNs::new());
    let settings = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&settings, "[dns]\nresolvers = ['10.77.0.1']").unwrap();
    let args = ["--config", settings.path().to_str().unwrap()];
    let internet = Internet::around(&hosts.each_ref(), true, &args);
    let asked = resolver_that_knows_nothing(&internet);
    let (ada, bob) = (internet.person("ada@example.org"), internet.person("bob@example.org"));
    let stage = Stage::new(&internet, &ada, &bob, &hosts);
    the_map_names_the_own_realm_alone(&stage);
    the_same_address_is_another_device_in_each_realm(&stage);
    an_address_of_the_other_realm_leads_nowhere(&stage);
    names_are_known_in_their_own_realm_alone(&stage, &asked);
}

fn the_map_names_the_own_realm_alone(stage: &Stage<'_>) {
    let ([left, right, third], [bobs, other]) = (&stage.ada, &stage.bob);
    let full = |names: &[&str], realm: &str| -> Vec<String> {
        names.iter().map(|name| format!("{name}.{realm}.wonder.internal.")).collect()
    };
    assert_eq!(left.peers(), full(&["right", "third"], "ada"));
    assert_eq!(right.peers(), full(&["left", "third"], "ada"));
    assert_eq!(third.peers(), full(&["left", "right"], "ada"));
    assert_eq!(bobs.peers(), full(&["other"], "bob"));
    assert_eq!(other.peers(), full(&["left"], "bob"));
    assert_eq!((left.addresses(), right.addresses()), (bobs.addresses(), other.addresses()));
}

fn the_same_address_is_another_device_in_each_realm(stage: &Stage<'_>) {
    let ([left, right, _], [bobs, other]) = (&stage.ada, &stage.bob);
    right.says("Ada's");
    other.says("Bob's");
    for address in right.addresses() {
        assert!(left.pings(&address) && bobs.pings(&address), "{address}");
        assert_eq!(left.hears(&address, PATIENCE).as_deref(), Some("Ada's"));
        assert_eq!(bobs.hears(&address, PATIENCE).as_deref(), Some("Bob's"));
    }
    assert!(left.pings("right") && bobs.pings("other"));
}

/// Ada's third device has an address that nobody has in Bob's realm. The hosts themselves reach each other.
fn an_address_of_the_other_realm_leads_nowhere(stage: &Stage<'_>) {
    let ([left, _, third], [bobs, _]) = (&stage.ada, &stage.bob);
    third.says("Ada's third");
    assert_eq!(bobs.hears("10.77.3.2", PATIENCE).as_deref(), Some("Ada's third"), "below the mesh");
    for address in third.addresses() {
        assert!(left.pings(&address) && !bobs.pings(&address), "{address}");
        assert_eq!(left.hears(&address, PATIENCE).as_deref(), Some("Ada's third"));
        assert_eq!(bobs.hears(&address, IN_VAIN), None);
    }
    assert!(left.daemon.ping(&third.addresses()[0]).is_ok());
    let refused = bobs.daemon.ping(&third.addresses()[0]).unwrap_err();
    assert!(refused.contains("no matching peer"), "{refused}");
}

fn names_are_known_in_their_own_realm_alone(stage: &Stage<'_>, asked: &Mutex<Vec<String>>) {
    let ([left, right, third], [bobs, _]) = (&stage.ada, &stage.bob);
    let address = |device: &Device<'_>| vec![device.addresses()[0].clone()];
    for (asker, name, found) in [
        (left, "right.ada.wonder.internal", right),
        (left, "left.ada.wonder.internal", left),
        (bobs, "left.bob.wonder.internal", bobs),
        (right, "third.ada.wonder.internal", third),
    ] {
        let answer = asker.asks(dns::A, name);
        assert_eq!((answer.code, answer.found), (dns::FOUND, address(found)), "{name}");
    }
    for (asker, name) in [
        (left, "other.bob.wonder.internal"),
        (left, "left.bob.wonder.internal"),
        (left, "other.ada.wonder.internal"),
        (left, "other"),
        (bobs, "third.ada.wonder.internal"),
        (bobs, "third"),
    ] {
        let answer = asker.asks(dns::A, name);
        assert_eq!((answer.code, answer.found.len()), (dns::NO_SUCH_NAME, 0), "{name}");
    }
    let of_the_other_realm = asked.lock().unwrap().iter().any(|name| name == "third.ada.wonder.internal");
    assert!(of_the_other_realm, "for Bob's devices it is a name of the internet");
    let reverse = "2.0.64.100.in-addr.arpa";
    assert_eq!(left.asks(dns::PTR, reverse).found, ["right.ada.wonder.internal"]);
    assert_eq!(bobs.asks(dns::PTR, reverse).found, ["other.bob.wonder.internal"]);
    assert_eq!(bobs.asks(dns::PTR, "3.0.64.100.in-addr.arpa").found, [] as [&str; 0]);
}
