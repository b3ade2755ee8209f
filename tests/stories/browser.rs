//! Clients in browsers, which have WebSockets alone: they join, are told of their realm, and use the relay, as
//! every other client does.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use crate::common;

use common::browser;
use common::coordinator::Coordinator;
use common::device::{Device, Encoding, Site};
use common::fleet::{Fleet, auth_key};
use common::relay::{Relay, RelayClient};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};

const PATIENCE: Duration = Duration::from_secs(60);

async fn fleet_with_relay() -> Fleet {
    let ports = ["--derp-listen", "127.0.0.1:0", "--stun-listen", "127.0.0.1:0"];
    Fleet::of(Coordinator::options().args(&ports)).await
}

/// The status of a refusal, and the code of the problem.
fn refusal<T>(answer: Result<T, Error>) -> (u16, String) {
    let Err(Error::Http(answer)) = answer else { panic!("it was not refused") };
    let problem: Value =
        serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).unwrap_or_default();
    (answer.status().as_u16(), problem["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_a_browser_joins_and_is_told_of_its_realm() {
    let fleet = Fleet::new().await;
    let page = browser::control(fleet.site).await;
    let mut tab = Device::join(page, &auth_key(&fleet.ada, &[]), "tab").await;
    let mut map = tab.online(Encoding::Zstd).await.unwrap();
    let (mut pi, mut pi_map) = fleet.connected("pi").await;
    map.until("the peer", |view| view.peer("pi").is_some_and(|pi| pi["Online"] == true)).await;
    pi_map.until("the tab", |view| view.peer("tab").is_some_and(|tab| tab["Online"] == true)).await;
    assert_eq!(tab.report(&["192.0.2.7:7"]).await.unwrap().status, 200);
    pi_map
        .until("its endpoint", |view| view.peer("tab").unwrap()["Endpoints"] == json!(["192.0.2.7:7"]))
        .await;
    pi.logout().await.unwrap();
    map.until("the log-out", |view| view.peer("pi").unwrap()["Online"] == false).await;
    fleet.ada.json(&["node", "remove", "tab", "--yes"]);
    map.ended().await;
    assert_eq!(map.view.node["Expired"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_map_of_many_peers_comes_through() {
    let fleet = Fleet::new().await;
    let _others = fleet.connect_many("pi", 60).await;
    let page = browser::control(fleet.site).await;
    let mut tab = Device::join(page, &fleet.auth_key, "tab").await;
    for encoding in [Encoding::Plain, Encoding::Zstd] {
        let map = tab.online(encoding).await.unwrap();
        assert_eq!(map.view.peers.len(), 60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_a_browser_uses_the_relay() {
    let fleet = fleet_with_relay().await;
    let (mut pi, map) = fleet.connected("pi").await;
    let relay = Relay::of(&map.view.others["DERPMap"]);
    let mut tab = fleet.join("tab").await;
    let mut pi_client = relay.connect(&pi.node).await.unwrap();
    let bytes = browser::relay(&relay).await;
    let mut tab_client = RelayClient::log_in(bytes, &tab.node, tab.node_key()).await.unwrap();
    for length in [1, 1_200, 64 * 1024] {
        let packet = vec![7; length];
        tab_client.send(pi.node_key(), &packet).await.unwrap();
        assert_eq!(pi_client.packet().await, (tab.node_key(), packet.clone()));
        pi_client.send(tab.node_key(), &packet).await.unwrap();
        assert_eq!(tab_client.packet().await, (pi.node_key(), packet));
    }
    fleet.ada.json(&["node", "remove", "tab", "--yes"]);
    tab_client.ended().await;
    let bytes = browser::relay(&relay).await;
    assert!(RelayClient::log_in(bytes, &tab.node, tab.node_key()).await.is_err(), "nor again");
    pi.disconnect();
    tab.disconnect();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_websocket_is_refused_or_ended() {
    let fleet = fleet_with_relay().await;
    let Site { address, .. } = fleet.site;
    let connect = || async { TcpStream::connect(address).await.unwrap() };
    let control = Some("tailscale-control-protocol");
    let no_subprotocol = browser::open(connect().await, "/ts2021?X-Tailscale-Handshake=AAAA", None).await;
    assert_eq!(refusal(no_subprotocol), (400, "handshake_refused".into()));
    let no_handshake = browser::open(connect().await, "/ts2021", control).await;
    assert_eq!(refusal(no_handshake), (400, "malformed_handshake".into()));
    let no_base64 = browser::open(connect().await, "/ts2021?X-Tailscale-Handshake=%00", control).await;
    assert_eq!(refusal(no_base64), (400, "malformed_handshake".into()));
    let (_pi, map) = fleet.connected("pi").await;
    let relay = Relay::of(&map.view.others["DERPMap"]);
    let other = browser::open(relay.dial().await.unwrap(), "/derp", Some("chat")).await;
    assert_eq!(refusal(other), (400, "unknown_subprotocol".into()));
    let none = browser::open(relay.dial().await.unwrap(), "/derp", None).await;
    assert_eq!(refusal(none), (400, "unknown_subprotocol".into()));

    for nonsense in [Message::text("text"), Message::binary(vec![0; 200 * 1024]), Message::Close(None)] {
        let mut socket = browser::open_relay(&relay).await;
        // The relay may have ended the connection before it was all sent.
        let _ = socket.send(nonsense).await;
        let end = async { while let Some(Ok(_)) = socket.next().await {} };
        tokio::time::timeout(PATIENCE, end).await.expect("the connection ends");
    }
    let half = relay.get("/derp", "Upgrade: websocket\r\n").await.unwrap();
    assert!(half.starts_with("HTTP/1.1 400 ") && half.contains("malformed_websocket"), "{half}");
    let plain = ureq::get(format!("http://{address}/ts2021")).call();
    assert!(matches!(plain, Err(ureq::Error::StatusCode(400))), "{plain:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_of_the_websocket_is_answered() {
    let fleet = fleet_with_relay().await;
    let (_pi, map) = fleet.connected("pi").await;
    let mut socket = browser::open_relay(&Relay::of(&map.view.others["DERPMap"])).await;
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    let pong = async {
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Pong(said) => return said,
                other => assert!(other.is_binary(), "{other}"),
            }
        }
    };
    let said = tokio::time::timeout(PATIENCE, pong).await.expect("an answer");
    assert_eq!(&said[..], b"are you there");
}
