//! Devices that take part with their whole host, on TUN, with every version of tailscaled: a person lets them in,
//! their keys change and they stay who they are, packets of their hosts' programs find names by MagicDNS, reach a
//! network behind a subnet router, and leave by an exit node. The Rust implementation does as much of it as a program
//! can that has no such device. What each story sees fills its column of docs/compatibility.md.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::compatibility::{self, Seen, Table};
use common::dns;
use common::internet::{Internet, Person};
use common::netns::NetNs;
use common::rust_peer::{self, RustPeer};
use common::tailscaled::Tailscaled;
use common::tun::{self, Device, IN_VAIN, PATIENCE};
use common::wait::{wait_for, wait_until};
use serde_json::{Value, json};
use std::collections::HashSet;

const HOSTS: Table = Table {
    name: "hosts",
    clients: &["tailscaled 1.102.3", "tailscaled 1.90.9", "tailscaled 1.80.3", "Rust `tailscale` 0.6.1"],
};

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

/// The router offers the network behind it.
fn offer_the_network(ada: &Person, router: &Device<'_>) {
    set(router, &format!("--advertise-routes={}", NETWORK.join(",")));
    wait_for_offer(ada, NETWORK);
}

/// The router offers to be an exit node instead.
fn offer_the_exit(ada: &Person, router: &Device<'_>) {
    set(router, "--advertise-routes=");
    set(router, "--advertise-exit-node");
    wait_for_offer(ada, ["0.0.0.0/0", "::/0"]);
}

fn packets_reach_a_network_behind_a_subnet_router(ada: &Person, client: &Device<'_>, router: &Device<'_>) {
    set(client, "--accept-routes");
    offer_the_network(ada, router);
    assert!(is_cut_off(client), "nobody has approved it");
    approve(ada, "--all");
    client.daemon.wait_until("packets reach the network", PATIENCE, |_| reaches(client));
    approve(ada, "--none");
    client.daemon.wait_until("they do not any more", PATIENCE, |_| is_cut_off(client));
}

fn packets_leave_by_an_exit_node(ada: &Person, client: &Device<'_>, router: &Device<'_>) {
    offer_the_exit(ada, router);
    approve(ada, "--all");
    client.daemon.wait_until("the exit may be chosen", PATIENCE, |client| {
        client.peer("router").is_some_and(|peer| peer["ExitNodeOption"] == true)
    });
    assert!(is_cut_off(client), "nobody has chosen it");
    set(client, "--exit-node=router");
    client.daemon.wait_until("packets leave by the exit", PATIENCE, |_| reaches(client));
    client.reaches(&router.addresses()[0]); // The mesh is where it was.
    set(client, "--exit-node=");
    client.daemon.wait_until("they do not any more", PATIENCE, |_| is_cut_off(client));
}

/// A person lets the device in that showed this URL.
fn let_in(ada: &Person, url: &str) {
    ada.wonder.json(&["node", "approve", url.rsplit_once('/').unwrap().1]);
}

/// `tailscale up` without a key, which a person approves.
fn logs_in_interactively(internet: &Internet, ada: &Person, daemon: &Tailscaled) {
    let (mut up, url) = daemon.begin_log_in(internet.url(), "client");
    let_in(ada, &url);
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
        client.reaches("router");
        !known && client.addresses() == before
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
    client.reaches("router");
    client.reaches(name);
    client.asks(dns::A, name).found == [address.as_str()]
        && client.asks(dns::PTR, &backwards.join(".")).found == [name]
        && client.asks(dns::A, "nobody.ada.wonder.internal").code == dns::NO_SUCH_NAME
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

/// The device of a program that uses the Rust implementation, on the client's host: how it starts.
struct Program<'a> {
    options: &'a dyn Fn() -> rust_peer::Options<'a>,
    ada: &'a Person,
}

impl Program<'_> {
    /// Without a key: a person lets it in.
    fn let_in(&self) -> RustPeer {
        let (mut device, url) = (self.options)().begin_log_in();
        let_in(self.ada, &url);
        device.wait_until_in();
        device
    }

    /// Its key changes, each time for its own reason, and it stays who it is.
    fn keeps_its_addresses(&self, device: RustPeer, seen: &mut Seen) -> RustPeer {
        let own = |device: &RustPeer, what: &str| device.ready[what].clone();
        let first = [own(&device, "ipv4"), own(&device, "ipv6"), own(&device, "node_key")];
        let stays = |device: &RustPeer| [own(device, "ipv4"), own(device, "ipv6")] == first[..2];
        drop(device);
        let rotated = (self.options)().args(&["--new-node-key"]).join(&self.ada.auth_key());
        assert!(stays(&rotated) && own(&rotated, "node_key") != first[2], "{}", rotated.ready);
        seen.note("rotates its key (`--force-reauth`) and keeps its addresses", "by its program");
        self.ada.wonder.json(&["node", "expire", "client", "--yes"]);
        drop(rotated);
        let device = self.let_in();
        seen.push(("is approved again when its key has expired, and keeps them", stays(&device)));
        seen.note("logs in again after a log-out, and keeps them", "has none");
        device
    }
}

/// Who has begun a connection at a host and has not answered it since, each with a port.
fn half_open(host: &NetNs) -> HashSet<String> {
    let sockets = host.command("ss").args(["-Htn", "state", "syn-recv"]).output().unwrap();
    let text = String::from_utf8(sockets.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().last().map(str::to_owned)).collect()
}

/// Whether the program's packets reach the host behind the router, and no answer comes back: its filter knows no
/// connections, and takes packets from the mesh's addresses alone.
fn asks_in_vain(device: &mut RustPeer, behind: &NetNs) -> bool {
    let before = half_open(behind);
    let silent = HOST.map(|host| device.ask(&format!("hear {host} {}", tun::PORT))["heard"].is_null());
    let after = half_open(behind);
    let came_from = |own: &str| after.difference(&before).any(|from| from.contains(own));
    silent == [true; 2] && ROUTER.iter().all(|own| came_from(own))
}

/// Waits until these alone lead to the host, by the device's map.
fn wait_until_via(device: &mut RustPeer, names: &Value) {
    wait_until("its map says who leads there", PATIENCE, || {
        HOST.iter().all(|host| device.ask(&format!("via {host}"))["via"] == *names)
    });
}

/// It has no resolver: names and addresses are in its map.
fn finds_the_router_in_its_map(device: &mut RustPeer, router: &Device<'_>) {
    let ([address, _], domain) = (router.addresses(), "ada.wonder.internal");
    let itself = device.ask("self")["self"].clone();
    assert_eq!([&itself["name"], &itself["domain"]], ["client", domain]);
    let found = device.ask(&format!("peer router.{domain}"))["peer"].clone();
    assert_eq!([&found["name"], &found["domain"], &found["ipv4"]], ["router", domain, &address]);
    assert_eq!(device.ask(&format!("peer {address}"))["peer"], found);
}

fn story_of_rust() -> Seen {
    let (hosts, mut seen) = (Hosts::new(), Seen::new());
    let internet = Internet::around(&[&hosts.client, &hosts.router], true, &[]);
    let ada = internet.person("ada@example.org");
    let daemon = internet.join(&ada, Tailscaled::options().tun(&hosts.router), "router");
    let router = Device { daemon, host: &hosts.router };
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let state = ["--state", state.to_str().unwrap()];
    let options = || RustPeer::options(internet.url(), "client").inside(&hosts.client).args(&state);
    let program = Program { options: &options, ada: &ada };
    let mut device = program.let_in();
    seen.push(("logs in without a key, by a person's approval", true));
    finds_the_router_in_its_map(&mut device, &router);
    seen.note("MagicDNS answers on its host, there and back", "in its map");
    let mut device = program.keeps_its_addresses(device, &mut seen);
    offer_the_network(&ada, &router);
    wait_until_via(&mut device, &json!([]));
    approve(&ada, "--all");
    wait_until_via(&mut device, &json!(["router"]));
    wait_until("its packets get there", PATIENCE, || asks_in_vain(&mut device, &hosts.behind));
    seen.note("leads to a subnet, and packets of its host reach one behind another", "one way");
    approve(&ada, "--none");
    wait_until_via(&mut device, &json!([]));
    offer_the_exit(&ada, &router);
    approve(&ada, "--all");
    wait_until_via(&mut device, &json!(["router"]));
    wait_until("they leave by the exit", PATIENCE, || asks_in_vain(&mut device, &hosts.behind));
    seen.note("is an exit node, and packets of its host leave by another", "one way, unasked");
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

#[test]
fn a_program_finds_its_way_with_the_rust_client() {
    compatibility::check(&HOSTS, HOSTS.clients[3], &story_of_rust());
}
