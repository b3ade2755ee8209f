//! Devices that take part with their whole host, on TUN, with every version of tailscaled: a person lets them in,
//! their keys change and they stay who they are, packets of their hosts' programs find names by MagicDNS, reach a
//! network behind a subnet router, and leave by an exit node. What each story sees fills its column of
//! docs/compatibility.md.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::compatibility::{self, Seen, Table};
use common::dns;
use common::internet::{Internet, Person};
use common::netns::NetNs;
use common::tailscaled::Tailscaled;
use common::tun::{self, Device, IN_VAIN, PATIENCE};
use common::wait::{wait_for, wait_until};

const HOSTS: Table =
    Table { name: "hosts", clients: &["tailscaled 1.102.3", "tailscaled 1.90.9", "tailscaled 1.80.3"] };

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

/// `tailscale up` without a key, which a person approves.
fn logs_in_interactively(internet: &Internet, ada: &Person, daemon: &Tailscaled) {
    let (mut up, url) = daemon.begin_log_in(internet.url(), "client");
    ada.wonder.json(&["node", "approve", url.rsplit_once('/').unwrap().1]);
    let ended = wait_for("tailscale up ends", PATIENCE, || up.ended());
    assert!(ended.success() && daemon.state() == "Running", "{}", up.log());
}

/// New keys, each for its own reason; the addresses stay.
fn keys_change_and_addresses_stay(internet: &Internet, ada: &Person, client: &Device<'_>, seen: &mut Seen) {
    let (daemon, before) = (&client.daemon, client.addresses());
    let key = || daemon.status_json()["Self"]["PublicKey"].clone();
    let up = |extra: &[&str]| daemon.up(internet.url(), &ada.auth_key(), "client", extra);
    let mut keys = vec![key()];
    let mut is_another = || {
        let known = keys.contains(&key());
        keys.push(key());
        !known && client.addresses() == before && client.pings("router")
    };
    up(&["--force-reauth"]);
    seen.push(("rotates its key (`--force-reauth`) and keeps its addresses", is_another()));
    ada.wonder.json(&["node", "expire", "client", "--yes"]);
    daemon.wait_until("it has to log in", PATIENCE, |daemon| daemon.state() == "NeedsLogin");
    logs_in_interactively(internet, ada, daemon);
    seen.push(("is approved again when its key has expired, and keeps them", is_another()));
    assert!(daemon.tailscale(["logout"]).status.success());
    up(&[]);
    seen.push(("logs in again after a log-out, and keeps them", is_another()));
}

/// By the question itself, and by the host's own resolver.
fn magic_dns_answers(client: &Device<'_>, router: &Device<'_>) -> bool {
    let ([address, _], name) = (router.addresses(), "router.ada.wonder.internal");
    let backwards: Vec<&str> = address.rsplit('.').chain(["in-addr", "arpa"]).collect();
    client.asks(dns::A, name).found == [address.as_str()]
        && client.asks(dns::PTR, &backwards.join(".")).found == [name]
        && client.asks(dns::A, "nobody.ada.wonder.internal").code == dns::NO_SUCH_NAME
        && client.pings("router")
        && client.pings(name)
}

fn story_of(version: &str) -> Seen {
    let (hosts, mut seen) = (Hosts::new(), Seen::new());
    let internet = Internet::around(&[&hosts.client, &hosts.router], true, &[]);
    let ada = internet.person("ada@example.org");
    let options = |host| Tailscaled::options().version(version).tun(host);
    let daemon = internet.join(&ada, options(&hosts.router), "router");
    let router = Device { daemon, host: &hosts.router };
    let client = Device { daemon: options(&hosts.client).start(), host: &hosts.client };
    logs_in_interactively(&internet, &ada, &client.daemon);
    seen.push(("logs in without a key, by a person's approval", true));
    seen.push(("MagicDNS answers on its host, there and back", magic_dns_answers(&client, &router)));
    keys_change_and_addresses_stay(&internet, &ada, &client, &mut seen);
    packets_reach_a_network_behind_a_subnet_router(&ada, &client, &router);
    seen.push(("leads to a subnet, and packets of its host reach one behind another", true));
    packets_leave_by_an_exit_node(&ada, &client, &router);
    seen.push(("is an exit node, and packets of its host leave by another", true));
    seen
}

#[test]
fn whole_hosts_find_their_way_with_tailscaled_1_102_3() {
    compatibility::check(&HOSTS, HOSTS.clients[0], &story_of("1.102.3"));
}

#[test]
fn whole_hosts_find_their_way_with_tailscaled_1_90_9() {
    compatibility::check(&HOSTS, HOSTS.clients[1], &story_of("1.90.9"));
}

#[test]
fn whole_hosts_find_their_way_with_tailscaled_1_80_3() {
    compatibility::check(&HOSTS, HOSTS.clients[2], &story_of("1.80.3"));
}
