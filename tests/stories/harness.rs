//! The harness itself: what the stories rely on, so that a story that fails speaks of `wonder`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::netns::NetNs;
use common::tailscaled::Tailscaled;
use std::time::Duration;

fn reaches(from: &NetNs, address: &str) -> bool {
    from.command("ping").args(["-c1", "-W2", address]).output().unwrap().status.success()
}

#[test]
fn namespaces_reach_each_other_by_their_links_alone() {
    let (one, two, three) = (NetNs::new(), NetNs::new(), NetNs::new());
    one.link("10.9.0.1/30", &two, "10.9.0.2/30");
    two.link("10.9.0.5/30", &three, "10.9.0.6/30");
    assert!(reaches(&one, "127.0.0.1") && reaches(&one, "10.9.0.2") && reaches(&three, "10.9.0.5"));
    one.default_route("10.9.0.2");
    three.default_route("10.9.0.5");
    assert!(!reaches(&one, "10.9.0.6"), "two is no router");
}

#[test]
fn a_namespace_is_gone_with_its_guard() {
    let listed = |name: &str| {
        let output = std::process::Command::new("ip").args(["netns", "list"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains(name)
    };
    let namespace = NetNs::new();
    let name = namespace.name().to_owned();
    assert!(listed(&name));
    drop(namespace);
    assert!(!listed(&name));
}

#[test]
fn a_daemon_on_a_tun_device_has_an_etc_of_its_own() {
    let (device, router) = (NetNs::new(), NetNs::new());
    device.link("10.9.0.1/30", &router, "10.9.0.2/30");
    device.default_route("10.9.0.2");
    let mut daemon = Tailscaled::options().tun(&device).start();
    for _ in 0..2 {
        daemon.wait_until("the TUN device", Duration::from_secs(10), |daemon| {
            daemon.command("ip").args(["link", "show", "tailscale0"]).output().unwrap().status.success()
        });
        assert_eq!(daemon.status_json()["TUN"], true);
        let write = "echo only here > /etc/wonder-test && grep -q only /etc/wonder-test";
        assert!(daemon.command("sh").args(["-c", write]).status().unwrap().success());
        assert!(!std::path::Path::new("/etc/wonder-test").exists());
        daemon.restart();
    }
}

#[test]
fn a_daemon_ends_with_its_guard() {
    let daemon = Tailscaled::start();
    let (pid, socket) = (daemon.pid(), daemon.socket());
    assert_eq!(daemon.state(), "NeedsLogin");
    let proc = format!("/proc/{pid}");
    assert!(std::path::Path::new(&proc).exists() && socket.exists());
    drop(daemon);
    assert!(!std::path::Path::new(&proc).exists() && !socket.parent().unwrap().exists());
}
