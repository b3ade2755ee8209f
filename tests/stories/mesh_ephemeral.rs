//! Devices that are forgotten when they stay away: by a token, by their own wish, and across the end of the
//! coordinator, however it comes. When each device was last seen survives that end as well.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::api;
use common::coordinator::{Coordinator, Options};
use common::device::{Device, Encoding, Site};
use common::fleet::{Fleet, auth_key};
use common::mesh::{Person, SOON};
use common::page::Browser;
use common::postgres::Server;
use common::tailscaled::Tailscaled;
use common::wait::{wait_for, wait_until};
use serde_json::json;
use wonder::core::Timestamp;
use wonder::runtime::Clock;

crate::coordinator_stories! {
    the_page_says_that_a_device_asks_to_be_ephemeral_and_it_is
}

fn now() -> Timestamp {
    Clock::system().now()
}

/// The same coordinator on either engine.
fn on_sqlite() -> Options {
    Coordinator::options().args(&["--no-derp", "--ephemeral-grace", "10s"])
}

fn on_postgres(server: &Server) -> Options {
    on_sqlite().args(&["--database", &server.database()])
}

fn names(fleet: &Fleet) -> Vec<String> {
    fleet.nodes().iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

/// When a device was last seen; while it is connected, when it came.
fn seen(fleet: &Fleet, name: &str) -> Timestamp {
    let node = fleet.ada.json(&["node", "show", name])["node"].clone();
    Timestamp::parse(node["last_seen"].as_str().unwrap()).unwrap()
}

#[test]
fn a_device_without_state_that_is_approved_by_its_code_is_ephemeral() {
    let ada = Person::new();
    let mut device = Tailscaled::options().forgetful().start();
    let (mut up, url) = device.begin_log_in(ada.url(), "pi");
    let approved = ada.wonder.run(&["node", "approve", url.rsplit_once('/').unwrap().1]);
    assert_eq!(approved.code, 0, "{approved:?}");
    assert!(approved.stderr.contains("It asked to be ephemeral"), "{approved:?}");
    let status = wait_for("tailscale up ends", SOON, || up.ended());
    assert!(status.success(), "{}", up.log());
    assert_eq!(ada.node("pi")["ephemeral"], true);
    device.kill();
    wait_until("its grace is over", SOON, || ada.nodes().is_empty());
}

async fn the_page_says_that_a_device_asks_to_be_ephemeral_and_it_is(c: api::Coordinator) {
    const WISH: &str = "it asked to be removed soon after it goes away";
    let (bearer, org) = c.person("ada@example.org").await;
    let site = Site::at(c.address).await.unwrap();
    let mut browser = Browser::new(c.address);
    browser.log_in("ada@example.org", api::PASSWORD).await;
    for ephemeral in [true, false] {
        let mut device = Device::new(site, "pi");
        let asked = device.register_with(json!({ "Ephemeral": ephemeral })).await.unwrap();
        let url = asked.document().unwrap()["AuthURL"].as_str().unwrap().to_owned();
        let path = &url[url.find("/approve/").unwrap()..];
        assert_eq!(browser.get(path).await.says(WISH), ephemeral, "{}", browser.page.body);
        let decided = browser.submit(path, &[("decision", "approve"), ("org", &org)]).await;
        assert_eq!(decided.status, 303, "{decided:?}");
        let again = json!({ "Ephemeral": ephemeral, "Followup": url });
        let answer = device.register_with(again).await.unwrap().document().unwrap();
        assert_eq!(answer["MachineAuthorized"], true, "{answer}");
        let nodes = c.get(&format!("/api/v1/organizations/{org}/nodes"), &bearer).await;
        let newest = nodes.body["nodes"].as_array().and_then(|nodes| nodes.last()).unwrap().clone();
        assert_eq!(newest["ephemeral"], ephemeral, "{newest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_never_connects_is_forgotten() {
    let fleet = Fleet::of(on_sqlite()).await;
    let key = auth_key(&fleet.ada, &["--ephemeral"]);
    Device::join(fleet.site, &key, "pi").await;
    wait_until("its grace is over", SOON, || fleet.nodes().is_empty());
}

/// The coordinator is told to stop.
async fn a_stop_writes_when_devices_were_last_seen(mut fleet: Fleet) {
    let (_pi, _map) = fleet.connected("pi").await;
    let (mut gone, _) = fleet.connected("gone").await;
    gone.disconnect();
    wait_until("one is offline", SOON, || fleet.nodes().iter().any(|node| node["online"] == false));
    let (came, left, before) = (seen(&fleet, "pi"), seen(&fleet, "gone"), now());
    assert!(came < before);
    let stopped = fleet.coordinator.stop();
    assert!(stopped.success(), "{}", fleet.coordinator.log_tail());
    let after = now();
    fleet.coordinator.restart();
    let seen_last = seen(&fleet, "pi");
    assert!((before..=after).contains(&seen_last), "{before} {seen_last} {after}");
    assert_eq!(seen(&fleet, "gone"), left, "who had left before was last seen then");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_writes_when_devices_were_last_seen_on_sqlite() {
    a_stop_writes_when_devices_were_last_seen(Fleet::of(on_sqlite()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_writes_when_devices_were_last_seen_on_postgres() {
    let server = Server::shared();
    a_stop_writes_when_devices_were_last_seen(Fleet::of(on_postgres(&server)).await).await;
}

/// The coordinator dies under devices that have been connected for longer than their grace.
async fn a_kill_gives_connected_devices_their_grace_from_the_restart(mut fleet: Fleet) {
    let key = auth_key(&fleet.ada, &["--ephemeral", "--reusable"]);
    let join = async |name: &'static str| {
        let mut device = Device::join(fleet.site, &key, name).await;
        let map = device.online(Encoding::Zstd).await.unwrap();
        (device, map)
    };
    let (mut returns, _returns_map) = join("returns").await;
    let (_dies, _dies_map) = join("dies").await;
    let (mut measure, _measure_map) = join("m").await;
    measure.disconnect();
    wait_until("as long as the grace has passed", SOON, || names(&fleet) == ["returns", "dies"]);
    let before = now();
    fleet.coordinator.kill();
    fleet.coordinator.restart();
    assert_eq!(names(&fleet), ["returns", "dies"], "none is forgotten at once");
    assert!(seen(&fleet, "dies") >= before, "it was connected until then, as far as anybody knows");
    returns.disconnect();
    let _map = returns.online(Encoding::Zstd).await.unwrap();
    wait_until("the grace of the other one is over", SOON, || names(&fleet) == ["returns"]);
    assert_eq!(fleet.nodes()[0]["online"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_gives_connected_devices_their_grace_from_the_restart_on_sqlite() {
    a_kill_gives_connected_devices_their_grace_from_the_restart(Fleet::of(on_sqlite()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_gives_connected_devices_their_grace_from_the_restart_on_postgres() {
    let server = Server::shared();
    a_kill_gives_connected_devices_their_grace_from_the_restart(Fleet::of(on_postgres(&server)).await).await;
}
