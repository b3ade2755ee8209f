//! What must not break it: power cuts and crowds.
//!
//! The coordinator is killed in the middle of joins, restarted under five hundred devices, and made to talk
//! to devices that do not listen. What was answered with success stays true, and memory stays bounded.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::device::view::View;
use common::device::{Device, Encoding, MapStream};
use common::fleet::{Fleet, auth_key, sixteen_at_a_time};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

crate::coordinators_on_both_engines! {
    async
    a_kill_in_the_middle_of_fifty_joins_loses_none_and_leaves_no_half_one
}

const MIB: u64 = 1024 * 1024;

/// Says where it is; endpoints that no other report has.
async fn move_to(device: &mut Device, number: usize) -> String {
    let endpoint = format!("192.0.2.{}:{}", number % 250 + 1, 1024 + number / 250);
    assert_eq!(device.report(&[&endpoint]).await.unwrap().status, 200);
    endpoint
}

/// Whether the map shows `name` at `endpoint`, and nowhere else.
fn is_at(view: &View, name: &str, endpoint: &str) -> bool {
    view.peer(name).is_some_and(|peer| peer["Endpoints"] == json!([endpoint]))
}

async fn a_kill_in_the_middle_of_fifty_joins_loses_none_and_leaves_no_half_one() {
    let mut fleet = Fleet::new().await;
    let key = auth_key(&fleet.ada, &["--uses", "50"]);
    let done = AtomicUsize::new(0);
    let (site, key, counted) = (fleet.site, key.as_str(), &done);
    let join = |i: usize| async move {
        let mut device = Device::new(site, &format!("pi-{i}"));
        let answer = device.register(key).await;
        let is_in = answer.is_ok_and(|answer| answer["MachineAuthorized"] == true);
        counted.fetch_add(usize::from(is_in), Ordering::SeqCst);
        (device, is_in)
    };
    let pid = rustix::process::Pid::from_raw(fleet.coordinator.pid().cast_signed()).unwrap();
    let kill = async {
        while done.load(Ordering::SeqCst) < 20 {
            tokio::task::yield_now().await;
        }
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    };
    let (mut devices, ()) = tokio::join!(sixteen_at_a_time((0..50).map(join)), kill);
    let told = devices.iter().filter(|(_, is_in)| *is_in).count();
    assert!((20..50).contains(&told), "{told} were let in before the power was cut");
    fleet.coordinator.kill();
    fleet.coordinator.restart();
    assert_eq!(fleet.ada.json(&["whoami"])["user"]["email"], "ada@example.org", "the log-in lives too");

    // Whoever was told so is in, without the key; and what is in is whole: it has its name and map.
    for (device, _) in devices.iter_mut().filter(|(_, is_in)| *is_in) {
        device.disconnect();
        let answer = device.register_with(json!({})).await.unwrap().document().unwrap();
        assert_eq!(answer["MachineAuthorized"], true, "{}: {answer}", device.hostname);
    }
    let nodes = fleet.nodes();
    let names: BTreeSet<&str> = nodes.iter().map(|node| node["name"].as_str().unwrap()).collect();
    assert!(devices.iter().all(|(d, is_in)| !is_in || names.contains(d.hostname.as_str())), "{names:?}");
    assert_eq!(uses_left(&fleet) + nodes.len() as u64, 50, "a use for a node, and a node for a use");

    // The others try again; a join that had come about without being told is not counted twice.
    let again = devices.iter_mut().filter(|(_, is_in)| !is_in).map(|(device, _)| device.register(key));
    for answer in futures_util::future::join_all(again).await {
        assert_eq!(answer.unwrap()["MachineAuthorized"], true);
    }
    assert_eq!((uses_left(&fleet), fleet.nodes().len()), (0, 50));
    let mut stream = devices[0].0.online(Encoding::Zstd).await.unwrap();
    assert_eq!(stream.view.own_name(), devices[0].0.hostname);
    stream.until("the map is whole", |view| view.peers.is_empty()).await;
}

/// Of the token that is for so many devices.
fn uses_left(fleet: &Fleet) -> u64 {
    let tokens = fleet.ada.json(&["token", "list"]);
    let mut left =
        tokens["tokens"].as_array().unwrap().iter().filter_map(|token| token["uses_left"].as_u64());
    left.next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_under_five_hundred_devices_brings_all_back_with_whole_maps() {
    const COUNT: usize = 500;
    let mut fleet = Fleet::new().await;
    let mut devices: Vec<Device> = sixteen_at_a_time((0..COUNT).map(|i| {
        let (site, key) = (fleet.site, fleet.auth_key.as_str());
        async move { Device::join(site, key, &format!("pi-{i}")).await }
    }))
    .await;
    let keys: BTreeSet<String> = devices.iter().map(|d| d.node_key().to_string()).collect();
    let mut streams = whole_maps(&mut devices, None).await;
    let before = fleet.memory();
    // A debug build takes 62 MiB.
    assert!(before < 100 * MIB, "{} MiB", before / MIB);

    fleet.coordinator.restart();
    for stream in &mut streams {
        stream.ended().await;
    }
    devices.iter_mut().for_each(Device::disconnect);
    let begun = Instant::now();
    let _streams = whole_maps(&mut devices, Some(&keys)).await;
    let storm = begun.elapsed();
    assert!(storm < STORM, "{storm:?}");
    let after = fleet.memory();
    assert!(after < before + 100 * MIB, "{} MiB before, {} after", before / MIB, after / MIB);
    assert!(fleet.nodes().iter().all(|node| node["online"] == true));
}

/// How long all of them may take to be back: a debug build on a busy machine takes 16 s.
const STORM: Duration = Duration::from_secs(120);

/// Connects all at once; the first message of each names all of `keys`.
async fn whole_maps(devices: &mut [Device], keys: Option<&BTreeSet<String>>) -> Vec<MapStream> {
    let connect = |device| async move {
        let device: &mut Device = device;
        let mut stream = comes_back(device).await;
        let map = String::from_utf8(stream.read_raw().await.unwrap().unwrap()).unwrap();
        if let Some(keys) = keys {
            let named: BTreeSet<&str> =
                map.match_indices("nodekey:").map(|(at, _)| &map[at..at + 72]).collect();
            let missing = keys.iter().filter(|key| !named.contains(key.as_str())).count();
            assert_eq!((missing, named.len()), (0, keys.len()), "{}", device.hostname);
        }
        stream
    };
    futures_util::future::join_all(devices.iter_mut().map(connect)).await
}

/// On a busy machine one that gets its turn late is cut off, and tries again as clients do.
async fn comes_back(device: &mut Device) -> MapStream {
    let begun = Instant::now();
    loop {
        match device.map_stream(Encoding::Zstd).await {
            Ok(stream) => return stream,
            Err(error) => assert!(begun.elapsed() < STORM, "{}: {error}", device.hostname),
        }
        device.disconnect();
    }
}

/// A report that cannot be told by a patch and does not compress: about 30 kB for each peer.
fn bulky(number: usize) -> Value {
    let noise =
        |i: usize| wonder::core::hex::encode(&wonder::core::secret::random_bytes::<200>()) + &i.to_string();
    let services: Vec<Value> = (0..64).map(|i| json!({ "Proto": noise(i), "Port": i })).collect();
    let endpoint = format!("192.0.2.1:{}", 1024 + number);
    json!({ "Endpoints": [endpoint], "Hostinfo": { "Hostname": "loud", "Services": services } })
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_stall_delay_nobody_and_get_a_whole_map_when_they_read_again() {
    const STALLED: usize = 40;
    const REPORTS: usize = 300;
    let fleet = Fleet::new().await;
    let (mut loud, _own) = fleet.connected("loud").await;
    let (_watcher, mut map) = fleet.connected("watcher").await;
    let mut deaf = fleet.connect_many("deaf", STALLED).await;
    // Half of them read nothing from the network, half leave what they are sent in their windows.
    deaf.iter().step_by(2).for_each(|(device, _)| device.stall());
    map.until("all are there", |view| view.peers.len() == STALLED + 1).await;
    let (before, mut most, mut slowest) = (fleet.memory(), 0, Duration::ZERO);
    for number in 0..REPORTS {
        let begun = Instant::now();
        assert_eq!(loud.report_with(bulky(number)).await.unwrap().status, 200);
        let endpoint = format!("192.0.2.1:{}", 1024 + number);
        map.until("the change", |view| is_at(view, "loud", &endpoint)).await;
        slowest = slowest.max(begun.elapsed());
        most = most.max(fleet.memory());
    }
    // All that the stalled were owed is 360 MB; what waits for them is shared, and bounded.
    assert!(most < before + 64 * MIB, "{} MiB before, {} at most", before / MIB, most / MIB);
    assert!(slowest < Duration::from_secs(30), "{slowest:?}");

    let last = move_to(&mut loud, 7).await;
    map.until("the last change", |view| is_at(view, "loud", &last)).await;
    for (index, (device, stream)) in deaf.iter_mut().enumerate() {
        device.resume();
        let (mut whole, mut stale) = (false, 0);
        while !is_at(&stream.view, "loud", &last) {
            match stream.next().await {
                Ok(message) => {
                    whole |= message["Peers"].is_array();
                    stale += if whole { 0 } else { message.to_string().len() };
                }
                // It was deaf for so long that it was cut off: then it comes back, as clients do.
                Err(_) => {
                    *stream = device.map_stream(Encoding::Zstd).await.unwrap();
                }
            }
        }
        assert!(whole, "{} missed changes, and was given the whole map", device.hostname);
        // What a device has left in its own window it has to read; what waits on the way to one is little.
        let left_unread = index % 2 == 1;
        assert!(left_unread || stale < 2 << 20, "{}: {stale} bytes were out of date", device.hostname);
        assert_eq!(stream.view.peers.len(), STALLED + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_everything_in_its_own_time() {
    let fleet = Fleet::new().await;
    let (mut mover, _own) = fleet.connected("mover").await;
    let (slow, mut stream) = fleet.connected("slow").await;
    let last = format!("192.0.2.{}:{}", 299 % 250 + 1, 1024 + 299 / 250);
    let moves = async {
        for number in 0..300 {
            move_to(&mut mover, number).await;
        }
    };
    let reads = async {
        while !is_at(&stream.view, "mover", &last) {
            slow.resume();
            // Reads what has come, and then nothing for a while.
            while let Ok(read) = tokio::time::timeout(Duration::from_millis(5), stream.read()).await {
                assert!(read.unwrap().is_some(), "it is not cut off");
            }
            slow.stall();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::join!(moves, reads);
}
