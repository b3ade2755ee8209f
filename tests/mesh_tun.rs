//! Devices that take part with their whole host, on TUN: packets of its programs find names by MagicDNS, reach a
//! network behind a subnet router, and leave by an exit node.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::internet::{Internet, Person};
use common::netns::NetNs;
use common::tailscaled::Tailscaled;
use common::tun::{self, Device, IN_VAIN, PATIENCE};
use common::wait::wait_until;

/// A host that is reached through the router alone, and the network that is offered for it. The address is public and
/// beyond the router's own networks: an exit node leads to none of these.
const HOST: [&str; 2] = ["203.0.113.9", "2001:db8:88::9"];
const NETWORK: [&str; 2] = ["203.0.113.0/24", "2001:db8:88::/64"];
/// Both ends of the link that leads there.
const ROUTER: [&str; 2] = ["10.88.0.1", "fd88::1"];
const NEXT: [&str; 2] = ["10.88.0.2", "fd88::2"];

/// Hosts of two devices, and the one behind the second. That one knows no way back but its link, so that it answers
/// only what comes by the router's own address.
struct Hosts {
    client: NetNs,
    router: NetNs,
    behind: NetNs,
}

impl Hosts {
    fn new() -> Hosts {
        let hosts = Hosts { client: NetNs::new(), router: NetNs::new(), behind: NetNs::new() };
        let with_length = |ips: [&str; 2]| format!("{}/24,{}/64", ips[0], ips[1]);
        hosts.router.link(&with_length(ROUTER), &hosts.behind, &with_length(NEXT));
        hosts.router.forward();
        for (host, next) in HOST.iter().zip(NEXT) {
            hosts.behind.ip(&["addr", "add", host, "dev", "lo"]);
            hosts.router.ip(&["route", "add", host, "via", next]);
        }
        tun::tells_who_asks(&hosts.behind);
        hosts
    }
}

/// What TCP hears from the host behind the router, and whether ICMP reaches it, on IPv4 and IPv6.
fn tries(client: &Device<'_>) -> [(Option<String>, bool); 2] {
    std::thread::scope(|scope| {
        let tries = HOST.map(|address| {
            let hears = scope.spawn(move || client.hears(address, IN_VAIN));
            (hears, scope.spawn(move || client.pings(address)))
        });
        tries.map(|(hears, pings)| (hears.join().unwrap(), pings.join().unwrap()))
    })
}

/// Whether all of it gets there, and comes from the router's own address.
fn reaches(client: &Device<'_>) -> bool {
    tries(client) == ROUTER.map(|own| (Some(own.to_owned()), true))
}

/// Whether nothing of it gets there.
fn is_cut_off(client: &Device<'_>) -> bool {
    tries(client) == [(None, false), (None, false)]
}

fn set(device: &Device<'_>, what: &str) {
    let set = device.daemon.tailscale(["set", what]);
    assert!(set.status.success(), "tailscale set {what}: {set:?}");
}

/// `wonder node approve-routes router …`
fn approve(ada: &Person, what: &str) {
    ada.wonder.json(&["node", "approve-routes", "router", what]);
}

/// Waits until the coordinator knows that the router offers this.
fn wait_for_offer(ada: &Person, offer: [&str; 2]) {
    wait_until("the offer is known", PATIENCE, || {
        let node = ada.wonder.json(&["node", "show", "router"]);
        offer.iter().all(|route| node["node"]["routes"]["advertised"].to_string().contains(route))
    });
}

fn packets_reach_a_network_behind_a_subnet_router(ada: &Person, client: &Device<'_>, router: &Device<'_>) {
    set(client, "--accept-routes");
    set(router, &format!("--advertise-routes={}", NETWORK.join(",")));
    wait_for_offer(ada, NETWORK);
    assert!(is_cut_off(client), "nobody has approved it");
    approve(ada, "--all");
    client.daemon.wait_until("packets reach the network", PATIENCE, |_| reaches(client));
    approve(ada, "--none");
    client.daemon.wait_until("they do not any more", PATIENCE, |_| is_cut_off(client));
}

fn packets_leave_by_an_exit_node(ada: &Person, client: &Device<'_>, router: &Device<'_>) {
    set(router, "--advertise-routes=");
    set(router, "--advertise-exit-node");
    wait_for_offer(ada, ["0.0.0.0/0", "::/0"]);
    approve(ada, "--all");
    client.daemon.wait_until("the exit may be chosen", PATIENCE, |client| {
        client.peer("router").is_some_and(|peer| peer["ExitNodeOption"] == true)
    });
    assert!(is_cut_off(client), "nobody has chosen it");
    set(client, "--exit-node=router");
    client.daemon.wait_until("packets leave by the exit", PATIENCE, |_| reaches(client));
    assert!(client.pings(&router.addresses()[0]), "and the mesh is where it was");
    set(client, "--exit-node=");
    client.daemon.wait_until("they do not any more", PATIENCE, |_| is_cut_off(client));
}

#[test]
fn packets_of_a_whole_host_find_their_way() {
    let hosts = Hosts::new();
    let internet = Internet::around(&[&hosts.client, &hosts.router], true, &[]);
    let ada = internet.person("ada@example.org");
    let join = |host, name| {
        let daemon = internet.join(&ada, Tailscaled::options().tun(host), name);
        Device { daemon, host }
    };
    let (client, router) = (join(&hosts.client, "client"), join(&hosts.router, "router"));
    packets_reach_a_network_behind_a_subnet_router(&ada, &client, &router);
    packets_leave_by_an_exit_node(&ada, &client, &router);
}
