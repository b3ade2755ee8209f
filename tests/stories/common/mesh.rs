//! One coordinator for all stories of a test program, with its relay; each story has a person of its own, and so a
//! realm of its own.

use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::coordinator::{Coordinator, Options, is_on_postgres};
use super::tailscaled::{self, Tailscaled};
use super::wonder::Wonder;

const PASSWORD: &str = "correct horse battery\n";

/// What a slow machine may take for what is done at once.
pub const SOON: Duration = Duration::from_secs(60);

/// A coordinator's options: relay and STUN on free ports of 127.0.0.1, and an ephemeral device is forgotten soon.
pub fn options() -> Options {
    Coordinator::options().args(&[
        "--derp-listen",
        "127.0.0.1:0",
        "--stun-listen",
        "127.0.0.1:0",
        "--ephemeral-grace",
        "10s",
    ])
}

/// The coordinator that the stories of this program share, one on each engine; it lives as long as one of them holds it.
pub fn shared() -> Arc<Coordinator> {
    static SHARED: [Mutex<Weak<Coordinator>>; 2] = [const { Mutex::new(Weak::new()) }; 2];
    let mut shared = SHARED[usize::from(is_on_postgres())].lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let coordinator = Arc::new(options().start());
        *shared = Arc::downgrade(&coordinator);
        coordinator
    })
}

/// A person who is logged in, and so has a realm.
pub struct Person {
    pub wonder: Wonder,
    url: String,
    _shared: Option<Arc<Coordinator>>,
}

/// A join token.
pub struct Token {
    pub id: String,
    pub secret: String,
    pub auth_key: String,
}

impl Person {
    /// A new one at the shared coordinator.
    pub fn new() -> Person {
        let coordinator = shared();
        let person = Person::of(&coordinator);
        Person { _shared: Some(coordinator), ..person }
    }

    /// A new one at this coordinator.
    pub fn of(coordinator: &Coordinator) -> Person {
        Person::with(coordinator, Wonder::new())
    }

    /// A new one at this coordinator, who uses this command line.
    pub fn with(coordinator: &Coordinator, wonder: Wonder) -> Person {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let email = format!("p{}@example.org", COUNT.fetch_add(1, Ordering::Relaxed));
        let made = coordinator.admin(&["user", "create", &email, "--password-stdin"], PASSWORD);
        assert_eq!(made.code, 0, "{made:?}");
        let login = ["login", coordinator.url(), "--email", &email, "--password-stdin"];
        wonder.json_with(&login, PASSWORD);
        Person { wonder, url: coordinator.url().to_owned(), _shared: None }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A join token, made with these arguments.
    pub fn token(&self, args: &[&str]) -> Token {
        let made = self.wonder.json(&[&["token", "create"], args].concat());
        let text = |value: &Value| value.as_str().expect("the token is told").to_owned();
        Token {
            id: text(&made["token"]["id"]),
            secret: text(&made["secret"]),
            auth_key: text(&made["auth_key"]),
        }
    }

    pub fn uses_left(&self, token: &Token) -> u64 {
        let list = self.wonder.json(&["token", "list"]);
        let found = list["tokens"].as_array().unwrap().iter().find(|t| t["id"] == token.id.as_str());
        found.and_then(|token| token["uses_left"].as_u64()).expect("a token with a number of uses")
    }

    pub fn nodes(&self) -> Vec<Value> {
        self.wonder.json(&["node", "list"])["nodes"].as_array().unwrap().clone()
    }

    /// The node with this name; a panic if there is none.
    pub fn node(&self, name: &str) -> Value {
        self.wonder.json(&["node", "show", name])["node"].clone()
    }

    /// `wonder node VERB NAME …`, which must succeed.
    pub fn change(&self, args: &[&str]) -> Value {
        self.wonder.json(&[&["node"], args, &["--yes"]].concat())["node"].clone()
    }

    /// Takes a device into the realm, with a new token's auth key.
    pub fn join(&self, device: &Tailscaled, hostname: &str) {
        device.up(&self.url, &self.token(&[]).auth_key, hostname, &[]);
    }

    /// A new device of the current version, in the realm.
    pub fn device(&self, hostname: &str) -> Tailscaled {
        self.device_with(hostname, Tailscaled::options())
    }

    pub fn device_with(&self, hostname: &str, options: tailscaled::Options<'_>) -> Tailscaled {
        let device = options.start();
        self.join(&device, hostname);
        device
    }
}

/// Waits until a device knows its peer as `holds` says.
pub fn wait_for_peer(device: &Tailscaled, name: &str, what: &str, holds: impl Fn(&Value) -> bool) {
    device.wait_until(&format!("{name}: {what}"), SOON, |device| {
        device.peer(name).is_some_and(|peer| holds(&peer))
    });
}

/// Waits until a device knows of no peer with this name.
pub fn wait_without_peer(device: &Tailscaled, name: &str) {
    device.wait_until(&format!("{name} is gone"), SOON, |device| device.peer(name).is_none());
}

/// Waits until a device is in this state.
pub fn wait_for_state(device: &Tailscaled, state: &str) {
    device.wait_until(state, SOON, |device| device.state() == state);
}
