//! Two organizations on one coordinator: inside each, everything flows; from one to the other, nothing does, at
//! whatever floor one tries. The realms have the same addresses.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use crate::common;

use common::dns;
use common::internet::{Internet, Person};
use common::netns::NetNs;
use common::tailscaled::Tailscaled;
use common::tun::{Device, IN_VAIN, PATIENCE};
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};

/// Three devices of Ada's and two of Bob's, on TUN devices. The hosts reach each other below the mesh.
struct Stage<'a> {
    ada: [Device<'a>; 3],
    bob: [Device<'a>; 2],
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

/// The full names of the peers that a device knows.
fn peers(device: &Device<'_>) -> Vec<String> {
    let status = device.daemon.status_json();
    let peers = status["Peer"].as_object().into_iter().flat_map(|peers| peers.values());
    let mut names: Vec<_> = peers.map(|peer| peer["DNSName"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
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
    for (device, names, realm) in [
        (left, &["right", "third"][..], "ada"),
        (right, &["left", "third"], "ada"),
        (third, &["left", "right"], "ada"),
        (bobs, &["other"], "bob"),
        (other, &["left"], "bob"),
    ] {
        let all = full(names, realm);
        device.daemon.wait_until(&format!("it knows {all:?} alone"), PATIENCE, |_| peers(device) == all);
    }
    assert_eq!((left.addresses(), right.addresses()), (bobs.addresses(), other.addresses()));
}

fn the_same_address_is_another_device_in_each_realm(stage: &Stage<'_>) {
    let ([left, right, _], [bobs, other]) = (&stage.ada, &stage.bob);
    right.says("Ada's");
    other.says("Bob's");
    for address in right.addresses() {
        left.reaches(&address);
        bobs.reaches(&address);
        assert_eq!(left.hears(&address, PATIENCE).as_deref(), Some("Ada's"));
        assert_eq!(bobs.hears(&address, PATIENCE).as_deref(), Some("Bob's"));
    }
    left.reaches("right");
    bobs.reaches("other");
}

/// Ada's third device has an address that nobody has in Bob's realm. The hosts themselves reach each other.
fn an_address_of_the_other_realm_leads_nowhere(stage: &Stage<'_>) {
    let ([left, _, third], [bobs, _]) = (&stage.ada, &stage.bob);
    third.says("Ada's third");
    assert_eq!(bobs.hears("10.77.3.2", PATIENCE).as_deref(), Some("Ada's third"), "below the mesh");
    for address in third.addresses() {
        left.reaches(&address);
        assert!(!bobs.pings(&address), "{address}");
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
