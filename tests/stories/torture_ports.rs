//! What must not break it: strangers at every port. They connect by the hundred and say nothing, send what
//! nobody asked for, and too much of it. Devices do not notice, and memory stays bounded.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use crate::common;

use common::coordinator::Coordinator;
use common::device::record::{connect, initiate, upgrade_request};
use common::device::{Device, Site};
use common::fleet::Fleet;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use wonder::core::secret::random_bytes;

const MIB: u64 = 1024 * 1024;
/// Longer than any limit of the coordinator's for what is half open.
const PATIENCE: Duration = Duration::from_secs(90);

/// With a relay and STUN, on ports of their own.
async fn fleet() -> Fleet {
    let ports = ["--derp-listen", "127.0.0.1:0", "--stun-listen", "127.0.0.1:0"];
    Fleet::of(Coordinator::options().args(&ports)).await
}

fn port(fleet: &Fleet, name: &str) -> SocketAddr {
    fleet.coordinator.ready[name].as_str().unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

/// A connection on which this much was said.
async fn say(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Whoever is thrown out while it speaks has said enough.
    let _ = stream.write_all(bytes).await;
    stream
}

/// The other side has ended it.
async fn is_over(mut stream: impl AsyncRead + Unpin) -> bool {
    let mut sink = tokio::io::sink();
    tokio::time::timeout(PATIENCE, tokio::io::copy(&mut stream, &mut sink)).await.is_ok()
}

/// A coordinator that is well: it answers, devices join, STUN tells addresses, and nothing panicked.
async fn is_well(fleet: &Fleet, hostname: &str) {
    let mut health =
        say(fleet.site.address, b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let mut answer = String::new();
    health.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    fleet.connected(hostname).await;
    assert_eq!(ask_stun(port(fleet, "stun")).await[..2], [1, 1], "a binding response");
    assert!(!fleet.coordinator.log().contains("panic"), "{}", fleet.coordinator.log_tail());
}

/// A binding request as clients send it (RFC 8489): asked again until it is answered, for UDP may lose it.
async fn ask_stun(address: SocketAddr) -> Vec<u8> {
    let mut request = vec![0, 1, 0, 20, 0x21, 0x12, 0xa4, 0x42];
    request.extend(random_bytes::<12>());
    request.extend([0x80, 0x22, 0, 8]);
    request.extend(b"tailnode");
    // The length counts the fingerprint that follows.
    let checksum = crc32fast::hash(&request) ^ 0x5354_554e;
    request.extend([0x80, 0x28, 0, 4]);
    request.extend(checksum.to_be_bytes());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(address).await.unwrap();
    let mut answer = vec![0; 1500];
    for _ in 0..60 {
        socket.send(&request).await.unwrap();
        let came = tokio::time::timeout(Duration::from_millis(500), socket.recv(&mut answer)).await;
        if let Ok(Ok(length)) = came {
            answer.truncate(length);
            return answer;
        }
    }
    panic!("STUN does not answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_connections_by_the_hundred_keep_nobody_out() {
    const EACH: usize = 150;
    let fleet = fleet().await;
    is_well(&fleet, "before").await;
    let (control, relay) = (fleet.site.address, port(&fleet, "derp"));
    let machine = Device::new(fleet.site, "x").machine;
    let (initiation, _) = initiate(fleet.site, &machine);
    let upgrade = upgrade_request(&initiation);
    // A TLS record that says it is longer than what comes.
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 40]].concat();
    let before = fleet.memory();
    let mut open = Vec::new();
    let mut encrypted = Vec::new();
    for _ in 0..EACH {
        open.push(say(control, b"").await);
        open.push(say(control, b"POST /ts2021 HTTP/1.1\r\nHost: x\r\nUpgrade: tails").await);
        open.push(say(control, b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{").await);
        open.push(say(control, upgrade.as_bytes()).await);
        open.push(say(relay, b"").await);
        open.push(say(relay, &hello).await);
        let mut mid_h2 = connect(fleet.site, &machine).await.unwrap();
        mid_h2.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0").await.unwrap();
        mid_h2.flush().await.unwrap();
        encrypted.push(mid_h2);
    }
    is_well(&fleet, "among-them").await;
    let grown = fleet.memory().saturating_sub(before);
    let held = (open.len() + encrypted.len()) as u64;
    assert!(grown < held * 64 * 1024, "{} KiB for each of {held}", grown / held / 1024);
    let open = futures_util::future::join_all(open.into_iter().map(is_over)).await;
    let encrypted = futures_util::future::join_all(encrypted.into_iter().map(is_over)).await;
    let left = open.iter().chain(&encrypted).filter(|over| !**over).count();
    assert_eq!(left, 0, "so many were never given up");
    is_well(&fleet, "after").await;
}

/// Sends a head, and then 64 MB unless it is thrown out; the status line that came, if any.
async fn flood(address: SocketAddr, head: String) -> String {
    let stream = say(address, head.as_bytes()).await;
    let (mut reader, mut writer) = stream.into_split();
    let send = async {
        let block = vec![b'1'; 64 * 1024];
        for _ in 0..1024 {
            if writer.write_all(&block).await.is_err() {
                return;
            }
        }
    };
    let read = async {
        let mut answer = Vec::new();
        let _ = reader.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
    };
    let both = async { tokio::join!(send, read).1 };
    tokio::time::timeout(PATIENCE, both).await.expect("it is answered or thrown out")
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_64_megabytes_are_refused_early() {
    let fleet = fleet().await;
    is_well(&fleet, "before").await;
    let before = fleet.memory();
    let control = fleet.site.address;
    let head = |path: &str, length: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n")
    };
    let mut floods = Vec::new();
    for path in ["/api/v1/sessions", "/api/v1/join", "/api/v1/setup", "/verify", "/ts2021", "/nowhere"] {
        floods.push(flood(control, head(path, "Content-Length: 67108864")));
        // A chunk that says it has 64 MB.
        floods.push(flood(control, head(path, "Transfer-Encoding: chunked") + "4000000\r\n"));
    }
    for answer in futures_util::future::join_all(floods).await {
        let status = answer.split(' ').nth(1).unwrap_or("none");
        assert!(["none", "400", "404", "413"].contains(&status), "{answer}");
    }
    let mut device = fleet.join("big").await;
    for path in ["/machine/register", "/machine/map", "/machine/nothing"] {
        let mut twin = device.twin();
        let answer = twin.request(path, vec![b' '; 64 << 20]).await;
        // A stream that is reset says no status.
        assert!(
            answer.as_ref().is_err() || [404, 413].contains(&answer.as_ref().unwrap().status),
            "{answer:?}"
        );
    }
    assert_eq!(device.report(&["192.0.2.1:1"]).await.unwrap().status, 200);
    let peak = fleet.peak_memory();
    assert!(peak < before + 32 * MIB, "{} MiB before, {} at the peak", before / MIB, peak / MIB);
    is_well(&fleet, "after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_every_port_harms_nobody() {
    let fleet = fleet().await;
    is_well(&fleet, "before").await;
    let before = fleet.memory();
    let (control, relay, stun) = (fleet.site.address, port(&fleet, "derp"), port(&fleet, "stun"));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for round in 0..100 {
        let noise = random_bytes::<2048>();
        for address in [control, relay] {
            let mut stream = say(address, &noise[..round * 20 + 1]).await;
            let _ = stream.shutdown().await;
            assert!(is_over(stream).await);
        }
        // Each begins as something that is understood.
        for begin in
            [&b"GET /\xff HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x00\x05", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
        {
            let bytes = [begin, &noise].concat();
            drop((say(control, &bytes).await, say(relay, &bytes).await));
        }
        let mut looks_like_stun = [&[0, 1, 0, 20, 0x21, 0x12, 0xa4, 0x42][..], &noise[..32]].concat();
        looks_like_stun[3] = u8::try_from(round).unwrap();
        for datagram in [&noise[..round * 10], &looks_like_stun, &[]] {
            socket.send_to(datagram, stun).await.unwrap();
        }
    }
    garbage_in_the_tunnel(fleet.site).await;
    let after = fleet.memory();
    assert!(after < before + 32 * MIB, "{} MiB before, {} after", before / MIB, after / MIB);
    is_well(&fleet, "after").await;
}

/// Strangers who know how to knock: after it they say nothing sensible, in records and outside them.
async fn garbage_in_the_tunnel(site: Site) {
    let machine = Device::new(site, "x").machine;
    for _ in 0..20 {
        let mut stream = connect(site, &machine).await.unwrap();
        stream.write_all(&random_bytes::<3000>()).await.unwrap();
        let _ = stream.flush().await;
        assert!(is_over(stream).await, "no HTTP/2");
        let mut device = Device::new(site, "x");
        for body in [&random_bytes::<300>()[..], b"", b"null", b"[]", b"{\"Version\":-1}", &[b'['; 100_000]] {
            for path in ["/machine/register", "/machine/map"] {
                let status = device.request(path, body.to_vec()).await.unwrap().status;
                assert!((200..500).contains(&status), "{path} answered {status}");
            }
        }
    }
}
