//! What must not break it: everybody at once, in every order, with a full disk and a clock that jumps.
//! Names and addresses stay unique, and whoever heard every change knows what a newcomer is told.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::coordinator::Coordinator;
use common::device::{Device, Encoding, MapStream, Site};
use common::fleet::{Fleet, auth_key, person};
use common::postgres::Server;
use common::wonder::Wonder;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Fifty devices of one name register at the same moment, while others of them are renamed and removed.
async fn names_and_addresses_never_collide(fleet: Fleet) {
    const COUNT: usize = 50;
    for round in 0..3 {
        let join = |_| Device::join(fleet.site, &fleet.auth_key, "pi");
        let joins = futures_util::future::join_all((0..COUNT).map(join));
        // Three of the round before make room and take names meanwhile.
        let ada = &fleet.ada;
        let meddle = async {
            if round > 0 {
                tokio::task::block_in_place(|| {
                    ada.json(&["node", "remove", "pi-7", "--yes"]);
                    ada.json(&["node", "rename", "pi-9", &format!("pi-{}", 60 * round)]);
                    ada.json(&["node", "remove", "pi", "--yes"]);
                });
            }
        };
        let (devices, ()) = tokio::join!(joins, meddle);
        let nodes = fleet.nodes();
        assert_eq!(nodes.len(), (round + 1) * COUNT - 2 * round);
        for unique in ["/id", "/name", "/addresses/0", "/addresses/1"] {
            let values: BTreeSet<_> = nodes.iter().map(|n| n.pointer(unique).unwrap().as_str()).collect();
            assert_eq!(values.len(), nodes.len(), "{unique} is unique: {values:?}");
        }
        drop(devices);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_addresses_never_collide_on_sqlite() {
    names_and_addresses_never_collide(Fleet::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_addresses_never_collide_on_postgres() {
    let server = Server::shared();
    let options = Coordinator::options().args(&["--no-derp", "--database", &server.database()]);
    names_and_addresses_never_collide(Fleet::of(options).await).await;
}

/// Something that happens in a realm, to one of its first devices.
#[derive(Clone, Debug)]
enum Happening {
    Join,
    Move(usize, u16),
    Services(usize, u16),
    Relay(usize, u16),
    Rename(usize, u16),
    Disconnect(usize),
    Connect(usize),
    Disco(usize),
    LogOut(usize),
    Remove(usize),
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening as H;
    let (who, what) = (|| 0..6usize, || 1..2000u16);
    prop_oneof![
        2 => Just(H::Join),
        4 => (who(), what()).prop_map(|(who, what)| H::Move(who, what)),
        2 => (who(), what()).prop_map(|(who, what)| H::Services(who, what)),
        2 => (who(), what()).prop_map(|(who, what)| H::Relay(who, what)),
        1 => (who(), what()).prop_map(|(who, what)| H::Rename(who, what)),
        3 => who().prop_map(H::Disconnect),
        3 => who().prop_map(H::Connect),
        2 => who().prop_map(H::Disco),
        1 => who().prop_map(H::LogOut),
        1 => who().prop_map(H::Remove),
    ]
}

/// A realm of its own, and the devices that things happen to.
struct World {
    site: Site,
    owner: Wonder,
    auth_key: String,
    devices: Vec<(Device, Option<MapStream>)>,
    joined: usize,
}

impl World {
    async fn happen(&mut self, happening: &Happening) {
        let count = self.devices.len();
        let pick = |who: usize| who % count.max(1);
        match *happening {
            Happening::Join => {
                self.joined += 1;
                let name = format!("d{}", self.joined);
                let mut device = Device::join(self.site, &self.auth_key, &name).await;
                let stream = device.online(Encoding::Zstd).await.unwrap();
                self.devices.push((device, Some(stream)));
            }
            _ if count == 0 => {}
            Happening::Move(who, port) => {
                self.report(pick(who), json!({ "Endpoints": [format!("192.0.2.1:{port}")] })).await;
            }
            Happening::Services(who, port) => {
                let services = json!([{ "Proto": "tcp", "Port": port }]);
                self.report_hostinfo(pick(who), "Services", services).await;
            }
            Happening::Relay(who, region) => {
                self.report_hostinfo(pick(who), "NetInfo", json!({ "PreferredDERP": region })).await;
            }
            Happening::Rename(who, number) => {
                let id = self.node_id(pick(who));
                self.owner.json(&["node", "rename", &id, &format!("renamed-{number}-{id}")[..40]]);
            }
            Happening::Disconnect(who) => {
                let (device, stream) = &mut self.devices[pick(who)];
                (*stream, _) = (None, device.disconnect());
            }
            Happening::Connect(who) => {
                let (device, stream) = &mut self.devices[pick(who)];
                *stream = Some(device.online(Encoding::Plain).await.unwrap());
            }
            Happening::Disco(who) => {
                let (device, stream) = &mut self.devices[pick(who)];
                device.disco = wonder::core::key::DiscoKey(wonder::core::secret::random_bytes());
                *stream = Some(device.online(Encoding::Zstd).await.unwrap());
            }
            Happening::LogOut(who) => {
                let (mut device, _stream) = self.devices.remove(pick(who));
                device.logout().await.unwrap();
            }
            Happening::Remove(who) => {
                let id = self.node_id(pick(who));
                self.devices.remove(pick(who));
                self.owner.json(&["node", "remove", &id, "--yes"]);
            }
        }
    }

    async fn report(&mut self, who: usize, members: Value) {
        let answer = self.devices[who].0.report_with(members).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    async fn report_hostinfo(&mut self, who: usize, name: &str, value: Value) {
        let hostname = self.devices[who].0.hostname.clone();
        self.report(who, json!({ "Hostinfo": { "Hostname": hostname, name: value } })).await;
    }

    /// The id of a device's node.
    fn node_id(&self, who: usize) -> String {
        let hostname = self.devices[who].0.hostname.as_str();
        let nodes = self.owner.json(&["node", "list"]);
        let mut nodes = nodes["nodes"].as_array().unwrap().iter();
        nodes.find(|node| node["hostname"] == hostname).unwrap()["id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn deltas_in_any_interleaving_end_where_a_reconnect_begins() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fleet = runtime.block_on(Fleet::new());
    let mut cases = 0;
    let cases = std::cell::RefCell::new(&mut cases);
    let config = Config { cases: 12, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let happenings = proptest::collection::vec(happening(), 1..25);
    let ran = TestRunner::new(config).run(&happenings, |happenings| {
        **cases.borrow_mut() += 1;
        let owner = person(&fleet.coordinator, &format!("case{}@example.org", cases.borrow()));
        runtime.block_on(listen_and_reconnect(fleet.site, owner, &happenings))
    });
    ran.unwrap();
}

/// One device hears all of it as it happens, another is told at the end.
async fn listen_and_reconnect(
    site: Site,
    owner: Wonder,
    happenings: &[Happening],
) -> Result<(), TestCaseError> {
    let auth_key = auth_key(&owner, &["--reusable"]);
    let mut world = World { site, owner, auth_key, devices: Vec::new(), joined: 0 };
    let mut listener = Device::join(site, &world.auth_key, "listener").await;
    let mut heard = listener.online(Encoding::Zstd).await.unwrap();
    let (mut marker, _own) = {
        let mut marker = Device::join(site, &world.auth_key, "marker").await;
        let own = marker.online(Encoding::Zstd).await.unwrap();
        (marker, own)
    };
    for happening in happenings {
        world.happen(happening).await;
    }
    // Those that went away are offline for their peers after a grace.
    let offline: BTreeMap<String, bool> =
        world.devices.iter().map(|(d, stream)| (d.node_key().to_string(), stream.is_some())).collect();
    let settled = |peer: &Value| {
        let online = peer["Key"].as_str().and_then(|key| offline.get(key));
        online.is_none_or(|online| peer["Online"] == *online)
    };
    marker.report(&["203.0.113.1:1"]).await.unwrap();
    let last = json!(["203.0.113.1:1"]);
    heard.until("the last change", |view| view.peer("marker").is_some_and(|p| p["Endpoints"] == last)).await;
    heard.until("who is away is offline", |view| view.peers.values().all(settled)).await;
    let told = listener.twin().online(Encoding::Plain).await.unwrap();
    let (heard, told) = (heard.view.settled(), told.view.settled());
    prop_assert_eq!(&heard.peers, &told.peers);
    prop_assert_eq!(&heard.node, &told.node);
    prop_assert_eq!(&heard.others, &told.others);
    prop_assert!(told.profiles.iter().all(|profile| heard.profiles.get(profile.0) == Some(profile.1)));
    Ok(())
}

/// A file system of a few megabytes that is unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(megabytes: u32) -> SmallDisk {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m,mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(directory.path());
        assert!(mount.status().unwrap().success(), "mounting needs root: run the tests with sudo");
        SmallDisk(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes until nothing more fits; the file whose removal makes room.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        let block = [0; 4096];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A panic here would hide the one that is on its way.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_it_cannot_keep_and_all_is_well_when_there_is_room() {
    let disk = SmallDisk::new(24);
    let database = format!("sqlite:{}", disk.path().join("wonder.db").display());
    let mut fleet = Fleet::of(Coordinator::options().args(&["--no-derp", "--database", &database])).await;
    let (mut mover, _own) = fleet.connected("mover").await;
    let (_watcher, mut map) = fleet.connected("watcher").await;
    let filler = disk.fill();
    // The log of the database may have some room left that it has taken already.
    let mut let_in = Vec::new();
    let refused = loop {
        let mut late = Device::new(fleet.site, "late");
        let answer = late.register_with(json!({ "Auth": { "AuthKey": fleet.auth_key } })).await.unwrap();
        if answer.status != 200 {
            break answer;
        }
        let_in.push(late);
        assert!(let_in.len() < 2000, "the disk is full, and still nobody is refused");
    };
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("no space is left"), "{}", refused.text());
    for round in 0..20u16 {
        let endpoint = format!("192.0.2.8:{}", 1000 + round);
        assert_eq!(mover.report(&[&endpoint]).await.unwrap().status, 200, "what is said needs no disk");
        map.until("a change", |view| view.peer("mover").is_some_and(|p| p["Endpoints"] == json!([endpoint])))
            .await;
    }
    assert_eq!(fleet.nodes().len(), let_in.len() + 2, "nodes can be read, and none is half there");

    std::fs::remove_file(filler).unwrap();
    let (_late, mut own) = fleet.connected("after").await;
    own.until("its peers", |view| view.peer("mover").is_some()).await;
    fleet.coordinator.restart();
    assert_eq!(fleet.nodes().len(), let_in.len() + 3);
    assert!(!fleet.coordinator.log().contains("panic"), "{}", fleet.coordinator.log_tail());
}

/// Moves the clock within the test program.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_jump_end_keys_and_nothing_else() {
    const DAY: Duration = Duration::from_secs(86_400);
    let coordinator = common::api::Coordinator::on_sqlite().await;
    let (bearer, org) = coordinator.person("ada@example.org").await;
    let tokens = format!("/api/v1/organizations/{org}/tokens");
    let made = coordinator.post(&tokens, &bearer, json!({ "reusable": true })).await;
    let key = made.text("auth_key").to_owned();
    let site = Site::at(coordinator.address).await.unwrap();
    let mut watcher = Device::join(site, &key, "watcher").await;
    let mut map = watcher.online(Encoding::Zstd).await.unwrap();
    let mut other = Device::join(site, &key, "other").await;
    let mut own = other.online(Encoding::Plain).await.unwrap();
    let begun = coordinator.clock.now();

    // Two months ago, as on a board without a battery; and an hour later than it was.
    for days in [-60, 1] {
        let moved = begun.as_millis() + days * i64::try_from(DAY.as_millis()).unwrap();
        coordinator.clock.set(wonder::core::Timestamp::from_millis(moved));
        let endpoint = format!("192.0.2.1:{}", 1000 + days);
        assert_eq!(other.report(&[&endpoint]).await.unwrap().status, 200);
        map.until("a change", |view| view.peer("other").is_some_and(|p| p["Endpoints"] == json!([endpoint])))
            .await;
    }
    let late = coordinator.post(&tokens, &bearer, json!({ "uses": 1 })).await;
    assert_eq!(late.status, 201, "{late:?}");
    let third = Device::join(site, late.text("auth_key"), "third").await;

    // The keys of the first two are over, and that of the third, which came a day later, is not.
    coordinator.clock.set(begun.plus(180 * DAY + DAY / 2));
    assert_eq!(watcher.report(&["192.0.2.1:1"]).await.unwrap().status, 200);
    own.until("its own key is over", |view| view.node["Expired"] == true).await;
    map.until("the watcher's key is over as well", |view| view.node["Expired"] == true).await;
    let answer = other.register_with(json!({})).await.unwrap().document().unwrap();
    assert_eq!(answer["NodeKeyExpired"], true, "{answer}");
    let answer = third.twin().register_with(json!({})).await.unwrap().document().unwrap();
    assert_eq!(answer["MachineAuthorized"], true, "{answer}");

    // And back: the keys are good again, for everybody.
    coordinator.clock.set(begun.plus(DAY));
    assert_eq!(watcher.report(&["192.0.2.1:2"]).await.unwrap().status, 200);
    own.until("its own key is good", |view| view.node["Expired"] != true).await;
    map.until("the watcher's as well, and it sees the other", |view| {
        view.node["Expired"] != true && view.peer("other").is_some()
    })
    .await;
    let answer = other.register_with(json!({})).await.unwrap().document().unwrap();
    assert_eq!(answer["MachineAuthorized"], true, "{answer}");
}
