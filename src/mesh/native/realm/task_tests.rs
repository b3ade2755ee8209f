//! What happens between a realm and its sessions that no connection would show reliably: devices that go away
//! in the middle, changes that overtake one another, keys that are over.

use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

use super::handle::{Attached, Device, Event, Realm};
use super::outbox::{Next, Outbox};
use super::settings::Settings;
use super::state_tests::node;
use super::task::{Surroundings, start};
use super::unsaved::Unsaved;
use crate::config::server::Dns;
use crate::core::Timestamp;
use crate::core::id::NodeNumber;
use crate::core::node::Node;
use crate::mesh::native::wire::{MapRequest, RelayMaps};
use crate::runtime::{Clock, Supervisor};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_100_000);

struct Site {
    realm: Realm,
    clock: Clock,
    events: mpsc::Receiver<Event>,
}

/// A realm with these nodes, at [`NOW`].
fn site(nodes: Vec<Node>) -> Site {
    let (sender, events) = mpsc::channel(8);
    let clock = Clock::manual(NOW);
    let settings = Settings {
        dns: Dns::default(),
        relays: RelayMaps::none(),
        offline_grace: Duration::from_secs(5),
        ephemeral_grace: Duration::from_secs(60),
    };
    let around = Surroundings {
        settings: Arc::new(settings),
        clock: clock.clone(),
        supervisor: Supervisor::new(),
        unsaved: Arc::<Unsaved>::default(),
        events: sender,
    };
    Site { realm: start("r.wonder.internal".to_owned(), nodes, around), clock, events }
}

fn device(node: &Node) -> Device {
    Device { machine_key: node.machine_key, node_key: node.node_key }
}

fn request() -> Arc<MapRequest> {
    Arc::new(MapRequest::read(br#"{"Version":145,"Stream":true}"#).unwrap())
}

async fn attach(site: &Site, node: &Node) -> (Attached, Arc<Outbox>) {
    let outbox = Arc::new(Outbox::default());
    (site.realm.attach(device(node), request(), Arc::clone(&outbox)).await.unwrap(), outbox)
}

/// What the outbox says next, as JSON, one message after another.
async fn said(outbox: &Outbox) -> Vec<Value> {
    let Next::Send(bytes) = outbox.next().await else { return Vec::new() };
    let (mut messages, mut rest) = (Vec::new(), &bytes[..]);
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (message, after) = after.split_at(usize::try_from(u32::from_le_bytes(*length)).unwrap());
        messages.push(serde_json::from_slice(message).unwrap());
        rest = after;
    }
    messages
}

async fn live(site: &Site, number: i64) -> super::handle::Live {
    site.realm.look(vec![NodeNumber(number)]).await.unwrap().remove(&NodeNumber(number)).unwrap()
}

/// Lets the realm's deadlines of the next `seconds` pass.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_goes_away_before_it_is_answered_is_offline() {
    let site = site(vec![node(1)]);
    let one = node(1);
    // Polled once, it has asked; then its connection is gone.
    let asking = site.realm.attach(device(&one), request(), Arc::default());
    assert!(tokio::time::timeout(Duration::ZERO, asking).await.is_err());
    assert!(live(&site, 1).await.report.first_seen_at.is_some(), "it was attached");
    pass(6).await;
    let live = live(&site, 1).await;
    assert!(!live.connected && !live.online);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_a_removal_overtook_does_not_bring_the_node_back() {
    let site = site(vec![node(1)]);
    let renamed = Node { revision: 2, name: "other".to_owned(), ..node(1) };
    site.realm.remove(NodeNumber(1)).await.unwrap();
    site.realm.remove(NodeNumber(2)).await.unwrap();
    site.realm.put(renamed).await.unwrap();
    site.realm.put(node(2)).await.unwrap();
    site.realm.put(node(3)).await.unwrap();
    let all = site.realm.look_at_all().await.unwrap();
    assert_eq!(all.into_iter().map(|(node, _)| node.number.0).collect::<Vec<_>>(), [3]);
}

#[tokio::test(start_paused = true)]
async fn a_log_out_is_one_patch_for_the_peers() {
    let leaving = node(2);
    let site = site(vec![node(1), leaving.clone()]);
    let (_one, outbox) = attach(&site, &node(1)).await;
    let (two, _) = attach(&site, &leaving).await;
    said(&outbox).await;
    let over = Node { revision: 2, key_expires_at: Some(NOW), ..leaving };
    site.realm.put(over).await.unwrap();
    site.realm.offline(NodeNumber(2)).await.unwrap();
    live(&site, 2).await;
    site.clock.set(NOW.plus(Duration::from_secs(1)));
    live(&site, 2).await;
    drop(two);
    pass(10).await;
    let told = said(&outbox).await;
    let patch = &told[0]["PeersChangedPatch"][0];
    assert_eq!(
        (told.len(), patch["NodeID"].as_i64(), &patch["Online"]),
        (1, Some(2), &false.into()),
        "{told:?}"
    );
    assert!(patch["KeyExpiry"].is_string() && told[0].get("PeersChanged").is_none(), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_device_whose_key_is_over_is_told_of_itself_alone_until_it_is_renewed() {
    let mine = Node { key_expires_at: Some(NOW.plus(Duration::from_secs(3))), ..node(1) };
    let mut site = site(vec![mine.clone(), node(2)]);
    let (_two, _) = attach(&site, &node(2)).await;
    let (_one, outbox) = attach(&site, &mine).await;
    assert_eq!(said(&outbox).await[0]["Peers"].as_array().unwrap().len(), 1);
    site.clock.set(NOW.plus(Duration::from_secs(3)));
    pass(4).await;
    assert_eq!(said(&outbox).await[0]["Node"]["Expired"], true);
    assert!(matches!(site.events.recv().await, Some(Event::KeyExpired(key)) if key == mine.node_key));
    let renamed = Node { revision: 2, name: "secret".to_owned(), ..node(2) };
    site.realm.put(renamed).await.unwrap();
    let (_again, fresh) = attach(&site, &mine).await;
    assert_eq!(outbox.next().await, Next::Close, "nothing of the other node");
    assert_eq!(said(&fresh).await[0]["Peers"], serde_json::json!([]));
    site.realm.put(Node { revision: 2, key_expires_at: None, ..mine }).await.unwrap();
    live(&site, 1).await;
    assert_eq!(said(&fresh).await[0]["Peers"][0]["Name"], "secret.r.wonder.internal.");
}

/// Whoever goes on being connected then is there for nobody, and its routes are another's.
#[tokio::test(start_paused = true)]
async fn a_device_whose_key_is_over_is_offline_though_it_is_connected() {
    let route: ipnet::IpNet = "10.1.0.0/16".parse().unwrap();
    let router = |number| {
        let mut node = Node { approved_routes: vec![route], ..node(number) };
        node.report.hostinfo.routes = vec![route];
        node
    };
    let (ends, over) = (NOW.plus(Duration::from_secs(3)), NOW.plus(Duration::from_secs(4)));
    let mine = Node { key_expires_at: Some(ends), ..router(1) };
    let site = site(vec![mine.clone(), router(2), node(3)]);
    let (_one, _) = attach(&site, &mine).await;
    let (_two, _) = attach(&site, &router(2)).await;
    let (_three, witness) = attach(&site, &node(3)).await;
    said(&witness).await;
    assert_eq!(live(&site, 1).await.primary_routes, [route]);
    site.clock.set(over);
    pass(4).await;
    let one = live(&site, 1).await;
    assert!(one.connected && !one.online && one.primary_routes.is_empty(), "{one:?}");
    assert_eq!(live(&site, 2).await.primary_routes, [route]);
    let told = said(&witness).await;
    assert!(told.iter().any(|message| message.to_string().contains("\"Online\":false")), "{told:?}");
    // Nor is it when it connects anew, until its key is renewed.
    let (_again, _) = attach(&site, &mine).await;
    assert!(!live(&site, 1).await.online);
    site.realm.put(Node { revision: 2, key_expires_at: None, ..mine }).await.unwrap();
    assert!(live(&site, 1).await.online);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_key_is_noticed_whatever_came_late_or_moved_it() {
    let first = Node { key_expires_at: Some(NOW.plus(Duration::from_secs(1))), ..node(1) };
    let mut site = site(vec![first.clone()]);
    let later =
        Node { revision: 2, key_expires_at: Some(NOW.plus(Duration::from_secs(60))), ..first.clone() };
    site.realm.put(later).await.unwrap();
    site.realm.put(first).await.unwrap();
    live(&site, 1).await;
    site.clock.set(NOW.plus(Duration::from_secs(10)));
    pass(31).await;
    assert!(site.events.try_recv().is_err(), "it was put off");
    site.clock.set(NOW.plus(Duration::from_secs(60)));
    pass(31).await;
    assert!(matches!(site.events.try_recv(), Ok(Event::KeyExpired(_))));
}

#[tokio::test(start_paused = true)]
async fn the_grace_of_an_ephemeral_node_goes_on_when_its_realm_starts() {
    let away = |number, seconds: i64, connected| {
        let mut node = Node { ephemeral: true, ..node(number) };
        let seen = Timestamp::from_millis(NOW.as_millis() - 1000 * seconds);
        (node.report.last_seen_at, node.report.connected) = (Some(seen), connected);
        node
    };
    let nodes = vec![away(1, 20, false), away(2, 3600, true), away(3, 3600, false)];
    let ids: Vec<_> = nodes.iter().map(|node| node.id).collect();
    let (mut site, begun) = (site(nodes), tokio::time::Instant::now());
    for (number, seconds) in [(3, 30), (1, 40), (2, 60)] {
        let event = site.events.recv().await;
        assert!(matches!(event, Some(Event::EphemeralGone(id)) if id == ids[number - 1]), "{event:?}");
        assert_eq!(begun.elapsed().as_secs(), seconds, "of 60: node {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_ephemeral_node_that_stays_away_is_named_until_it_is_gone() {
    let mut site = site(vec![Node { ephemeral: true, ..node(1) }]);
    for _ in 0..2 {
        assert!(matches!(site.events.recv().await, Some(Event::EphemeralGone(_))));
    }
    site.realm.remove(NodeNumber(1)).await.unwrap();
    site.realm.look_at_all().await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(600), site.events.recv()).await.is_err());
}
