//! How packets find their way: directly between two devices behind different routers, and by the relay where
//! nothing else gets through; and what devices ask to find out which of the two it is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use crate::common;

use common::coordinator::Coordinator;
use common::device::{Device, Encoding, Site};
use common::fleet::{auth_key, person};
use common::internet::Internet;
use common::netns::NetNs;
use common::relay::{PEER_GONE, Relay, disco_packet, public};
use common::tailscaled::{self, Tailscaled};
use common::wait::wait_until;
use crypto_box::SecretKey;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;
use wonder::core::secret::random_bytes;

const PATIENCE: Duration = Duration::from_secs(60);
const PORT: u16 = 7007;

/// A home router: hides `home` behind its own address, and lets nothing in that was not asked for.
fn hide(router: &NetNs, home: &NetNs) {
    router.link("192.168.1.1/24", home, "192.168.1.2/24");
    home.default_route("192.168.1.1");
    router.forward();
    router
        .succeed("iptables", &["-t", "nat", "-A", "POSTROUTING", "-s", "192.168.1.0/24", "-j", "MASQUERADE"]);
    router.succeed("iptables", &["-A", "INPUT", "-p", "udp", "-j", "DROP"]);
}

/// Lets no UDP out of a host or in, as some offices do.
fn block_udp(host: &NetNs) {
    for tables in ["iptables", "ip6tables"] {
        host.succeed(tables, &["-A", "OUTPUT", "-p", "udp", "!", "-o", "tailscale0", "-j", "DROP"]);
        host.succeed(tables, &["-A", "INPUT", "-p", "udp", "!", "-i", "tailscale0", "-j", "DROP"]);
    }
}

fn system_pings(daemon: &Tailscaled, target: &str) -> bool {
    daemon.command("ping").args(["-c3", "-W10", target]).output().unwrap().status.success()
}

/// Sends a megabyte to a service on `to` that sends everything back.
fn echo(from: &NetNs, to: &NetNs, address: &str) {
    let listener = to.enter(|| TcpListener::bind(("0.0.0.0", PORT)).unwrap());
    let service = std::thread::spawn(move || {
        let (mut reader, _) = listener.accept().unwrap();
        let mut writer = reader.try_clone().unwrap();
        std::io::copy(&mut reader, &mut writer).unwrap();
    });
    let address = SocketAddr::new(address.parse().unwrap(), PORT);
    let stream = from.enter(|| TcpStream::connect_timeout(&address, PATIENCE).unwrap());
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let sent: Vec<u8> = (0..1_000_000_u32).map(|i| i.to_be_bytes()[3]).collect();
    let mut received = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(&sent).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        });
        (&stream).read_to_end(&mut received).unwrap();
    });
    assert!(sent == received, "{} of {} bytes came back as they were", received.len(), sent.len());
    service.join().unwrap();
}

#[test]
fn two_devices_behind_different_routers_get_a_direct_path() {
    let [routers, homes] = [(); 2].map(|()| [NetNs::new(), NetNs::new()]);
    let internet = Internet::around(&routers.each_ref(), true, &[]);
    routers.iter().zip(&homes).for_each(|(router, home)| hide(router, home));
    let ada = internet.person("ada@example.org");
    let left = internet.join(&ada, Tailscaled::options().tun(&homes[0]), "left");
    let right = internet.join(&ada, Tailscaled::options().tun(&homes[1]), "right");
    left.wait_until("a direct path", PATIENCE, |left| {
        let ping = left.tailscale(["ping", "--c=10", "--timeout=5s", "--until-direct=true", "right"]);
        ping.status.success()
    });
    let said = left.ping("right").unwrap();
    assert!(said.contains("via 10.77.2.2:"), "by the other router's address: {said}");
    assert!(system_pings(&left, "right"));
    echo(&homes[0], &homes[1], &right.address());
}

#[test]
fn with_udp_blocked_the_relay_carries_icmp_and_tcp() {
    let hosts = [NetNs::new(), NetNs::new()];
    let internet = Internet::around(&hosts.each_ref(), true, &[]);
    hosts.iter().for_each(block_udp);
    let ada = internet.person("ada@example.org");
    let left = internet.join(&ada, Tailscaled::options().tun(&hosts[0]), "left");
    let right = internet.join(&ada, Tailscaled::options().tun(&hosts[1]), "right");
    assert!(system_pings(&left, "right"));
    echo(&hosts[0], &hosts[1], &right.address());
    let said = left.ping("right").unwrap();
    assert!(said.contains("via DERP(wonder)") && !said.contains("via 10."), "{said}");
}

#[test]
fn hosts_that_do_not_reach_each_other_meet_at_the_relay() {
    let hosts = [NetNs::new(), NetNs::new()];
    let internet = Internet::around(&hosts.each_ref(), false, &[]);
    let ada = internet.person("ada@example.org");
    let left = internet.join(&ada, Tailscaled::options().tun(&hosts[0]), "left");
    let right = internet.join(&ada, Tailscaled::options().tun(&hosts[1]), "right");
    assert!(system_pings(&right, "left"));
    echo(&hosts[0], &hosts[1], &right.address());
    assert!(left.ping("right").unwrap().contains("via DERP(wonder)"));
}

/// What STUN says where a packet comes from (RFC 8489), and where it comes from.
fn stun(host: &NetNs, server: SocketAddr) -> (SocketAddr, SocketAddr) {
    let id = random_bytes::<12>();
    let mut request =
        [&[0, 1, 0, 20, 0x21, 0x12, 0xa4, 0x42][..], &id, &[0x80, 0x22, 0, 8], b"tailnode"].concat();
    let checksum = crc32fast::hash(&request) ^ 0x5354_554e;
    request.extend_from_slice(&[0x80, 0x28, 0, 4]);
    request.extend_from_slice(&checksum.to_be_bytes());
    let socket = host.enter(|| {
        let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect(server).unwrap();
        socket
    });
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send(&request).unwrap();
    let mut answer = [0; 128];
    let length = socket.recv(&mut answer).unwrap();
    let answer = &answer[..length];
    assert_eq!((&answer[..2], &answer[8..20], &answer[20..22]), (&[1, 1][..], &id[..], &[0, 0x20][..]));
    let unmasked: Vec<u8> = answer[28..].iter().zip(&answer[4..]).map(|(a, b)| a ^ b).collect();
    let ip = match answer[25] {
        1 => IpAddr::from(<[u8; 4]>::try_from(unmasked).unwrap()),
        _ => IpAddr::from(<[u8; 16]>::try_from(unmasked).unwrap()),
    };
    let port = u16::from_be_bytes([answer[26] ^ 0x21, answer[27] ^ 0x12]);
    (SocketAddr::new(ip, port), socket.local_addr().unwrap())
}

#[test]
fn stun_answers_on_ipv4_and_ipv6_and_devices_find_both() {
    let host = NetNs::new();
    let internet = Internet::around(&[&host], false, &[]);
    for server in internet.stun() {
        let (told, own) = stun(&host, server);
        assert_eq!(told, own);
    }
    let ada = internet.person("ada@example.org");
    let device = internet.join(&ada, Tailscaled::options().tun(&host), "pi");
    let tailscale = tailscaled::binary(tailscaled::CURRENT, "tailscale");
    let mut netcheck = device.command(tailscale.to_str().unwrap());
    netcheck.arg(format!("--socket={}", device.socket().display())).args(["netcheck", "--format=json"]);
    // It gives each answer five seconds.
    wait_until("netcheck hears of both families, and of the relay", PATIENCE, || {
        let report: Value = serde_json::from_slice(&netcheck.output().unwrap().stdout).unwrap();
        let heard = ["UDP", "IPv4", "IPv6"].iter().all(|what| report[what] == true);
        heard && report["PreferredDERP"] == 900
    });
}

/// A coordinator with a relay on this host, and a key of Ada's with which devices join.
async fn relay_at_home() -> (Coordinator, Site, common::wonder::Wonder, String) {
    let ports = ["--derp-listen", "127.0.0.1:0", "--stun-listen", "127.0.0.1:0"];
    let coordinator = Coordinator::options().args(&ports).start();
    let site = Site::of(coordinator.url()).await.unwrap();
    let ada = person(&coordinator, "ada@example.org");
    let key = auth_key(&ada, &["--reusable"]);
    (coordinator, site, ada, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_node_is_cut_off_the_relay_at_once_and_not_admitted_again() {
    let (_coordinator, site, ada, key) = relay_at_home().await;
    let mut stays = Device::join(site, &key, "stays").await;
    let relay = Relay::of(&stays.online(Encoding::Plain).await.unwrap().view.others["DERPMap"]);
    let goes = Device::join(site, &key, "goes").await;
    let expires = Device::join(site, &key, "expires").await;
    let mut peer = relay.connect(&stays.node).await.unwrap();
    for (device, command) in [(goes, "remove"), (expires, "expire")] {
        let mut cut = relay.connect(&device.node).await.unwrap();
        cut.send(stays.node_key(), b"still here").await.unwrap();
        assert_eq!(peer.packet().await, (device.node_key(), b"still here".to_vec()));
        ada.json(&["node", command, &device.hostname, "--yes"]);
        cut.ended().await;
        let (kind, gone) = peer.frame().await.unwrap();
        assert_eq!((kind, &gone[..32], gone[32]), (PEER_GONE, &device.node_key().0[..], 0));
        let again = relay.connect(&device.node).await;
        assert_eq!(again.err().unwrap().kind(), ErrorKind::UnexpectedEof, "{command}");
        peer.send(device.node_key(), &disco_packet()).await.unwrap();
        assert_eq!(peer.frame().await.unwrap().1[32], 1, "it is not here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_probe_is_answered() {
    let (coordinator, site, _ada, key) = relay_at_home().await;
    let mut device = Device::join(site, &key, "pi").await;
    let relay = Relay::of(&device.online(Encoding::Plain).await.unwrap().view.others["DERPMap"]);
    for path in ["/derp/probe", "/derp/latency-check"] {
        assert!(relay.get(path, "").await.unwrap().starts_with("HTTP/1.1 200 "), "{path}");
    }
    let answer = relay.get("/generate_204", "X-Tailscale-Challenge: ts_me\r\n").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(answer.contains("x-tailscale-response: response ts_me\r\n"), "{answer}");
    assert!(relay.get("/derp", "").await.unwrap().starts_with("HTTP/1.1 426 "));
    let url = coordinator.url();
    let plain = ureq::get(format!("{url}/generate_204")).call().unwrap();
    assert_eq!(plain.status(), 204, "at the coordinator's own port too");
    for (node, allowed) in
        [(device.node_key(), true), (public(&SecretKey::from(random_bytes::<32>())), false)]
    {
        let asked = json!({ "NodePublic": node, "Source": "192.0.2.7" }).to_string();
        let mut answer = ureq::post(format!("{url}/verify")).send(asked).unwrap();
        let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        assert_eq!(answer, json!({ "Allow": allowed }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_with_relay_clients_stops_at_once() {
    let (mut coordinator, site, _ada, key) = relay_at_home().await;
    let mut device = Device::join(site, &key, "pi").await;
    let relay = Relay::of(&device.online(Encoding::Plain).await.unwrap().view.others["DERPMap"]);
    let admitted = relay.connect(&device.node).await.unwrap();
    let silent = relay.upgrade().await.unwrap();
    assert!(coordinator.stop().success());
    admitted.ended().await;
    drop(silent);
    assert!(!coordinator.log().contains("did not come to an end in time"), "{}", coordinator.log_tail());
}
