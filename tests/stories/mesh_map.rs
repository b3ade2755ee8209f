//! What real devices are told of each other, and of themselves: names, changes, who is away, and who is out.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests; times are for the reader")]

use crate::common;

use common::device::view::View;
use common::device::{Device, Encoding, MapStream, Site};
use common::mesh::{self, Person, SOON, wait_for_peer, wait_for_state, wait_without_peer};
use common::tailscaled::Tailscaled;
use common::wait::wait_until;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wonder::core::Timestamp;

crate::coordinators_on_both_engines! {
    rename_expire_and_remove_are_seen_by_peers_at_once
    a_peer_hears_of_each_change_in_time
    a_removed_device_is_told_and_has_to_join_again
    a_killed_device_is_offline_after_five_seconds_and_one_that_logs_out_at_once
    tags_come_from_the_token_and_a_tagged_nodes_key_does_not_expire
    names_are_unique_and_magic_dns_answers_for_them
    resolvers_split_dns_and_search_domains_reach_the_devices
    a_client_that_reconnects_gets_everything_right
    realms_may_overlap_and_know_nothing_of_each_other
}

/// How soon a peer hears of a change once it is answered: milliseconds, and so much on a machine that is busy.
const IN_TIME: Duration = Duration::from_secs(30);

/// How long something took, for whoever reads the test's output.
fn timed(what: &str, wait: impl FnOnce()) -> Duration {
    let start = Instant::now();
    wait();
    println!("{what}: {} ms", start.elapsed().as_millis());
    start.elapsed()
}

fn rename_expire_and_remove_are_seen_by_peers_at_once() {
    let ada = Person::new();
    let (pi, witness) = (ada.device("pi"), ada.device("witness"));
    wait_for_peer(&witness, "pi", "online", |peer| peer["Online"] == true);
    timed("rename", || {
        ada.change(&["rename", "pi", "attic"]);
        wait_for_peer(&witness, "attic", "is renamed", |_| true);
    });
    timed("expire", || {
        ada.change(&["expire", "attic"]);
        wait_for_peer(&witness, "attic", "is expired", |peer| peer["Expired"] == true);
    });
    wait_for_state(&pi, "NeedsLogin");
    ada.join(&pi, "pi");
    wait_for_peer(&witness, "attic", "is back under its name", |peer| {
        peer["Online"] == true && peer["Expired"] != true
    });
    timed("remove", || {
        ada.change(&["remove", "attic"]);
        wait_without_peer(&witness, "attic");
    });
}

/// Makes a change, and waits until the watcher has heard of it.
async fn hears(map: &mut MapStream, what: &str, change: impl FnOnce(), holds: impl Fn(&View) -> bool) {
    change();
    let heard = tokio::time::timeout(IN_TIME, map.until(what, holds)).await;
    assert!(heard.is_ok(), "{what}: not within {IN_TIME:?}; the view: {:#?}", map.view);
}

fn a_peer_hears_of_each_change_in_time() {
    let ada = Person::new();
    let key = ada.token(&["--reusable"]).auth_key;
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let site = Site::of(ada.url()).await.unwrap();
        let mut watcher = Device::join(site, &key, "watcher").await;
        let mut map = watcher.online(Encoding::Zstd).await.unwrap();
        let mut pi = Device::join(site, &key, "pi").await;
        let _own = pi.online(Encoding::Zstd).await.unwrap();
        let is_online = |view: &View| view.peer("pi").is_some_and(|pi| pi["Online"] == true);
        hears(&mut map, "it is there", || {}, is_online).await;
        let rename = || drop(ada.change(&["rename", "pi", "attic"]));
        hears(&mut map, "its name", rename, |view| view.peer("attic").is_some()).await;
        assert_eq!(pi.report(&["192.0.2.9:9"]).await.unwrap().status, 200);
        let told = json!(["192.0.2.9:9"]);
        hears(&mut map, "where it is", || {}, |view| view.peer("attic").unwrap()["Endpoints"] == told).await;
        let before = map.view.peer("attic").unwrap()["KeyExpiry"].clone();
        let expire = || drop(ada.change(&["expire", "attic"]));
        hears(&mut map, "its key is over", expire, |v| v.peer("attic").unwrap()["KeyExpiry"] != before).await;
        let remove = || drop(ada.change(&["remove", "attic"]));
        hears(&mut map, "it is gone", remove, |view| view.peers.is_empty()).await;
    });
}

fn a_removed_device_is_told_and_has_to_join_again() {
    let ada = Person::new();
    let (mut pi, witness) = (ada.device("pi"), ada.device("witness"));
    wait_for_peer(&pi, "witness", "online", |peer| peer["Online"] == true);
    let before = ada.node("pi")["id"].clone();
    timed("told", || {
        ada.change(&["remove", "pi"]);
        wait_for_state(&pi, "NeedsLogin");
    });
    pi.ping("witness").unwrap_err();
    pi.restart();
    wait_for_state(&pi, "NeedsLogin");
    assert_eq!(ada.nodes().len(), 1);
    ada.join(&pi, "pi");
    assert_ne!(ada.node("pi")["id"], before, "it is another node now");
    pi.ping("witness").unwrap();
    drop(witness);
}

fn a_killed_device_is_offline_after_five_seconds_and_one_that_logs_out_at_once() {
    let ada = Person::new();
    let (mut killed, leaver, witness) = (ada.device("killed"), ada.device("leaver"), ada.device("witness"));
    for name in ["killed", "leaver"] {
        wait_for_peer(&witness, name, "online", |peer| peer["Online"] == true);
    }
    let offline = |name: &str| wait_for_peer(&witness, name, "offline", |peer| peer["Online"] == false);
    timed("log-out", || {
        assert!(leaver.tailscale(["logout"]).status.success());
        assert_eq!(ada.node("leaver")["online"], false, "a log-out is no lost connection");
        offline("leaver");
    });
    let took = timed("kill -9", || {
        killed.kill();
        offline("killed");
    });
    assert!(took >= Duration::from_secs(4), "a device that is back at once is no news: {took:?}");
    let node = ada.node("killed");
    assert_eq!(node["online"], false);
    assert!(node["last_seen"].is_string());
    killed.restart();
    wait_for_peer(&witness, "killed", "online", |peer| peer["Online"] == true);
}

fn tags_come_from_the_token_and_a_tagged_nodes_key_does_not_expire() {
    let ada = Person::new();
    let (server, witness) = (Tailscaled::start(), ada.device("witness"));
    let token = ada.token(&["--tag", "tag:server", "--tag", "tag:web"]);
    server.up(ada.url(), &token.auth_key, "server", &[]);
    let node = ada.node("server");
    assert_eq!((&node["tags"], &node["expires_at"]), (&json!(["tag:server", "tag:web"]), &Value::Null));
    let expires = Timestamp::parse(ada.node("witness")["expires_at"].as_str().unwrap()).unwrap();
    let in_180_days = wonder::runtime::Clock::system().now().plus(Duration::from_secs(180 * 86_400));
    assert!(expires <= in_180_days && expires.plus(Duration::from_secs(600)) > in_180_days);
    wait_for_peer(&witness, "server", "is tagged", |peer| peer["Tags"] == json!(["tag:server", "tag:web"]));
    let own = server.status_json();
    assert_eq!(own["Self"]["Tags"], json!(["tag:server", "tag:web"]));
    assert!(own["Self"]["KeyExpiry"].is_null(), "{}", own["Self"]["KeyExpiry"]);
}

fn names_are_unique_and_magic_dns_answers_for_them() {
    let ada = Person::new();
    let (first, second, witness) = (ada.device("pi"), ada.device("pi"), ada.device("witness"));
    wait_for_peer(&witness, "pi", "online", |peer| peer["TailscaleIPs"][0] == first.address());
    wait_for_peer(&witness, "pi-1", "online", |peer| peer["TailscaleIPs"][0] == second.address());
    let whole = ada.node("pi-1")["dns_name"].as_str().unwrap().to_owned();
    assert_eq!(witness.status_json()["MagicDNSSuffix"], whole.split_once('.').unwrap().1);
    for name in ["pi", "pi-1", &format!("{whole}.")] {
        witness.ping(name).unwrap();
    }
    let asked = witness.tailscale(["dns", "query", &format!("{whole}."), "A"]);
    let answer = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(answer.contains(&second.address()), "{answer}");

    // The device's own hostname names it, until a person does.
    assert!(second.tailscale(["set", "--hostname=attic"]).status.success());
    wait_for_peer(&witness, "attic", "is renamed", |peer| peer["TailscaleIPs"][0] == second.address());
    ada.change(&["rename", "attic", "cellar"]);
    assert!(second.tailscale(["set", "--hostname=roof"]).status.success());
    wait_until("the hostname is known", SOON, || ada.node("cellar")["hostname"] == "roof");
    wait_for_peer(&witness, "cellar", "keeps its name", |_| true);
    ada.wonder.error(&["node", "rename", "cellar", "pi"], 6);
}

fn resolvers_split_dns_and_search_domains_reach_the_devices() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let settings = r#"
[dns]
base-domain = "mesh.example.org"
resolvers = ["192.0.2.53"]
search-domains = ["example.org"]
split = { "corp.example.org" = ["192.0.2.54"] }
"#;
    std::fs::write(file.path(), settings).unwrap();
    let coordinator = mesh::options().args(&["--config", file.path().to_str().unwrap()]).start();
    let ada = Person::of(&coordinator);
    let pi = ada.device("pi");
    let name = ada.node("pi")["dns_name"].as_str().unwrap().to_owned();
    assert!(name.ends_with(".mesh.example.org"), "{name}");
    let output = pi.tailscale(["dns", "status"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let realm = name.split_once('.').unwrap().1;
    // Whole words: one of the domains is the end of another.
    let words: Vec<&str> = said.split(|c: char| c.is_whitespace() || ",:()".contains(c)).collect();
    for part in ["192.0.2.53", "192.0.2.54", "corp.example.org", "example.org", realm] {
        assert!(words.iter().any(|word| word.trim_end_matches('.') == part), "{part} in {said}");
    }
}

fn a_client_that_reconnects_gets_everything_right() {
    let ada = Person::new();
    let (mut pi, stays, goes) = (ada.device("pi"), ada.device("stays"), ada.device("goes"));
    wait_for_peer(&pi, "goes", "is known", |_| true);
    pi.stop();
    ada.change(&["rename", "stays", "renamed"]);
    ada.change(&["remove", "goes"]);
    let comes = ada.device("comes");
    pi.restart();
    wait_for_state(&pi, "Running");
    for (name, device) in [("renamed", &stays), ("comes", &comes)] {
        wait_for_peer(&pi, name, "online", |peer| peer["Online"] == true);
        wait_for_peer(&pi, name, "has its address", |peer| peer["TailscaleIPs"][0] == device.address());
        pi.ping(name).unwrap();
    }
    assert!(pi.peer("goes").is_none() && pi.peer("stays").is_none());
    drop(goes);
}

fn realms_may_overlap_and_know_nothing_of_each_other() {
    let (ada, bob) = (Person::new(), Person::new());
    let (hers, his) = (ada.device("pi"), bob.device("pi"));
    let (friend, other) = (ada.device("friend"), bob.device("other"));
    assert_eq!(hers.address(), his.address(), "each realm counts from its own beginning");
    wait_for_peer(&hers, "friend", "online", |peer| peer["Online"] == true);
    wait_for_peer(&his, "other", "online", |peer| peer["Online"] == true);
    for device in [&hers, &his, &friend, &other] {
        assert_eq!(device.status_json()["Peer"].as_object().unwrap().len(), 1);
    }
    his.ping("friend").unwrap_err();
    let name = ada.node("pi")["dns_name"].as_str().unwrap().to_owned();
    his.ping(&name).unwrap_err();
    bob.wonder.error(&["node", "show", "friend"], 5);
    bob.wonder.error(&["node", "remove", ada.node("friend")["id"].as_str().unwrap(), "--yes"], 5);
}
