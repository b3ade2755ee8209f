//! Real devices that join over https: by the coordinator's own TLS port, which then carries the relay as well, and
//! through a reverse proxy that ends TLS before it. The certificate is of an authority that the devices trust.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::apache::Apache;
use common::coordinator::{Coordinator, Options};
use common::echo;
use common::mesh::{self, Person, SOON, wait_for_peer};
use common::tailscaled::{self, Tailscaled};
use common::wonder::Wonder;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;

/// An authority, and a certificate of it for 127.0.0.1.
struct Authority {
    directory: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let own_key = rcgen::KeyPair::generate().unwrap();
        let mut own = rcgen::CertificateParams::new(Vec::new()).unwrap();
        own.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        own.distinguished_name.push(rcgen::DnType::CommonName, "the authority of a test");
        let pem = own.self_signed(&own_key).unwrap().pem();
        let issuer = rcgen::Issuer::new(own, own_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let authority = Authority { directory };
        std::fs::write(authority.path("ca.pem"), pem).unwrap();
        std::fs::write(authority.path("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(authority.path("key.pem"), key.serialize_pem()).unwrap();
        authority
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A person whose command line trusts the authority.
    fn person(&self, coordinator: &Coordinator) -> Person {
        Person::with(coordinator, Wonder::new().env("SSL_CERT_FILE", self.file("ca.pem")))
    }

    /// A device that trusts the authority, and that the relay alone reaches.
    fn relayed(&self) -> tailscaled::Options<'static> {
        let options = Tailscaled::options().env("SSL_CERT_FILE", &self.file("ca.pem"));
        options.env("TS_DEBUG_NEVER_DIRECT_UDP", "1")
    }
}

/// Two devices join over https, know each other, and talk by the relay alone.
fn two_devices_talk_by_the_relay(authority: &Authority, ada: &Person) {
    assert!(ada.url().starts_with("https://127.0.0.1:"), "{}", ada.url());
    let port = echo::start();
    let left = ada.device_with("left", authority.relayed());
    let right = ada.device_with("right", authority.relayed());
    wait_for_peer(&left, "right", "online", |peer| peer["Online"] == true);
    let mut pong = String::new();
    left.wait_until("a pong by the relay", SOON, |left| {
        pong = left.ping("right").unwrap_or_default();
        pong.contains("DERP(wonder)")
    });
    left.echo(&right.address(), port).unwrap();
    right.echo(&left.address(), port).unwrap();
    ada.change(&["rename", "right", "other"]);
    wait_for_peer(&left, "other", "is renamed", |_| true);
    let stranger = Tailscaled::start();
    let (server, key) = (format!("--login-server={}", ada.url()), ada.token(&[]).auth_key);
    let up = stranger.begin(&["up", &server, &format!("--auth-key={key}"), "--hostname=stranger"]);
    stranger.wait_until("who does not trust the authority does not join", SOON, |stranger| {
        (stranger.log() + &up.log()).contains("certificate signed by unknown authority")
    });
    assert!(ada.nodes().iter().all(|node| node["name"] != "stranger"));
}

/// The relay that devices are told of.
fn relay_of(device: &Tailscaled) -> Value {
    let said = device.tailscale(["debug", "derp-map"]);
    let map: Value = serde_json::from_slice(&said.stdout).unwrap();
    map["Regions"]["900"]["Nodes"][0].clone()
}

#[test]
fn over_the_coordinators_own_tls_port_devices_join_and_the_relay_shares_it() {
    let authority = Authority::new();
    let tls = ["--tls-cert", &authority.file("cert.pem"), "--tls-key", &authority.file("key.pem")];
    let options = Coordinator::options().args(&tls).args(&["--stun-listen", "127.0.0.1:0"]);
    let coordinator = options.start();
    let ada = authority.person(&coordinator);
    two_devices_talk_by_the_relay(&authority, &ada);
    let witness = ada.device_with("witness", authority.relayed());
    let (relay, port) = (relay_of(&witness), coordinator.url().rsplit_once(':').unwrap().1);
    assert_eq!(relay["DERPPort"].to_string(), port, "{relay}");
    assert!(relay.get("CertName").is_none_or(|name| name == ""), "nothing is pinned: {relay}");
    assert!(relay.get("InsecureForTests").is_none_or(|yes| yes == false), "{relay}");
}

/// Apache, which ends TLS and hands on to a coordinator at this port.
fn proxy(authority: &Authority, port: u16, to: u16) -> Apache {
    let root = authority.directory.path();
    let config = format!(
        "ServerRoot {root}\nServerName 127.0.0.1\nListen 127.0.0.1:{port}\nPidFile {root}/pid\nUser www-data\n\
         Group www-data\nErrorLog {root}/errors\n{}SSLEngine on\nSSLCertificateFile {root}/cert.pem\n\
         SSLCertificateKeyFile {root}/key.pem\nProxyTimeout 3600\nProxyPreserveHost on\n\
         ProxyPass / http://127.0.0.1:{to}/ upgrade=ANY flushpackets=on\n",
        Apache::load(&["mpm_event", "authn_core", "authz_core", "ssl", "proxy", "proxy_http", "headers"]),
        root = root.display(),
    );
    std::fs::write(authority.path("conf"), config).unwrap();
    Apache::start(root, port)
}

#[test]
fn behind_a_reverse_proxy_that_ends_tls_devices_join_and_hear_of_changes() {
    let authority = Authority::new();
    let (front, back) = (common::port::own(), common::port::own());
    let url = format!("https://127.0.0.1:{front}");
    let behind = ["--url", &url, "--trusted-proxies", "127.0.0.1"];
    let options: Options = mesh::options().listen(&format!("127.0.0.1:{back}")).args(&behind);
    let coordinator = options.start();
    let _proxy = proxy(&authority, front, back);
    let ada = authority.person(&coordinator);
    assert_eq!(ada.url(), url);
    two_devices_talk_by_the_relay(&authority, &ada);
}
