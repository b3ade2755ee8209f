//! One organization's device and one organization's owner who know everything of the other organization that can
//! be known, its ids and its devices' public keys, and try with clients made by hand: the relay carries nothing
//! across, the map tells nothing, and the API knows of nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use crate::common;

use common::coordinator::Coordinator;
use common::device::{Device, Encoding, MapStream, Site};
use common::fleet::{auth_key, person};
use common::relay::{self, Frame, PEER_GONE, RECEIVE, Relay, RelayClient, disco_packet};
use common::wonder::Wonder;
use crypto_box::SecretKey;
use serde_json::{Value, json};
use wonder::core::key::NodeKey;
use wonder::core::secret::random_bytes;

crate::coordinators_on_both_engines! {
    async
    the_relay_carries_nothing_to_the_other_realm_and_does_not_tell_who_is_there
    the_relay_believes_no_key_that_is_not_proven_and_admits_no_stranger
    the_map_tells_nothing_of_the_other_realm
    the_packet_filter_lets_in_what_is_for_the_node_itself_alone
    the_api_knows_no_id_of_another_organization
}

/// A coordinator, two people, and two devices of each that hold their maps.
struct Stage {
    _coordinator: Coordinator,
    url: String,
    ada: Party,
    bob: Party,
    relay: Relay,
}

struct Party {
    wonder: Wonder,
    devices: [(Device, MapStream); 2],
}

impl Stage {
    async fn new() -> Stage {
        let ports = ["--derp-listen", "127.0.0.1:0", "--stun-listen", "127.0.0.1:0"];
        let coordinator = Coordinator::options().args(&ports).start();
        let url = coordinator.url().to_owned();
        let site = Site::of(&url).await.unwrap();
        let ada = Party::new(&coordinator, site, "ada@example.org").await;
        let bob = Party::new(&coordinator, site, "bob@example.org").await;
        let relay = Relay::of(&ada.devices[0].1.view.others["DERPMap"]);
        Stage { _coordinator: coordinator, url, ada, bob, relay }
    }
}

impl Party {
    async fn new(coordinator: &Coordinator, site: Site, email: &str) -> Party {
        let wonder = person(coordinator, email);
        let first = Party::join(&wonder, site, "first").await;
        Party { devices: [first, Party::join(&wonder, site, "second").await], wonder }
    }

    async fn join(wonder: &Wonder, site: Site, name: &str) -> (Device, MapStream) {
        let mut device = Device::join(site, &auth_key(wonder, &[]), name).await;
        let stream = device.online(Encoding::Zstd).await.unwrap();
        (device, stream)
    }

    fn keys(&self) -> [&SecretKey; 2] {
        [&self.devices[0].0.node, &self.devices[1].0.node]
    }
}

/// What a frame says without the key that it speaks of.
fn without(key: NodeKey, frames: Vec<Frame>) -> Vec<Frame> {
    let blank = |body: Vec<u8>| match body.strip_prefix(&key.0) {
        Some(rest) => [&[0; 32][..], rest].concat(),
        None => body,
    };
    frames.into_iter().map(|(kind, body)| (kind, blank(body))).collect()
}

/// What the relay answers to packets for `to`: for data, and for attempts to find a path.
async fn answers<IO>(client: &mut RelayClient<IO>, to: NodeKey) -> Vec<Frame>
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    client.send(to, b"data").await.unwrap();
    client.send(to, &disco_packet()).await.unwrap();
    without(to, client.settle().await.unwrap())
}

async fn the_relay_carries_nothing_to_the_other_realm_and_does_not_tell_who_is_there() {
    let stage = Stage::new().await;
    let ([ada, ada2], [bob, bob2]) = (stage.ada.keys(), stage.bob.keys());
    let mut intruder = stage.relay.connect(ada).await.unwrap();
    let mut friend = stage.relay.connect(ada2).await.unwrap();
    let mut victim = stage.relay.connect(bob).await.unwrap();

    let to_nobody = answers(&mut intruder, NodeKey(random_bytes())).await;
    assert_eq!(to_nobody, [(PEER_GONE, [&[0; 32][..], &[1]].concat())]);
    let mut patient = stage.relay.connect(ada).await.unwrap();
    assert_eq!(answers(&mut patient, relay::public(bob)).await, to_nobody, "as if nobody were there");
    let mut patient = stage.relay.connect(ada).await.unwrap();
    assert_eq!(answers(&mut patient, relay::public(bob2)).await, to_nobody, "who indeed is not");

    for _ in 0..100 {
        intruder.send(relay::public(bob), b"across").await.unwrap();
        intruder.send(relay::public(ada2), b"inside").await.unwrap();
    }
    intruder.settle().await.unwrap();
    assert_eq!(friend.packet().await, (relay::public(ada), b"inside".to_vec()));
    assert_eq!(victim.settle().await.unwrap(), [], "nothing has come to the other realm");
    let mut colleague = stage.relay.connect(bob2).await.unwrap();
    colleague.send(relay::public(bob), b"inside").await.unwrap();
    assert_eq!(victim.packet().await, (relay::public(bob2), b"inside".to_vec()));
    drop(colleague);
    let (kind, gone) = victim.frame().await.unwrap();
    assert_eq!((kind, &gone[..32]), (PEER_GONE, &relay::public(bob2).0[..]));
    drop((intruder, patient));
    assert_eq!(victim.settle().await.unwrap(), [], "nor that somebody left");
}

async fn the_relay_believes_no_key_that_is_not_proven_and_admits_no_stranger() {
    let stage = Stage::new().await;
    let [bob, bob2] = stage.bob.keys();
    let mut victim = stage.relay.connect(bob).await.unwrap();
    let [ada, _] = stage.ada.keys();
    let forged = RelayClient::log_in(stage.relay.upgrade().await.unwrap(), ada, relay::public(bob)).await;
    assert_eq!(forged.err().unwrap().kind(), std::io::ErrorKind::UnexpectedEof);
    let stranger = stage.relay.connect(&SecretKey::from(random_bytes::<32>())).await;
    assert_eq!(stranger.err().unwrap().kind(), std::io::ErrorKind::UnexpectedEof);
    let mut colleague = stage.relay.connect(bob2).await.unwrap();
    colleague.send(relay::public(bob), b"still mine").await.unwrap();
    assert_eq!(victim.frame().await.unwrap().0, RECEIVE, "the victim's packets are still its own");
}

async fn the_map_tells_nothing_of_the_other_realm() {
    let mut stage = Stage::new().await;
    let [(mut ada, mut map), _] = stage.ada.devices;
    let [(bob, _), _] = &mut stage.bob.devices;
    let theirs = bob.node_key().to_string();
    // Whatever changes there changes nothing here: the next message is about the own realm.
    bob.report(&["192.0.2.66:6666"]).await.unwrap();
    stage.bob.wonder.json(&["node", "rename", "first", "renamed"]);
    stage.bob.wonder.json(&["node", "remove", "second", "--yes"]);
    stage.ada.wonder.json(&["node", "rename", "second", "renamed"]);
    map.until("the own realm's change", |view| view.peer("renamed").is_some()).await;
    let known = format!("{:?}", map.view);
    assert_eq!(map.view.names(), ["renamed"]);
    for foreign in [&theirs, "192.0.2.66", "bob"] {
        assert!(!known.contains(foreign), "{foreign} in {known}");
    }
    // Nor does a device get a map, or change one, by another's public key.
    let own = std::mem::replace(&mut ada.node, bob.node.clone());
    assert_eq!(ada.report(&["192.0.2.67:6667"]).await.unwrap().status, 404);
    assert!(ada.map_stream(Encoding::Plain).await.is_err());
    let taken_over = ada.register_with(json!({})).await.unwrap().document().unwrap();
    assert_eq!(taken_over["MachineAuthorized"], false, "{taken_over}");
    ada.node = own;
    assert_eq!(ada.report(&["192.0.2.68:6668"]).await.unwrap().status, 200);
}

/// A person's calls of the API.
struct Caller {
    url: String,
    bearer: String,
    org: String,
    agent: ureq::Agent,
}

impl Caller {
    fn new(url: &str, email: &str) -> Caller {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut caller =
            Caller { url: format!("{url}/api/v1"), bearer: String::new(), org: String::new(), agent };
        let log_in = json!({ "email": email, "password": "a long enough password", "label": "a test" });
        let (status, session) = caller.call("POST", "/sessions", Some(log_in));
        assert_eq!(status, 201, "{session}");
        session["token"].as_str().unwrap().clone_into(&mut caller.bearer);
        session["organization"]["id"].as_str().unwrap().clone_into(&mut caller.org);
        caller
    }

    /// The status, and the document without the request's id.
    fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("authorization", format!("Bearer {}", self.bearer));
        let answer = match body {
            None => self.agent.run(request.body(()).unwrap()),
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string()).unwrap())
            }
        };
        let mut answer = answer.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let mut document: Value =
            serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap_or_default();
        document.as_object_mut().map(|members| members.remove("request_id"));
        (answer.status().as_u16(), document)
    }

    fn make(&self, what: &str, wish: Value) -> String {
        let (status, made) = self.call("POST", &format!("/organizations/{}/{what}s", self.org), Some(wish));
        assert_eq!(status, 201, "{made}");
        made[what]["id"].as_str().unwrap().to_owned()
    }

    /// Everything of the own organization that the API shows.
    fn all(&self) -> Vec<Value> {
        let parts = ["", "/nodes", "/tokens", "/keys"];
        parts.map(|part| self.call("GET", &format!("/organizations/{}{part}", self.org), None).1).into()
    }
}

async fn the_packet_filter_lets_in_what_is_for_the_node_itself_alone() {
    let stage = Stage::new().await;
    for (_, map) in stage.ada.devices.iter().chain(&stage.bob.devices) {
        let own = map.view.node["Addresses"].as_array().unwrap().iter().map(|cidr| {
            let address = cidr.as_str().unwrap().split('/').next().unwrap();
            json!({ "IP": address, "Ports": { "First": 0, "Last": 65535 } })
        });
        let rule = json!({
            "SrcIPs": ["100.64.0.0/10", "fd7a:115c:a1e0::/48"],
            "DstPorts": own.collect::<Vec<_>>(),
        });
        assert_eq!(map.view.others["PacketFilters"], json!({ "base": [rule] }));
    }
}

async fn the_api_knows_no_id_of_another_organization() {
    let stage = Stage::new().await;
    let (ada, bob) = (Caller::new(&stage.url, "ada@example.org"), Caller::new(&stage.url, "bob@example.org"));
    let token = bob.make("token", json!({}));
    let key = bob.make("key", json!({ "name": "deploy" }));
    let before = bob.all();
    let node = before[1]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let nothing = "0198c0de-0000-7000-8000-000000000000";
    for org in [&ada.org, &bob.org] {
        for (method, path, id, body) in [
            ("GET", "/nodes/ID", &node, None),
            ("PATCH", "/nodes/ID", &node, Some(json!({ "name": "mine" }))),
            ("DELETE", "/nodes/ID", &node, None),
            ("POST", "/nodes/ID/expire", &node, None),
            ("PUT", "/nodes/ID/routes", &node, Some(json!({ "approved": [] }))),
            ("GET", "/tokens/ID", &token, None),
            ("DELETE", "/tokens/ID", &token, None),
            ("DELETE", "/keys/ID", &key, None),
            ("POST", "/keys/ID/rotate", &key, Some(json!({}))),
        ] {
            let ask = |id: &str| {
                let path = format!("/organizations/{org}{}", path.replace("ID", id));
                let (status, answer) = ada.call(method, &path, body.clone());
                (status, answer.to_string().replace(id, "ID"))
            };
            let answer = ask(id);
            assert_eq!(answer.0, 404, "{method} {path}: {answer:?}");
            assert_eq!(answer, ask(nothing), "{method} {path}: as for an id of nothing");
        }
    }
    for part in ["", "/nodes", "/tokens", "/keys"] {
        let (status, answer) = ada.call("GET", &format!("/organizations/{}{part}", bob.org), None);
        assert_eq!((status, &answer["code"]), (404, &json!("organization_not_found")), "{part}");
    }
    for (part, wish) in
        [("tokens", json!({})), ("keys", json!({ "name": "x" })), ("approvals", json!({ "code": "x" }))]
    {
        let (status, answer) = ada.call("POST", &format!("/organizations/{}/{part}", bob.org), Some(wish));
        assert_eq!((status, &answer["code"]), (404, &json!("organization_not_found")), "{part}");
    }
    assert_eq!(bob.all(), before, "and nothing has changed");
}
