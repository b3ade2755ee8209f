//! The essentials with every kind of client: it joins, finds its peers and is found, traffic flows directly and by
//! the relay, it sees changes, comes back, and is told when it is out. What each story sees fills its column of
//! docs/compatibility.md.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::compatibility::{self, Seen, Table};
use common::echo;
use common::mesh::{Person, SOON, wait_for_peer, wait_for_state, wait_without_peer};
use common::rust_peer::{ECHO, RustPeer};
use common::tailscaled::{Options, Tailscaled};
use common::wait::{try_wait_for, wait_until};
use common::wonder::Wonder;
use serde_json::{Value, json};

/// Of a token for devices that do not stay.
const EPHEMERAL: [&str; 3] = ["--ephemeral", "--tag", "tag:guest"];

const CLIENTS: Table = Table {
    name: "clients",
    clients: &["tailscaled 1.102.3", "tailscaled 1.90.9", "tailscaled 1.80.3", "Rust `tailscale` 0.6.1"],
};

/// A device that may not use any direct path: what reaches it, the relay has carried.
fn relayed<'a>() -> Options<'a> {
    Tailscaled::options().env("TS_DEBUG_NEVER_DIRECT_UDP", "1")
}

/// The peers that a client meets: one that a direct path leads to, and one that none does.
struct Peers {
    witness: Tailscaled,
    distant: Tailscaled,
    /// Where both give back what they are sent.
    port: u16,
}

impl Peers {
    fn of(ada: &Person) -> Peers {
        let (witness, distant) = (ada.device("witness"), ada.device_with("distant", relayed()));
        Peers { witness, distant, port: echo::start() }
    }

    /// The witness has a new name from now on.
    fn rename_the_witness(&self, ada: &Person) {
        ada.change(&["rename", "witness", "lookout"]);
    }

    /// The witness has a new key, and this is it.
    fn rotate_the_witness_key(&self, ada: &Person) -> Value {
        let key = || self.witness.status_json()["Self"]["PublicKey"].clone();
        let before = key();
        self.witness.up(ada.url(), &ada.token(&[]).auth_key, "witness", &["--force-reauth"]);
        assert_ne!(key(), before);
        key()
    }
}

/// The story of a Go client.
fn story_of_go(version: &str) -> Seen {
    let (ada, mut seen) = (Person::new(), Seen::new());
    let peers = Peers::of(&ada);
    let mut device = Tailscaled::options().version(version).start();
    ada.join(&device, "device");
    seen.push(("joins with the `auth_key` of a join token", true));
    traffic_of_go(&device, &peers, &mut seen);
    changes_seen_by_go(&ada, &device, &peers, &mut seen);
    log_ins_of_go(&ada, &mut device, &peers, &mut seen);
    seen.push(("joins and leaves by `wonder worker`", joins_and_leaves_as_a_worker(&ada, version)));
    seen
}

fn traffic_of_go(device: &Tailscaled, peers: &Peers, seen: &mut Seen) {
    let Peers { witness, distant, port } = peers;
    wait_for_peer(witness, "device", "online", |peer| peer["Online"] == true);
    wait_for_peer(device, "witness", "online", |peer| peer["Online"] == true);
    seen.push(("finds its peers and is found, by name", device.ping("witness").is_ok()));
    seen.push(("TCP to a peer", device.echo(&witness.address(), *port).is_ok()));
    seen.push(("TCP from a peer", witness.echo(&device.address(), *port).is_ok()));
    let direct = try_wait_for(SOON, || {
        device.ping("witness").ok().filter(|pong| !pong.lines().last().unwrap().contains("DERP"))
    });
    seen.push(("a direct path between devices", direct.is_some()));
    let pong = device.ping("distant").unwrap_or_default();
    let both_ways =
        device.echo(&distant.address(), *port).and_then(|()| distant.echo(&device.address(), *port));
    seen.push((
        "the relay carries where no direct path is",
        pong.contains("DERP(wonder)") && both_ways.is_ok(),
    ));
}

fn changes_seen_by_go(ada: &Person, device: &Tailscaled, peers: &Peers, seen: &mut Seen) {
    for [from, to] in [["device", "gadget"], ["gadget", "device"]] {
        ada.change(&["rename", from, to]);
        device.wait_until("its own name", SOON, |device| {
            device.status_json()["Self"]["DNSName"].as_str().unwrap().starts_with(&format!("{to}."))
        });
    }
    seen.push(("sees that it is renamed", true));
    peers.rename_the_witness(ada);
    wait_for_peer(device, "lookout", "is renamed", |_| true);
    seen.push(("sees that a peer is renamed", device.ping("lookout").is_ok()));
    let key = peers.rotate_the_witness_key(ada);
    wait_for_peer(device, "lookout", "has a new key", |peer| peer["PublicKey"] == key);
    seen.push(("sees that a peer has a new key", device.echo(&peers.witness.address(), peers.port).is_ok()));
    ada.change(&["remove", "distant"]);
    wait_without_peer(device, "distant");
    seen.push(("sees that a peer is gone", true));
}

fn log_ins_of_go(ada: &Person, device: &mut Tailscaled, peers: &Peers, seen: &mut Seen) {
    let before = device.address();
    device.restart();
    wait_for_state(device, "Running");
    seen.push(("comes back after a restart with its addresses", device.address() == before));
    ada.change(&["expire", "device"]);
    wait_for_state(device, "NeedsLogin");
    ada.join(device, "device");
    seen.push(("logs in again when its key has expired", device.address() == before));
    ada.change(&["remove", "device"]);
    wait_for_state(device, "NeedsLogin");
    wait_without_peer(&peers.witness, "device");
    seen.push(("knows that it is out when it is removed", true));
    ada.join(device, "device");
    seen.push(("joins anew after its removal, with another address", device.address() != before));

    assert!(device.tailscale(["logout"]).status.success());
    wait_for_peer(&peers.witness, "device", "offline", |peer| peer["Online"] == false);
    seen.push(("leaves by logging out", true));
    device.up(ada.url(), &ada.token(&EPHEMERAL).auth_key, "device", &[]);
    let own = device.status_json()["Self"].clone();
    seen.push(("has the tags that its token gives", own["Tags"] == json!(["tag:guest"])));
    device.stop();
    wait_until("the ephemeral device is forgotten", SOON, || {
        ada.nodes().iter().all(|n| n["name"] != "device")
    });
    seen.push(("is forgotten when it is ephemeral", true));
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
    let (ada, mut seen) = (Person::new(), Seen::new());
    let peers = Peers::of(&ada);
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let start = || {
        let options = RustPeer::options(ada.url(), "device").args(&["--state", state.to_str().unwrap()]);
        options.join(&ada.token(&[]).auth_key)
    };
    let mut device = start();
    seen.push(("joins with the `auth_key` of a join token", true));
    traffic_of_rust(&mut device, &peers, &mut seen);
    changes_seen_by_rust(&ada, &mut device, &peers, &mut seen);
    log_ins_of_rust(&ada, device, &start, &peers, &mut seen);
    seen.note("joins and leaves by `wonder worker`", "has no daemon");
    seen
}

/// A first try may come before the device has found its relay.
fn reaches(device: &mut RustPeer, peer: &Tailscaled, port: u16) -> bool {
    let ping = format!("ping {} {port}", peer.address());
    (0..3).any(|_| device.ask(&ping)["ms"].is_number())
}

fn is_reached(device: &RustPeer, peer: &Tailscaled) -> bool {
    (0..3).any(|_| peer.echo(device.address(), ECHO).is_ok())
}

fn traffic_of_rust(device: &mut RustPeer, peers: &Peers, seen: &mut Seen) {
    let Peers { witness, distant, port } = peers;
    wait_for_peer(witness, "device", "online", |peer| peer["Online"] == true);
    let found = device.ask("peer witness")["peer"]["ipv4"] == witness.address();
    seen.push(("finds its peers and is found, by name", found));
    seen.push(("TCP to a peer", reaches(device, witness, *port)));
    seen.push(("TCP from a peer", is_reached(device, witness)));
    // It takes one when it finds one, which nobody can rely on.
    seen.note("a direct path between devices", "at times");
    let both_ways = reaches(device, distant, *port) && is_reached(device, distant);
    seen.push(("the relay carries where no direct path is", both_ways));
}

fn changes_seen_by_rust(ada: &Person, device: &mut RustPeer, peers: &Peers, seen: &mut Seen) {
    let mut soon = |command: &str, holds: &dyn Fn(&Value) -> bool| {
        try_wait_for(SOON, || holds(&device.ask(command)).then_some(())).is_some()
    };
    let renamed = [["device", "gadget"], ["gadget", "device"]].map(|[from, to]| {
        ada.change(&["rename", from, to]);
        soon("self", &|itself| itself["self"]["name"] == to)
    });
    seen.push(("sees that it is renamed", renamed == [true; 2]));
    peers.rename_the_witness(ada);
    seen.push(("sees that a peer is renamed", soon("peer lookout", &|found| found["peer"].is_object())));
    let key = peers.rotate_the_witness_key(ada);
    assert!(soon("peer lookout", &|found| found["peer"]["node_key"] == key), "it is in its map");
    // When it sends by the new key is its own affair.
    seen.note("sees that a peer has a new key", "in its map");
    ada.change(&["remove", "distant"]);
    seen.push(("sees that a peer is gone", soon("peer distant", &|found| found["peer"].is_null())));
}

fn log_ins_of_rust(
    ada: &Person,
    device: RustPeer,
    start: &dyn Fn() -> RustPeer,
    peers: &Peers,
    seen: &mut Seen,
) {
    let before = device.address().to_owned();
    drop(device);
    let device = start();
    seen.push(("comes back after a restart with its addresses", device.address() == before));
    ada.change(&["expire", "device"]);
    drop(device);
    let mut device = start();
    seen.push(("logs in again when its key has expired", device.address() == before));
    ada.change(&["remove", "device"]);
    wait_without_peer(&peers.witness, "device");
    let out = try_wait_for(SOON, || device.ask("peer lookout")["error"].is_string().then_some(()));
    seen.push(("knows that it is out when it is removed", out.is_some()));
    drop(device);
    seen.push(("joins anew after its removal, with another address", start().address() != before));

    seen.note("leaves by logging out", "has none");
    let guest = RustPeer::options(ada.url(), "guest").args(&["--ephemeral"]);
    let guest = guest.join(&ada.token(&EPHEMERAL).auth_key);
    seen.push(("has the tags that its token gives", guest.ready["tags"] == json!(["tag:guest"])));
    drop(guest);
    wait_until("the ephemeral device is forgotten", SOON, || {
        ada.nodes().iter().all(|n| n["name"] != "guest")
    });
    seen.push(("is forgotten when it is ephemeral", true));
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
