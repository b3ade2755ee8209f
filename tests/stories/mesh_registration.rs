//! How real devices come in and come back: by a key, by a person's approval, after a restart, an expiry, a log-out,
//! with a new key; and who is refused.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::mesh::{self, Person, SOON, wait_for_peer, wait_for_state};
use common::tailscaled::Tailscaled;
use common::wait::{wait_for, wait_until};
use serde_json::{Value, json};
use wonder::core::Timestamp;

crate::coordinators_on_both_engines! {
    registration_by_the_join_tokens_auth_key_spends_one_use
    a_one_time_key_is_bound_to_the_machine_that_used_it
    a_token_that_is_of_no_use_is_refused_with_words_that_tailscale_up_shows
    re_registration_after_a_restart_of_the_daemon_or_the_coordinator
    re_registration_after_key_expiry_and_after_logout_keeps_addresses_and_name
    key_rotation_keeps_the_node_and_its_peers_are_told
    an_ephemeral_nodes_grace_starts_at_its_last_disconnect
    a_node_key_is_bound_to_its_machine_key
    interactive_registration_is_completed_by_node_approve
}

/// The node key that a device uses now.
fn node_key(device: &Tailscaled) -> String {
    device.status_json()["Self"]["PublicKey"].as_str().unwrap().to_owned()
}

/// What stays of a node for its life.
fn lasting(node: &Value) -> [Value; 3] {
    ["id", "addresses", "name"].map(|name| node[name].clone())
}

fn registration_by_the_join_tokens_auth_key_spends_one_use() {
    let ada = Person::new();
    let (token, device) = (ada.token(&["--uses", "2"]), Tailscaled::start());
    device.up(ada.url(), &token.auth_key, "pi", &[]);
    assert_eq!(ada.uses_left(&token), 1);
    let node = ada.node("pi");
    assert_eq!((&node["hostname"], &node["online"]), (&json!("pi"), &json!(true)));
    assert_eq!(node["addresses"][0], device.address());
    assert_eq!(node["client_version"].as_str().unwrap().split('-').next(), Some("1.102.3"));
}

fn a_one_time_key_is_bound_to_the_machine_that_used_it() {
    let ada = Person::new();
    let (token, device, other) = (ada.token(&[]), Tailscaled::start(), Tailscaled::start());
    device.up(ada.url(), &token.auth_key, "pi", &[]);
    let before = lasting(&ada.node("pi"));
    // The client shows the key twice: with its old node key, and with a new one.
    device.up(ada.url(), &token.auth_key, "pi", &["--force-reauth"]);
    assert_eq!(lasting(&ada.node("pi")), before);
    assert_eq!(ada.uses_left(&token), 0);
    let words = other.try_up(ada.url(), &token.auth_key, "thief", &[]).unwrap_err();
    assert!(words.contains("no use left"), "{words}");
    assert_eq!(ada.nodes().len(), 1);
}

fn a_token_that_is_of_no_use_is_refused_with_words_that_tailscale_up_shows() {
    let ada = Person::new();
    // A daemon each: one shows the refusal of before once more when it is asked again.
    let refused = |key: &str, words: &str| {
        let said = Tailscaled::start().try_up(ada.url(), key, "pi", &[]).unwrap_err();
        assert!(said.contains(words), "{words:?} in {said}");
    };
    let revoked = ada.token(&[]);
    ada.wonder.json(&["token", "revoke", &revoked.id, "--yes"]);
    refused(&revoked.auth_key, "revoked");
    let over = ada.token(&["--ttl", "1s"]);
    wait_until("the token is over", SOON, || {
        let list = ada.wonder.json(&["token", "list"]);
        let ends = |t: &Value| Timestamp::parse(t["expires_at"].as_str().unwrap()).unwrap();
        let token = list["tokens"].as_array().unwrap().iter().find(|t| t["id"] == over.id.as_str()).cloned();
        token.is_none_or(|token| ends(&token) < wonder::runtime::Clock::system().now())
    });
    refused(&over.auth_key, "expired");
    refused(&format!("wak_{}", "0".repeat(40)), "knows no such join token");
    assert_eq!(ada.nodes(), [] as [Value; 0]);
}

fn re_registration_after_a_restart_of_the_daemon_or_the_coordinator() {
    let mut coordinator = mesh::options().start();
    let ada = Person::of(&coordinator);
    let (mut device, witness) = (ada.device("pi"), ada.device("witness"));
    let (before, key) = (lasting(&ada.node("pi")), node_key(&device));
    device.restart();
    wait_for_state(&device, "Running");
    assert_eq!((lasting(&ada.node("pi")), node_key(&device)), (before.clone(), key.clone()));
    coordinator.restart();
    wait_until("both are back", SOON, || ada.nodes().iter().all(|node| node["online"] == true));
    // What changes now reaches both, so their streams are whole.
    ada.change(&["rename", "witness", "lookout"]);
    wait_for_peer(&device, "lookout", "is renamed", |peer| peer["Online"] == true);
    device.ping("lookout").unwrap();
    assert_eq!((lasting(&ada.node("pi")), node_key(&device)), (before, key));
    drop(witness);
}

fn re_registration_after_key_expiry_and_after_logout_keeps_addresses_and_name() {
    let ada = Person::new();
    let device = ada.device("pi");
    let before = lasting(&ada.node("pi"));
    let expired = ada.change(&["expire", "pi"]);
    assert!(expired["expires_at"].is_string());
    wait_for_state(&device, "NeedsLogin");
    ada.join(&device, "pi");
    assert_eq!(lasting(&ada.node("pi")), before);
    let second = node_key(&device);

    assert!(device.tailscale(["logout"]).status.success());
    assert_eq!(ada.node("pi")["online"], false);
    ada.join(&device, "pi");
    assert_eq!(lasting(&ada.node("pi")), before);
    assert_ne!(node_key(&device), second, "a key that was logged out is not used again");
}

fn key_rotation_keeps_the_node_and_its_peers_are_told() {
    let ada = Person::new();
    let (device, witness) = (ada.device("pi"), ada.device("witness"));
    let (before, old_key) = (lasting(&ada.node("pi")), node_key(&device));
    device.up(ada.url(), &ada.token(&[]).auth_key, "pi", &["--force-reauth"]);
    let new_key = node_key(&device);
    assert_ne!(new_key, old_key);
    assert_eq!(lasting(&ada.node("pi")), before);
    wait_for_peer(&witness, "pi", "has its new key", |peer| peer["PublicKey"] == new_key.as_str());
    witness.ping("pi").unwrap();
}

fn an_ephemeral_nodes_grace_starts_at_its_last_disconnect() {
    let ada = Person::new();
    let up = |name: &str| {
        let device = Tailscaled::start();
        device.up(ada.url(), &ada.token(&["--ephemeral"]).auth_key, name, &[]);
        device
    };
    let (mut stays, mut leaves) = (up("stays"), up("leaves"));
    let before = ada.node("stays");
    assert_eq!(before["ephemeral"], true);
    leaves.kill();
    let names = || ada.nodes().iter().map(|node| node["name"].clone()).collect::<Vec<_>>();
    wait_until("the grace of the one that left is over", SOON, || names() == ["stays"]);
    // The other one has been here for longer than that, and is away for a moment.
    stays.kill();
    stays.restart();
    wait_for_state(&stays, "Running");
    leaves.restart();
    leaves.wait_until("it is asked to log in", SOON, |leaves| {
        leaves.status_json()["AuthURL"].as_str().is_some_and(|url| !url.is_empty())
    });
    assert_eq!(lasting(&ada.node("stays")), lasting(&before));
    assert!(stays.tailscale(["logout"]).status.success());
    assert_eq!(names(), [] as [Value; 0], "a log-out ends an ephemeral node at once");
}

fn a_node_key_is_bound_to_its_machine_key() {
    let ada = Person::new();
    let mut device = ada.device("pi");
    let other = ada.device("other");
    let mut stolen = device.state_file();
    stolen["_machinekey"] = other.state_file()["_machinekey"].clone();
    device.stop();
    wait_until("the owner is offline", SOON, || ada.node("pi")["online"] == false);
    let thief = Tailscaled::options().state(stolen.to_string().into_bytes()).start();
    thief.wait_until("it is refused", SOON, |thief| thief.log().contains("belongs to another machine"));
    assert_ne!(thief.state(), "Running");
    assert_eq!(ada.node("pi")["online"], false);
    device.restart();
    wait_for_state(&device, "Running");
}

fn interactive_registration_is_completed_by_node_approve() {
    let ada = Person::new();
    let device = Tailscaled::start();
    let (mut up, url) = device.begin_log_in(ada.url(), "pi");
    let code = url.rsplit_once('/').unwrap().1;
    assert_eq!(url, format!("{}/approve/{code}", ada.url()));
    let bob = Person::new();
    bob.wonder.error(&["node", "approve", "ABCD-EFGH-JKLM"], 5);
    let node = ada.wonder.json(&["node", "approve", code])["node"].clone();
    assert_eq!((&node["name"], &node["owner"]), (&json!("pi"), &ada.nodes()[0]["owner"]));
    let status = wait_for("tailscale up ends", SOON, || up.ended());
    assert!(status.success(), "{}", up.log());
    assert_eq!(device.state(), "Running");
    ada.wonder.error(&["node", "approve", code], 5);
}
