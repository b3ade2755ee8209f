//! A coordinator with one organization, and simulated devices that join it.

use serde_json::Value;
use std::io;

use super::coordinator::{Coordinator, Options};
use super::device::{Device, Encoding, MapStream, Site};
use super::wonder::Wonder;

const PASSWORD: &str = "a long enough password\n";

/// A coordinator; Ada, who is logged in to it; and a key with which any number of devices joins her realm.
pub struct Fleet {
    pub coordinator: Coordinator,
    pub ada: Wonder,
    pub site: Site,
    pub auth_key: String,
}

impl Fleet {
    /// On SQLite, without a relay.
    pub async fn new() -> Fleet {
        Fleet::of(Coordinator::options().args(&["--no-derp"])).await
    }

    pub async fn of(options: Options) -> Fleet {
        let coordinator = options.start();
        let ada = person(&coordinator, "ada@example.org");
        let site = Site::of(coordinator.url()).await.unwrap();
        let auth_key = auth_key(&ada, &["--reusable"]);
        Fleet { coordinator, ada, site, auth_key }
    }

    pub async fn join(&self, hostname: &str) -> Device {
        Device::join(self.site, &self.auth_key, hostname).await
    }

    /// A device that has joined and holds its map.
    pub async fn connected(&self, hostname: &str) -> (Device, MapStream) {
        let mut device = self.join(hostname).await;
        let stream = device.online(Encoding::Zstd).await.unwrap();
        (device, stream)
    }

    /// So many devices `PREFIX-0`, …, of which 16 at a time are about to join.
    pub async fn connect_many(&self, prefix: &str, count: usize) -> Vec<(Device, MapStream)> {
        let names = (0..count).map(|i| format!("{prefix}-{i}"));
        sixteen_at_a_time(names.map(|name| async move { self.connected(&name).await })).await
    }

    /// All of Ada's nodes.
    pub fn nodes(&self) -> Vec<Value> {
        self.ada.json(&["node", "list"])["nodes"].as_array().unwrap().clone()
    }

    /// Resident memory of the coordinator, in bytes.
    pub fn memory(&self) -> u64 {
        status_of(self.coordinator.pid(), "VmRSS:").unwrap()
    }

    /// The most that it ever was.
    pub fn peak_memory(&self) -> u64 {
        status_of(self.coordinator.pid(), "VmHWM:").unwrap()
    }
}

/// An account that is logged in.
pub fn person(coordinator: &Coordinator, email: &str) -> Wonder {
    let made = coordinator.admin(&["user", "create", email, "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{made:?}");
    let wonder = Wonder::new();
    let login = ["login", coordinator.url(), "--email", email, "--password-stdin"];
    let logged_in = wonder.run_with(&login, PASSWORD);
    assert_eq!(logged_in.code, 0, "{logged_in:?}");
    wonder
}

/// The auth key of a new join token.
pub fn auth_key(person: &Wonder, options: &[&str]) -> String {
    let made = person.json(&[&["token", "create"], options].concat());
    made["auth_key"].as_str().unwrap_or_else(|| panic!("no auth key in {made}")).to_owned()
}

/// Runs all, 16 at a time; the results in no order.
pub async fn sixteen_at_a_time<T>(work: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    use futures_util::StreamExt as _;
    futures_util::stream::iter(work).buffer_unordered(16).collect().await
}

/// A size in `/proc/PID/status`, in bytes.
fn status_of(pid: u32, name: &str) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
