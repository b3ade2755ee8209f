//! The simulated device itself: that it joins as a real one does, and that its view is the coordinator's map.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::coordinator::Coordinator;
use common::device::{Device, Encoding};
use common::fleet::{Fleet, auth_key};
use common::page::Browser;
use common::wait::wait_until;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_device_joins_and_sees_what_happens_to_its_peers() {
    let fleet = Fleet::new().await;
    for (own, other, encoding) in [("a", "b", Encoding::Zstd), ("c", "d", Encoding::Plain)] {
        let mut watcher = fleet.join(own).await;
        let mut map = watcher.online(encoding).await.unwrap();
        assert_eq!(map.view.own_name(), own);
        let (mut peer, _stream) = fleet.connected(other).await;
        map.until("the peer is there", |view| view.peer(other).is_some_and(|p| p["Online"] == true)).await;
        assert_eq!(map.view.peer(other).unwrap()["Key"], json!(peer.node_key()));
        assert_eq!(peer.report(&["192.0.2.7:41641"]).await.unwrap().status, 200);
        let told = json!(["192.0.2.7:41641"]);
        map.until("its endpoint", |view| view.peer(other).unwrap()["Endpoints"] == told).await;
        fleet.ada.json(&["node", "rename", other, &format!("{other}-new")]);
        map.until("its name", |view| view.peer(&format!("{other}-new")).is_some()).await;
        assert_eq!(peer.logout().await.unwrap()["NodeKeyExpired"], true);
        let expired = format!("{other}-new");
        map.until("its log-out", |view| view.peer(&expired).unwrap()["Online"] == false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_device_is_told_and_its_stream_ends() {
    let fleet = Fleet::new().await;
    let (_device, mut stream) = fleet.connected("pi").await;
    fleet.ada.json(&["node", "remove", "pi", "--yes"]);
    stream.ended().await;
    assert_eq!(stream.view.node["Expired"], true, "{}", stream.view.node);
}

/// It is told, its peers and the lists know, and nobody believes it is there because it goes on listening.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_key_has_ended_is_not_online_though_it_is_connected() {
    let fleet = Fleet::new().await;
    let (mut pi, mut own) = fleet.connected("pi").await;
    let (_witness, mut map) = fleet.connected("witness").await;
    fleet.ada.json(&["node", "expire", "pi", "--yes"]);
    own.until("its end", |view| view.node["Expired"] == true).await;
    let is_over = |pi: &serde_json::Value| pi["Online"] == false && pi["KeyExpiry"].is_string();
    map.until("its peer's end", |view| view.peer("pi").is_some_and(is_over)).await;
    assert_eq!(pi.report(&["192.0.2.4:4"]).await.unwrap().status, 200, "it is still connected");
    let mut again = pi.twin();
    let _stream = again.online(Encoding::Zstd).await.unwrap();

    let online: Vec<_> = fleet.nodes().iter().map(|node| node["online"].clone()).collect();
    assert_eq!(online, [json!(false), json!(true)]);
    let list = fleet.ada.run(&["node", "list"]).stdout;
    let line = list.lines().find(|line| line.starts_with("pi ")).expect("a line");
    assert!(line.ends_with("key expired"), "{list}");
    let address = fleet.coordinator.url().trim_start_matches("http://").parse().unwrap();
    let mut browser = Browser::new(address);
    browser.log_in("ada@example.org", "a long enough password").await;
    for (state, is_there) in [("online", false), ("offline", true), ("", true)] {
        let page = browser.get(&format!("/o/ada/devices?state={state}")).await;
        assert_eq!(page.says("devices/pi\""), is_there, "{state}: {page:?}");
        assert_eq!(page.says("<span class=\"state off\">Key expired"), is_there, "{state}: {page:?}");
    }
    assert!(browser.get("/o/ada/devices/pi").await.says("Key expired"), "{:?}", browser.page);
    assert!(browser.get("/o/ada").await.says("Key expired"), "{:?}", browser.page);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_stream_a_device_gets_one_whole_map_or_only_says_where_it_is() {
    let fleet = Fleet::new().await;
    let (mut peer, mut told) = fleet.connected("peer").await;
    let mut pi = fleet.join("pi").await;
    for encoding in [Encoding::Zstd, Encoding::Plain] {
        let maps = pi.map_once(encoding, json!({})).await.unwrap();
        let [map] = maps.as_slice() else { panic!("{maps:?}") };
        assert!(map["Node"]["Name"].as_str().unwrap().starts_with("pi."), "{map}");
        assert_eq!(map["Peers"][0]["Key"], json!(peer.node_key()));
        assert!(map["PacketFilters"].is_object() && map["DNSConfig"].is_object(), "{map}");
    }
    let node = &fleet.nodes()[1];
    assert_eq!((&node["name"], &node["online"]), (&json!("pi"), &json!(false)), "a look is no presence");
    // The same without the peers, for whoever looks on at start for the relays.
    let only_look = json!({ "OmitPeers": true, "ReadOnly": true, "Endpoints": ["192.0.2.1:1"] });
    let maps = pi.map_once(Encoding::Zstd, only_look).await.unwrap();
    assert!(maps.len() == 1 && maps[0]["Node"].is_object() && maps[0]["Peers"] == json!([]), "{maps:?}");
    let said = pi.report(&["192.0.2.2:2"]).await.unwrap();
    assert_eq!((said.status, said.body.len()), (200, 0), "a report is answered by its status");
    // One map takes what the device says of itself, and holds what was said before it.
    pi.map_once(Encoding::Zstd, json!({ "Endpoints": ["192.0.2.3:3"] })).await.unwrap();
    let _stream = pi.online(Encoding::Zstd).await.unwrap();
    let now = json!(["192.0.2.3:3"]);
    told.until("where it is", |view| view.peer("pi").is_some_and(|pi| pi["Endpoints"] == now)).await;
    peer.report(&["192.0.2.4:4"]).await.unwrap();
    let maps = pi.map_once(Encoding::Plain, json!({ "Endpoints": ["192.0.2.3:3"] })).await.unwrap();
    assert_eq!(maps[0]["Peers"][0]["Endpoints"], json!(["192.0.2.4:4"]));
    let mut stranger = Device::new(fleet.site, "stranger");
    assert!(stranger.map_once(Encoding::Plain, json!({})).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_peers_tells_a_device_of_itself_alone() {
    let fleet = Fleet::new().await;
    let (mut peer, _stream) = fleet.connected("peer").await;
    let mut pi = fleet.join("pi").await;
    let mut own = pi.map_stream_with(Encoding::Zstd, json!({ "OmitPeers": true })).await.unwrap();
    let first = own.next().await.unwrap();
    assert!(first["Node"].is_object() && first["Peers"] == json!([]), "{first}");
    assert_eq!(peer.report(&["192.0.2.4:4"]).await.unwrap().status, 200);
    fleet.ada.json(&["node", "rename", "peer", "other"]);
    fleet.ada.json(&["node", "rename", "pi", "attic"]);
    let next = own.next().await.unwrap();
    assert!(own.view.own_name() == "attic" && own.view.peers.is_empty(), "{next}");
    assert!(next.get("PeersChanged").is_none() && next.get("PeersChangedPatch").is_none(), "{next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_reads_why() {
    let fleet = Fleet::new().await;
    let mut stranger = Device::new(fleet.site, "stranger");
    let answer = stranger.register("wak_0000000000000000000000000000000000000000").await.unwrap();
    assert_eq!(answer["MachineAuthorized"], false);
    assert!(!answer["Error"].as_str().unwrap().is_empty(), "{answer}");
    assert_eq!(stranger.request("/machine/map", "{").await.unwrap().status, 400);
}

/// Each of docs/compatibility.md; what begins like one of them counts as well.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_supported_yet_answers_501_and_says_so() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/compatibility.md");
    let document = std::fs::read_to_string(document).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `/machine/")?.split('`').next());
    let endpoints: Vec<_> = rows.map(|row| format!("/machine/{}", row.replace('…', "anything"))).collect();
    assert!(endpoints.len() > 8, "{endpoints:?}");
    let fleet = Fleet::new().await;
    let (mut device, _stream) = fleet.connected("pi").await;
    for endpoint in endpoints {
        let answer = device.request(&endpoint, "{}").await.unwrap();
        assert_eq!(answer.status, 501, "{endpoint}");
        assert!(answer.text().contains(&format!("{endpoint} is not supported")), "{}", answer.text());
    }
    assert_eq!(device.request("/machine/update-health", "{}").await.unwrap().status, 204);
    assert_eq!(device.request("/machine/nothing", "{}").await.unwrap().status, 404);
}

/// Clients give a stream up that says nothing for two minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_has_nothing_to_tell_is_kept_alive_within_a_minute() {
    let fleet = Fleet::new().await;
    let (mut pi, mut tv) = (fleet.join("pi").await, fleet.join("tv").await);
    let mut streams = [pi.online(Encoding::Zstd).await.unwrap(), tv.online(Encoding::Plain).await.unwrap()];
    // Both stay open to the end: that one has gone is something to tell the other.
    let waits = streams.each_mut().map(|stream| async move {
        let minute = tokio::time::timeout(Duration::from_secs(75), async {
            loop {
                let message = stream.read().await.unwrap().expect("the stream goes on");
                if message["KeepAlive"] == true {
                    return message;
                }
            }
        });
        minute.await.expect("a keep-alive")
    });
    for message in futures_util::future::join_all(waits).await {
        let members: Vec<_> = message.as_object().unwrap().keys().collect();
        assert_eq!(members, ["KeepAlive"], "and nothing else");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_given_only_so_many_codes() {
    let fleet = Fleet::new().await;
    let mut stranger = Device::new(fleet.site, "stranger");
    let mut given = 0;
    for n in 0..100 {
        let body = json!({ "Version": 145, "NodeKey": format!("nodekey:{:064x}", n + 1) }).to_string();
        let answer = stranger.request("/machine/register", body).await.unwrap();
        if answer.status == 429 {
            let wait: u32 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=30).contains(&wait), "{wait} s until there is room for one");
            assert_eq!(answer.headers["ratelimit-policy"], "\"register-address\";q=60;w=1800");
            break;
        }
        assert!(!answer.document().unwrap()["AuthURL"].as_str().unwrap().is_empty());
        given += 1;
    }
    assert!((60..100).contains(&given), "{given} codes");
    let (_device, _stream) = fleet.connected("one-with-a-key").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ephemeral_device_that_is_back_in_time_stays_and_one_that_stays_away_goes() {
    let options = Coordinator::options().args(&["--no-derp", "--ephemeral-grace", "10s"]);
    let fleet = Fleet::of(options).await;
    let key = auth_key(&fleet.ada, &["--reusable", "--ephemeral"]);
    let mut back = Device::join(fleet.site, &key, "back").await;
    let mut away = Device::join(fleet.site, &key, "away").await;
    drop((back.online(Encoding::Zstd).await.unwrap(), away.online(Encoding::Zstd).await.unwrap()));
    drop(away);
    let _stream = back.online(Encoding::Zstd).await.unwrap();
    let names = || fleet.nodes().iter().map(|n| n["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    wait_until("the one that is away is gone", Duration::from_secs(60), || names() == ["back"]);
}
