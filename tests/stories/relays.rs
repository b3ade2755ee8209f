//! Relays elsewhere: a real `derper` that asks the coordinator whom to admit, told to devices by a file or a URL.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use crate::common;

use common::coordinator::Coordinator;
use common::device::{Device, Encoding, Site};
use common::fleet::{auth_key, person};
use common::process::Process;
use common::relay::Relay;
use common::tailscaled::{Tailscaled, peers};
use common::wait::wait_until;
use crypto_box::SecretKey;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use wonder::core::Timestamp;
use wonder::core::secret::random_bytes;
use wonder::mesh::native::derp::Certificate;
use wonder::runtime::Clock;

const PATIENCE: Duration = Duration::from_secs(60);

/// A relay of somebody else's, before it runs: its ports, and its certificate.
struct Elsewhere {
    directory: TempDir,
    port: u16,
    stun: u16,
    pin: String,
}

impl Elsewhere {
    fn new() -> Elsewhere {
        let directory = tempfile::tempdir().unwrap();
        let certificate = Certificate::self_signed(&["127.0.0.1".to_owned()], now()).unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        write("127.0.0.1.crt", &certificate.certificate_pem);
        write("127.0.0.1.key", certificate.key_pem.reveal());
        let local = (Ipv4Addr::LOCALHOST, 0);
        // Free ports: what listened there is closed again, and nobody else is given them at once.
        let port = TcpListener::bind(local).unwrap().local_addr().unwrap().port();
        let stun = UdpSocket::bind(local).unwrap().local_addr().unwrap().port();
        let pin = certificate.sha256_raw().unwrap();
        Elsewhere { directory, port, stun, pin }
    }

    /// What people give to the coordinator, in Tailscale's form.
    fn map(&self) -> Value {
        let node = json!({
            "Name": "901a", "RegionID": 901, "HostName": "127.0.0.1", "IPv4": "127.0.0.1", "IPv6": "none",
            "DERPPort": self.port, "STUNPort": self.stun, "CertName": format!("sha256-raw:{}", self.pin),
        });
        let region = json!({
            "RegionID": 901, "RegionCode": "elsewhere", "RegionName": "Elsewhere", "Nodes": [node],
        });
        json!({ "Regions": { "901": region } })
    }

    fn relay(&self) -> Relay {
        Relay { address: (Ipv4Addr::LOCALHOST, self.port).into(), pin: self.pin.clone() }
    }

    /// Runs it; it asks `coordinator` whom to admit, and admits nobody when it gets no answer.
    fn run(&self, coordinator: &Coordinator) -> Process {
        let derper = peers().join("derper-1.102.3/derper");
        assert!(derper.is_file(), "{} is missing: run scripts/install-peers", derper.display());
        let mut command = Command::new(derper);
        command.args(["-a", &format!("127.0.0.1:{}", self.port), "-http-port", "-1"]);
        command.args(["-stun-port", &self.stun.to_string()]);
        command
            .args(["-certmode", "manual", "-hostname", "127.0.0.1", "-certdir"])
            .arg(self.directory.path());
        command.arg("-c").arg(self.directory.path().join("derper.key"));
        command.arg(format!("-verify-client-url={}/verify", coordinator.url()));
        command.arg("-verify-client-url-fail-open=false");
        let process = Process::start(&mut command, &self.directory.path().join("log"), false);
        wait_until("derper listens", PATIENCE, || TcpStream::connect(self.relay().address).is_ok());
        process
    }
}

fn now() -> Timestamp {
    Clock::system().now()
}

/// A coordinator without a relay of its own, which is told of the relays in `source`.
fn told_of(directory: &Path, source: &str) -> Coordinator {
    let settings = directory.join("wonder.toml");
    std::fs::write(&settings, format!("relay-maps = ['{source}']")).unwrap();
    Coordinator::options().args(&["--no-derp", "--config", settings.to_str().unwrap()]).start()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derper_elsewhere_admits_our_nodes_and_refuses_strangers() {
    let elsewhere = Elsewhere::new();
    let file = elsewhere.directory.path().join("relays.json");
    std::fs::write(&file, elsewhere.map().to_string()).unwrap();
    let coordinator = told_of(elsewhere.directory.path(), file.to_str().unwrap());
    let derper = elsewhere.run(&coordinator);
    let ada = person(&coordinator, "ada@example.org");
    let site = Site::of(coordinator.url()).await.unwrap();
    let relay = elsewhere.relay();

    let stranger = relay.connect(&SecretKey::from(random_bytes::<32>())).await;
    assert_eq!(stranger.err().unwrap().kind(), ErrorKind::UnexpectedEof, "{}", derper.log_tail());
    let device = Device::join(site, &auth_key(&ada, &[]), "pi").await;
    let admitted = relay.connect(&device.node).await;
    assert!(admitted.is_ok(), "{:?}\n{}", admitted.err(), derper.log_tail());
    ada.json(&["node", "remove", "pi", "--yes"]);
    let removed = relay.connect(&device.node).await;
    assert_eq!(removed.err().unwrap().kind(), ErrorKind::UnexpectedEof, "{}", derper.log_tail());
}

#[test]
fn devices_meet_at_a_relay_elsewhere() {
    let elsewhere = Elsewhere::new();
    let file = elsewhere.directory.path().join("relays.json");
    std::fs::write(&file, elsewhere.map().to_string()).unwrap();
    let coordinator = told_of(elsewhere.directory.path(), file.to_str().unwrap());
    let _derper = elsewhere.run(&coordinator);
    let ada = person(&coordinator, "ada@example.org");
    let join = |name: &str| {
        let daemon = Tailscaled::options().env("TS_DEBUG_NEVER_DIRECT_UDP", "1").start();
        daemon.up(coordinator.url(), &auth_key(&ada, &[]), name, &[]);
        daemon
    };
    let (left, _right) = (join("left"), join("right"));
    left.wait_until("a way by the relay", PATIENCE, |left| {
        left.ping("right").is_ok_and(|said| said.contains("via DERP(elsewhere)"))
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_of_relays_is_read_from_a_url() {
    let elsewhere = Elsewhere::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/relays.json", listener.local_addr().unwrap());
    let map = elsewhere.map();
    let body = map.to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let length = stream.read(&mut request).unwrap();
        let answer =
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let coordinator = told_of(elsewhere.directory.path(), &url);
    assert!(server.join().unwrap().starts_with("GET /relays.json HTTP/1.1\r\n"));
    let ada = person(&coordinator, "ada@example.org");
    let site = Site::of(coordinator.url()).await.unwrap();
    let mut device = Device::join(site, &auth_key(&ada, &[]), "pi").await;
    let stream = device.online(Encoding::Zstd).await.unwrap();
    assert_eq!(stream.view.others["DERPMap"]["Regions"], map["Regions"]);
}
