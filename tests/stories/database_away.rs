//! The database goes away under a running coordinator: devices do not notice, people are told to come back,
//! and when it is there again everything goes on by itself. What holds of a mesh holds on both engines.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::coordinator::Coordinator;
use common::device::view::View;
use common::device::{Device, Encoding};
use common::fleet::Fleet;
use common::postgres::Server;
use common::relay::Relay;
use common::tailscaled::Tailscaled;
use common::wait::wait_until;
use crypto_box::SecretKey;
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use wonder::core::secret::random_bytes;

/// How long the database is away: longer than from one keep-alive to the next.
const AWAY: Duration = Duration::from_secs(65);
/// How soon all must be well again.
const PATIENCE: Duration = Duration::from_secs(30);

fn is_online(view: &View, name: &str) -> bool {
    view.peer(name).is_some_and(|peer| peer["Online"] == true)
}

async fn on_postgres(server: &Server) -> Fleet {
    Fleet::of(Coordinator::options().args(&["--no-derp", "--database", &server.database()])).await
}

/// What `/readyz` says: the status, and the body.
fn ready(fleet: &Fleet) -> (String, Value) {
    let url = format!("{}/readyz", fleet.coordinator.url());
    let answer =
        Command::new("curl").args(["-s", "--noproxy", "*", "-w", "\n%{http_code}", &url]).output().unwrap();
    let text = String::from_utf8(answer.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_devices_stay_connected_and_hear_of_each_other() {
    let server = Server::start();
    // With its relay: a real device looks for one.
    let fleet = Fleet::of(common::mesh::options().args(&["--database", &server.database()])).await;
    let (mut mover, mut own) = fleet.connected("mover").await;
    let (mut watcher, mut map) = fleet.connected("watcher").await;
    let real = Tailscaled::start();
    real.up(fleet.coordinator.url(), &fleet.auth_key, "real", &[]);
    let mut late = Device::new(fleet.site, "late");
    map.until("all are there", |view| view.peer("mover").is_some() && is_online(view, "real")).await;
    own.until("all are there", |view| view.peer("watcher").is_some()).await;

    assert_eq!(ready(&fleet).0, "200");
    server.crash();
    let (status, problem) = ready(&fleet);
    assert_eq!((status.as_str(), &problem["code"]), ("503", &json!("not_ready")), "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("database") && problem["hint"].is_string(),
        "{problem}"
    );
    let (begun, mut round) = (Instant::now(), 0);
    while begun.elapsed() < AWAY {
        round += 1;
        let endpoint = format!("192.0.2.9:{}", 2000 + round);
        assert_eq!(mover.report(&[&endpoint]).await.unwrap().status, 200);
        let told = json!([endpoint]);
        map.until("a change", |view| view.peer("mover").unwrap()["Endpoints"] == told).await;
        let refused = late.register_with(json!({ "Auth": { "AuthKey": fleet.auth_key } })).await.unwrap();
        assert_eq!(refused.status, 503, "{}", refused.text());
        assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u32>().is_ok());
        assert!(is_online(&map.view, "real"), "it has not lost its connection");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(real.state(), "Running");
    let mover_is_on = |real: &Tailscaled| real.peer("mover").is_some_and(|peer| peer["Online"] == true);
    assert!(mover_is_on(&real), "it knows its peers");
    // A connection that breaks meanwhile is made again.
    watcher.disconnect();
    let mut map = watcher.online(Encoding::Zstd).await.unwrap();
    map.until("the same map", |view| view.peer("mover").is_some()).await;

    server.resume();
    let begun = Instant::now();
    let answer = loop {
        match late.register(&fleet.auth_key).await {
            Ok(answer) => break answer,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "it does not recover: {error}"),
        }
    };
    assert_eq!(answer["MachineAuthorized"], true, "{answer}");
    let _late = late.online(Encoding::Zstd).await.unwrap();
    map.until("who came late", |view| view.peer("late").is_some()).await;
    fleet.ada.json(&["node", "rename", "mover", "moved"]);
    map.until("a change from the database", |view| view.peer("moved").is_some()).await;
    assert_eq!(map.view.peer("moved").unwrap()["Endpoints"], json!([format!("192.0.2.9:{}", 2000 + round)]));
    assert!(!fleet.coordinator.log().contains("panic"), "{}", fleet.coordinator.log_tail());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_the_relay_lets_known_devices_in() {
    let server = Server::start();
    let ports = ["--derp-listen", "127.0.0.1:0", "--stun-listen", "127.0.0.1:0"];
    let options = Coordinator::options().args(&ports).args(&["--database", &server.database()]);
    let mut fleet = Fleet::of(options).await;
    let (mut first, mut second) = (fleet.join("first").await, fleet.join("second").await);
    fleet.coordinator.restart();
    // Of the two one alone has connected to this process; the other is known as its peer.
    let map = first.online(Encoding::Zstd).await.unwrap();
    let relay = Relay::of(&map.view.others["DERPMap"]);

    server.crash();
    let mut here = relay.connect(&first.node).await.unwrap();
    let mut there = relay.connect(&second.node).await.unwrap();
    here.send(second.node_key(), b"carried").await.unwrap();
    assert_eq!(there.packet().await, (first.node_key(), b"carried".to_vec()));
    let stranger = SecretKey::from(random_bytes::<32>());
    assert!(relay.connect(&stranger).await.is_err(), "nobody can tell who that is");
    let mut map = second.online(Encoding::Zstd).await.unwrap();
    map.until("its peer", |view| view.peer("first").is_some()).await;

    server.resume();
    wait_until("people can do something again", PATIENCE, || {
        fleet.ada.run(&["node", "remove", "first", "--yes"]).code == 0
    });
    here.ended().await;
    assert!(relay.connect(&first.node).await.is_err(), "it is out");
    assert!(relay.connect(&second.node).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_postgres_was_away_is_written_when_it_is_back() {
    let server = Server::start();
    let mut fleet = on_postgres(&server).await;
    let (mut mover, _own) = fleet.connected("mover").await;
    let (mut watcher, _map) = fleet.connected("watcher").await;
    server.crash();
    assert_eq!(mover.report(&["192.0.2.77:7"]).await.unwrap().status, 200);
    // After each try it leaves the server alone for longer; one that stops does not wait for that to be over.
    let tries = || fleet.coordinator.log().matches(r#""message":"the database is away""#).count();
    wait_until("it has tried again and again", PATIENCE, || tries() >= 5);
    server.resume();
    fleet.coordinator.restart();
    let mut map = watcher.online(Encoding::Plain).await.unwrap();
    map.until("its endpoint", |view| {
        view.peer("mover").is_some_and(|peer| peer["Endpoints"] == json!(["192.0.2.77:7"]))
    })
    .await;
}

async fn a_mesh_joins_renames_and_removes(fleet: Fleet) {
    let (_pi, mut own) = fleet.connected("pi").await;
    let (mut other, mut map) = fleet.connected("pi").await;
    assert_eq!((own.view.own_name(), map.view.own_name()), ("pi", "pi-1"));
    assert_ne!(own.view.node["Addresses"], map.view.node["Addresses"]);
    own.until("the other", |view| view.peer("pi-1").is_some_and(|peer| peer["Online"] == true)).await;
    fleet.ada.json(&["node", "rename", "pi-1", "kitchen"]);
    map.until("its own new name", |view| view.own_name() == "kitchen").await;
    own.until("the other's new name", |view| view.peer("kitchen").is_some()).await;
    assert_eq!(other.report(&["192.0.2.3:3"]).await.unwrap().status, 200);
    own.until("where it is", |view| view.peer("kitchen").unwrap()["Endpoints"] == json!(["192.0.2.3:3"]))
        .await;
    fleet.ada.json(&["node", "remove", "kitchen", "--yes"]);
    map.ended().await;
    own.until("that it is gone", |view| view.peers.is_empty()).await;
    assert_eq!(other.report(&["192.0.2.3:4"]).await.unwrap().status, 404);
    assert_eq!(fleet.nodes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_joins_renames_and_removes_on_sqlite() {
    a_mesh_joins_renames_and_removes(Fleet::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_joins_renames_and_removes_on_postgres() {
    let server = Server::shared();
    a_mesh_joins_renames_and_removes(on_postgres(&server).await).await;
}
