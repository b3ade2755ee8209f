//! The essentials with every kind of client: it joins, finds its peers and is found, traffic flows directly and by
//! the relay, it sees changes, comes back, and is told when it is out. What each story sees fills its column of
//! docs/compatibility.md.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::compatibility::{self, Seen, Table};
use common::echo;
use common::mesh::{Person, SOON, wait_for_peer, wait_for_state, wait_without_peer};
use common::rust_peer::RustPeer;
use common::tailscaled::{Options, Tailscaled};
use common::wait::{try_wait_for, wait_until};
use common::wonder::Wonder;

const CLIENTS: Table = Table {
    name: "clients",
    clients: &["tailscaled 1.102.3", "tailscaled 1.90.9", "tailscaled 1.80.3", "Rust `tailscale` 0.6.1"],
};

/// A device that may not use any direct path: what reaches it, the relay has carried.
fn relayed<'a>() -> Options<'a> {
    Tailscaled::options().env("TS_DEBUG_NEVER_DIRECT_UDP", "1")
}

/// The story of a Go client.
fn story_of_go(version: &str) -> Seen {
    let mut seen = Seen::new();
    let (ada, port) = (Person::new(), echo::start());
    let (witness, distant) = (ada.device("witness"), ada.device_with("distant", relayed()));
    let mut device = Tailscaled::options().version(version).start();
    ada.join(&device, "device");
    seen.push(("joins with the `auth_key` of a join token", true));

    wait_for_peer(&witness, "device", "online", |peer| peer["Online"] == true);
    wait_for_peer(&device, "witness", "online", |peer| peer["Online"] == true);
    seen.push(("finds its peers and is found, by name", device.ping("witness").is_ok()));
    seen.push(("TCP to a peer", device.echo(&witness.address(), port).is_ok()));
    seen.push(("TCP from a peer", witness.echo(&device.address(), port).is_ok()));
    let direct = try_wait_for(SOON, || {
        device.ping("witness").ok().filter(|pong| !pong.lines().last().unwrap().contains("DERP"))
    });
    seen.push(("a direct path between devices", direct.is_some()));
    let pong = device.ping("distant").unwrap_or_default();
    let both_ways =
        device.echo(&distant.address(), port).and_then(|()| distant.echo(&device.address(), port));
    seen.push((
        "the relay carries where no direct path is",
        pong.contains("DERP(wonder)") && both_ways.is_ok(),
    ));

    ada.change(&["rename", "witness", "lookout"]);
    wait_for_peer(&device, "lookout", "is renamed", |_| true);
    seen.push(("sees that a peer is renamed", device.ping("lookout").is_ok()));
    ada.change(&["remove", "distant"]);
    wait_without_peer(&device, "distant");
    seen.push(("sees that a peer is gone", true));

    let before = device.address();
    device.restart();
    wait_for_state(&device, "Running");
    seen.push(("comes back after a restart with its addresses", device.address() == before));
    ada.change(&["expire", "device"]);
    wait_for_state(&device, "NeedsLogin");
    ada.join(&device, "device");
    seen.push(("logs in again when its key has expired", device.address() == before));
    ada.change(&["remove", "device"]);
    wait_for_state(&device, "NeedsLogin");
    wait_without_peer(&witness, "device");
    seen.push(("knows that it is out when it is removed", true));

    ada.join(&device, "device");
    assert!(device.tailscale(["logout"]).status.success());
    wait_for_peer(&witness, "device", "offline", |peer| peer["Online"] == false);
    seen.push(("leaves by logging out", true));
    device.up(ada.url(), &ada.token(&["--ephemeral"]).auth_key, "device", &[]);
    device.stop();
    wait_until("the ephemeral device is forgotten", SOON, || {
        ada.nodes().iter().all(|n| n["name"] != "device")
    });
    seen.push(("is forgotten when it is ephemeral", true));
    seen.push(("joins and leaves by `wonder worker`", joins_and_leaves_as_a_worker(&ada, version)));
    seen
}

/// By its LocalAPI; before, it has no log-in, and after, none again.
fn joins_and_leaves_as_a_worker(ada: &Person, version: &str) -> bool {
    let daemon = Tailscaled::options().version(version).start();
    let worker = Wonder::new().env("WONDER_TAILSCALED_SOCKET", daemon.socket().to_str().unwrap());
    let joined = worker.json(&["worker", "join", &ada.token(&[]).secret, "--hostname", "worker"]);
    let status = worker.json(&["worker", "status"]);
    assert_eq!(ada.node("worker")["id"], joined["node"]["id"]);
    let left = worker.json(&["worker", "leave", "--yes"]);
    let gone = ada.nodes().iter().all(|node| node["name"] != "worker");
    status["state"] == "connected"
        && left["coordinator_told"] == true
        && gone
        && daemon.state() == "NeedsLogin"
}

/// The story of the Rust client, which has no disco pings of its own and no log-out.
fn story_of_rust() -> Seen {
    let mut seen = Seen::new();
    let (ada, port) = (Person::new(), echo::start());
    let (witness, distant) = (ada.device("witness"), ada.device_with("distant", relayed()));
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let start = |name: &str, extra: &[&str]| {
        let key = ada.token(&[]).auth_key;
        RustPeer::join(ada.url(), &key, name, 7007, &[&["--state", state.to_str().unwrap()], extra].concat())
    };
    let mut device = start("device", &[]);
    seen.push(("joins with the `auth_key` of a join token", true));

    wait_for_peer(&witness, "device", "online", |peer| peer["Online"] == true);
    let found = device.ask("peer witness")["peer"]["ipv4"] == witness.address();
    seen.push(("finds its peers and is found, by name", found));
    // A first try may come before the device has found its relay.
    let to = |device: &mut RustPeer, peer: &Tailscaled| {
        let address = peer.address();
        (0..3).any(|_| device.ask(&format!("ping {address} {port}"))["ms"].is_number())
    };
    let from =
        |device: &RustPeer, peer: &Tailscaled| (0..3).any(|_| peer.echo(device.address(), 7007).is_ok());
    seen.push(("TCP to a peer", to(&mut device, &witness)));
    seen.push(("TCP from a peer", from(&device, &witness)));
    // It takes one when it finds one, which nobody can rely on.
    seen.note("a direct path between devices", "at times");
    let both_ways = to(&mut device, &distant) && from(&device, &distant);
    seen.push(("the relay carries where no direct path is", both_ways));

    ada.change(&["rename", "witness", "lookout"]);
    let renamed = try_wait_for(SOON, || device.ask("peer lookout")["peer"].is_object().then_some(()));
    seen.push(("sees that a peer is renamed", renamed.is_some()));
    ada.change(&["remove", "distant"]);
    let gone = try_wait_for(SOON, || device.ask("peer distant")["peer"].is_null().then_some(()));
    seen.push(("sees that a peer is gone", gone.is_some()));

    let before = device.address().to_owned();
    drop(device);
    let device = start("device", &[]);
    seen.push(("comes back after a restart with its addresses", device.address() == before));
    ada.change(&["expire", "device"]);
    drop(device);
    let mut device = start("device", &[]);
    seen.push(("logs in again when its key has expired", device.address() == before));
    ada.change(&["remove", "device"]);
    wait_without_peer(&witness, "device");
    let out = try_wait_for(SOON, || device.ask("peer lookout")["error"].is_string().then_some(()));
    seen.push(("knows that it is out when it is removed", out.is_some()));
    drop(device);
    seen.note("leaves by logging out", "has none");
    let key = ada.token(&["--ephemeral"]).auth_key;
    drop(RustPeer::join(ada.url(), &key, "passer-by", 7007, &["--ephemeral"]));
    wait_until("the ephemeral device is forgotten", SOON, || {
        ada.nodes().iter().all(|n| n["name"] != "passer-by")
    });
    seen.push(("is forgotten when it is ephemeral", true));
    seen.note("joins and leaves by `wonder worker`", "has no daemon");
    seen
}

#[test]
fn the_essentials_work_with_tailscaled_1_102_3() {
    compatibility::check(&CLIENTS, CLIENTS.clients[0], &story_of_go("1.102.3"));
}

#[test]
fn the_essentials_work_with_tailscaled_1_90_9() {
    compatibility::check(&CLIENTS, CLIENTS.clients[1], &story_of_go("1.90.9"));
}

#[test]
fn the_essentials_work_with_tailscaled_1_80_3() {
    compatibility::check(&CLIENTS, CLIENTS.clients[2], &story_of_go("1.80.3"));
}

#[test]
fn the_essentials_work_with_the_rust_client() {
    compatibility::check(&CLIENTS, CLIENTS.clients[3], &story_of_rust());
}
