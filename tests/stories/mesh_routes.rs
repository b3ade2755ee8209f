//! Subnet routes and exit nodes with real devices: offered by a device, approved by a person, carried by one router at
//! a time, and by another one when it goes away. Traffic is real: TCP to a host behind the router.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::echo;
use common::mesh::{self, Person, SOON, wait_for_peer};
use common::netns::NetNs;
use common::tailscaled::Tailscaled;
use common::wait::{try_wait_for, wait_until};
use common::wonder::Wonder;
use serde_json::{Value, json};

/// The host behind the routers, and the route to it.
const BEHIND: &str = "10.77.0.9";
const ROUTE: &str = "10.77.0.0/24";

/// Whether a peer is said to carry this route.
fn carries(peer: &Value, route: &str) -> bool {
    peer["AllowedIPs"].as_array().is_some_and(|ips| ips.iter().any(|ip| ip == route))
}

fn offer(person: &Person, device: &Tailscaled, name: &str, what: &str) {
    device.up(person.url(), &person.token(&[]).auth_key, name, &[what]);
}

#[test]
fn subnet_routes_are_advertised_listed_approved_and_withdrawn() {
    let ada = Person::new();
    let (router, client) = (Tailscaled::start(), ada.device("client"));
    offer(&ada, &router, "router", "--advertise-routes=10.77.0.0/24,10.78.0.0/24");
    wait_until("the offer is known", SOON, || {
        ada.node("router")["routes"]["advertised"] == json!(["10.77.0.0/24", "10.78.0.0/24"])
    });
    wait_for_peer(&client, "router", "carries nothing yet", |peer| !carries(peer, ROUTE));
    let approved = ada.change(&["approve-routes", "router", ROUTE]);
    assert_eq!(approved["routes"]["approved"], json!([ROUTE]));
    wait_for_peer(&client, "router", "carries what was approved", |peer| {
        carries(peer, ROUTE) && !carries(peer, "10.78.0.0/24") && peer["PrimaryRoutes"] == json!([ROUTE])
    });
    assert_eq!(ada.node("router")["routes"]["primary"], json!([ROUTE]));
    ada.change(&["approve-routes", "router", "--all"]);
    wait_for_peer(&client, "router", "carries all", |peer| {
        carries(peer, "10.78.0.0/24") && carries(peer, ROUTE)
    });
    ada.change(&["approve-routes", "router", "--none"]);
    wait_for_peer(&client, "router", "carries nothing any more", |peer| {
        !carries(peer, ROUTE) && !carries(peer, "10.78.0.0/24")
    });
    // What is approved counts again only while the device offers it.
    ada.change(&["approve-routes", "router", ROUTE]);
    wait_for_peer(&client, "router", "carries it again", |peer| carries(peer, ROUTE));
    assert!(router.tailscale(["set", "--advertise-routes="]).status.success());
    wait_for_peer(&client, "router", "offers it no more", |peer| !carries(peer, ROUTE));
}

#[test]
fn the_address_of_another_device_is_nobodys_route() {
    let ada = Person::new();
    let (router, client) = (Tailscaled::start(), ada.device("client"));
    let address = format!("{}/32", client.address());
    offer(&ada, &router, "router", &format!("--advertise-routes={ROUTE},{address}"));
    wait_until("the offer is known", SOON, || ada.node("router")["routes"]["advertised"] == json!([ROUTE]));
    let refused = ada.wonder.error(&["node", "approve-routes", "router", ROUTE, &address], 2);
    assert_eq!(refused["code"], "route_of_the_mesh");
    let approved = ada.change(&["approve-routes", "router", "--all"]);
    assert_eq!(approved["routes"]["approved"], json!([ROUTE]));
}

#[test]
fn an_exit_node_is_offered_to_peers_once_it_is_approved() {
    let ada = Person::new();
    let (exit, client) = (Tailscaled::start(), ada.device("client"));
    offer(&ada, &exit, "exit", "--advertise-exit-node");
    wait_until("the offer is known", SOON, || {
        ada.node("exit")["routes"]["advertised"] == json!(["0.0.0.0/0", "::/0"])
    });
    wait_for_peer(&client, "exit", "is no exit yet", |peer| peer["ExitNodeOption"] == false);
    assert!(!client.tailscale(["set", "--exit-node=exit"]).status.success());
    ada.change(&["approve-routes", "exit", "0.0.0.0/0", "::/0"]);
    wait_for_peer(&client, "exit", "is an exit", |peer| peer["ExitNodeOption"] == true);
    let set = client.tailscale(["set", "--exit-node=exit"]);
    assert!(set.status.success(), "{set:?}");
    wait_for_peer(&client, "exit", "is used", |peer| peer["ExitNode"] == true);
    ada.change(&["approve-routes", "exit", "--none"]);
    wait_for_peer(&client, "exit", "is no exit any more", |peer| peer["ExitNodeOption"] == false);
}

#[test]
fn when_the_primary_router_goes_offline_the_other_one_carries_the_traffic() {
    let network = NetNs::new();
    network.ip(&["addr", "add", &format!("{BEHIND}/32"), "dev", "lo"]);
    let port = network.enter(|| echo::start_on(BEHIND));
    let coordinator = mesh::options().inside(&network, "127.0.0.1:0").start();
    let ada = Person::with(&coordinator, Wonder::new().inside(&network));
    let start = || Tailscaled::options().inside(&network).start();
    let (mut first, second, client) = (start(), start(), start());
    for (router, name) in [(&first, "first"), (&second, "second")] {
        offer(&ada, router, name, &format!("--advertise-routes={ROUTE}"));
        ada.change(&["approve-routes", name, ROUTE]);
    }
    offer(&ada, &client, "client", "--accept-routes");
    let reaches = || try_wait_for(SOON, || client.echo(BEHIND, port).ok()).is_some();
    wait_for_peer(&client, "first", "is the primary", |peer| carries(peer, ROUTE));
    wait_for_peer(&client, "second", "stands by", |peer| !carries(peer, ROUTE));
    assert!(reaches(), "TCP flows through the first router");
    first.kill();
    wait_for_peer(&client, "second", "has taken over", |peer| carries(peer, ROUTE));
    wait_for_peer(&client, "first", "has lost the route", |peer| !carries(peer, ROUTE));
    assert!(reaches(), "TCP flows through the second router");
    assert_eq!(ada.node("second")["routes"]["primary"], json!([ROUTE]));
    first.restart();
    wait_for_peer(&client, "first", "is back", |peer| peer["Online"] == true && !carries(peer, ROUTE));
    assert!(client.peer("second").is_some_and(|peer| carries(&peer, ROUTE)), "what works stays where it is");
}
