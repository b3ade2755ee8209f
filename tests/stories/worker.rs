//! `wonder worker` on a real tailscaled, against a real coordinator: join, status, leave, and what goes wrong.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::coordinator::Coordinator;
use common::process::Process;
use common::state;
use common::tailscaled::Tailscaled;
use common::wait::wait_until;
use common::wonder::{Run, Wonder, clean_environment};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use wonder::core::token::JoinToken;

const PASSWORD: &str = "a long enough password\n";

/// Without a relay, a device that is alone never counts itself as connected.
const FREE_PORTS: [&str; 4] = ["--derp-listen", "127.0.0.1:0", "--stun-listen", "127.0.0.1:0"];

/// A coordinator, and Ada, who is logged in to it.
struct Home {
    coordinator: Coordinator,
    ada: Wonder,
}

impl Home {
    fn new() -> Home {
        Home::of(Coordinator::options().args(&FREE_PORTS).start())
    }

    fn of(coordinator: Coordinator) -> Home {
        let ada = person(&coordinator, "ada@example.org");
        Home { coordinator, ada }
    }

    fn token(&self) -> String {
        self.ada.run(&["token", "create", "-q"]).stdout.trim().to_owned()
    }

    fn nodes(&self) -> Vec<Value> {
        self.ada.json(&["node", "list"])["nodes"].as_array().unwrap().clone()
    }

    fn uses_left(&self) -> Vec<u64> {
        let list = self.ada.json(&["token", "list"]);
        list["tokens"].as_array().unwrap().iter().map(|token| token["uses_left"].as_u64().unwrap()).collect()
    }
}

fn person(coordinator: &Coordinator, email: &str) -> Wonder {
    let made = coordinator.admin(&["user", "create", email, "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{made:?}");
    let wonder = Wonder::new();
    let login = ["login", coordinator.url(), "--email", email, "--password-stdin"];
    assert_eq!(wonder.run_with(&login, PASSWORD).code, 0);
    wonder
}

/// A door before a coordinator, which lets its API through and, until it is opened, no device.
struct Gate {
    listener: SocketAddr,
    behind: Arc<OnceLock<SocketAddr>>,
    open: Arc<AtomicBool>,
    turned_away: Arc<AtomicBool>,
}

impl Gate {
    fn new() -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (behind, open, turned_away) = (Arc::<OnceLock<_>>::default(), Arc::default(), Arc::default());
        let gate = Gate { listener: address, behind, open, turned_away };
        let (behind, open, away) = (gate.behind.clone(), gate.open.clone(), gate.turned_away.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, behind) = (stream.unwrap(), *behind.get().unwrap());
                let (open, away) = (open.clone(), away.clone());
                std::thread::spawn(move || pass(stream, behind, &open, &away));
            }
        });
        gate
    }

    fn coordinator(&self) -> Coordinator {
        let url = format!("http://{}", self.listener);
        let coordinator = Coordinator::options().args(&["--url", &url]).args(&FREE_PORTS).start();
        let listen = coordinator.ready["listen"].as_str().unwrap().parse().unwrap();
        self.behind.set(listen).unwrap();
        coordinator
    }

    fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    fn turned_away(&self) -> bool {
        self.turned_away.load(Ordering::SeqCst)
    }
}

/// One connection. What it asks first tells who it is.
fn pass(mut stream: TcpStream, behind: SocketAddr, open: &AtomicBool, turned_away: &AtomicBool) {
    let mut begin = [0; 64];
    let length = stream.peek(&mut begin).unwrap_or(0);
    if !String::from_utf8_lossy(&begin[..length]).contains(" /api/") && !open.load(Ordering::SeqCst) {
        turned_away.store(true, Ordering::SeqCst);
        return;
    }
    let mut inner = TcpStream::connect(behind).unwrap();
    let (mut from, mut to) = (inner.try_clone().unwrap(), stream.try_clone().unwrap());
    std::thread::spawn(move || {
        // Either side may hang up at any time.
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut stream, &mut inner);
    let _ = inner.shutdown(Shutdown::Both);
}

/// The command line of a device, on its own tailscaled.
fn device(tailscaled: &Tailscaled) -> Wonder {
    Wonder::new().env("WONDER_TAILSCALED_SOCKET", tailscaled.socket().to_str().unwrap())
}

fn assert_says(run: &Run, code: i32, words: &str) {
    assert_eq!(run.code, code, "{run:?}");
    assert!(run.stderr.contains(words), "{words:?} in {}", run.stderr);
}

/// The names of a node's fields.
fn shape(document: &Value) -> Vec<String> {
    document["node"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_device_joins_is_there_and_leaves() {
    let (home, daemon) = (Home::new(), Tailscaled::start());
    let pi = device(&daemon);
    assert_eq!(pi.json(&["worker", "status"])["state"], "not_joined");
    let token = home.token();
    let joined = pi.json_with(&["worker", "join", "-", "--hostname", "pi"], &format!("{token}\n"));
    assert_eq!((&joined["already"], &joined["node"]["name"]), (&json!(false), &json!("pi")));
    assert_eq!(
        (&joined["node"]["online"], &joined["coordinator"]),
        (&json!(true), &json!(home.coordinator.url()))
    );
    assert_eq!(home.nodes().len(), 1);

    let status = pi.json(&["worker", "status"]);
    assert_eq!(status["state"], "connected", "{status}");
    assert_eq!(
        (&status["node"]["id"], &status["coordinator_reachable"]),
        (&joined["node"]["id"], &json!(true))
    );
    assert_eq!(status["engine"]["version"], "1.102.3");
    assert!(pi.run(&["worker", "status"]).stdout.starts_with("pi.ada."));

    let again = pi.json(&["worker", "join", &token]);
    assert_eq!((&again["already"], shape(&again)), (&json!(true), shape(&joined)));
    assert_eq!((&again["node"]["id"], &again["node"]["name"]), (&joined["node"]["id"], &json!("pi")));
    let other = pi.json(&["worker", "join", &home.token()]);
    assert_eq!(other["already"], true, "another token of the same realm");
    assert_eq!(other["node"]["id"], joined["node"]["id"]);
    assert_eq!(home.uses_left(), [1, 0], "which is not spent");

    let left = pi.json(&["worker", "leave", "--yes"]);
    assert_eq!((&left["left"], &left["coordinator_told"]), (&json!(true), &json!(true)));
    assert_eq!(home.nodes(), [] as [Value; 0]);
    assert_eq!(pi.json(&["worker", "status"])["state"], "not_joined");
    assert_eq!(pi.json(&["worker", "leave", "--yes"])["left"], false);
}

/// The code with which a join is refused for good; there is always a way on.
fn refused(device: &Wonder, token: &str) -> String {
    let error = device.error(&["worker", "join", token], 4);
    assert!(error["hint"].is_string(), "{error}");
    error["code"].as_str().unwrap().to_owned()
}

/// What the API answers to a token, as another device would ask.
fn status_of(home: &Home, path: &str, token: &str) -> String {
    let url = format!("{}/api/v1{path}", home.coordinator.url());
    let body = json!({ "token": token }).to_string();
    let mut curl = Command::new("curl");
    curl.args(["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", &url]);
    let answer = curl.args(["--json", &body]).output().unwrap();
    String::from_utf8(answer.stdout).unwrap()
}

fn used_up(home: &Home) -> String {
    let token = home.token();
    assert!(status_of(home, "/join", &token).starts_with('2'));
    token
}

fn expired(home: &Home) -> String {
    let token = home.ada.run(&["token", "create", "-q", "--ttl", "1s"]).stdout.trim().to_owned();
    wait_until("it expires", Duration::from_secs(10), || status_of(home, "/join/check", &token) == "403");
    token
}

#[test]
fn a_token_that_is_of_no_use_is_4_and_the_device_stays_as_it_was() {
    let (home, daemon) = (Home::new(), Tailscaled::start());
    let pi = device(&daemon);
    let token = home.token();
    home.ada.json(&[
        "token",
        "revoke",
        home.ada.json(&["token", "list"])["tokens"][0]["id"].as_str().unwrap(),
        "--yes",
    ]);
    assert_eq!(refused(&pi, &token), "token_revoked");
    assert_eq!(refused(&pi, &expired(&home)), "token_expired");
    assert_eq!(refused(&pi, &used_up(&home)), "token_used_up");
    // Well made, and never by this coordinator.
    let unknown = JoinToken::new(home.coordinator.url().parse().unwrap()).encode();
    assert_eq!(refused(&pi, unknown.reveal()), "token_unknown");
    assert_eq!(daemon.state(), "NeedsLogin");
    assert!(!pi.config_dir().join("worker.toml").exists());
}

#[test]
fn a_join_that_does_not_come_about_gives_its_use_back() {
    let (gate, daemon) = (Gate::new(), Tailscaled::start());
    let (home, pi) = (Home::of(gate.coordinator()), device(&daemon));
    let token = home.token();
    let run = pi.run(&["worker", "join", &token, "--timeout", "10s"]);
    assert_says(&run, 7, "did not connect in time");
    assert_eq!(home.uses_left(), [1], "the use is given back");
    daemon.wait_until("it is as before", Duration::from_secs(30), |daemon| daemon.state() == "NeedsLogin");
    assert!(!pi.config_dir().join("worker.toml").exists());
    gate.open();
    assert_eq!(pi.json(&["worker", "join", &token])["already"], false, "the same token is good still");
}

#[test]
fn a_join_that_a_person_breaks_off_is_undone() {
    let (gate, daemon) = (Gate::new(), Tailscaled::start());
    let (home, pi) = (Home::of(gate.coordinator()), device(&daemon));
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wonder"));
    clean_environment(&mut command);
    command.args(["worker", "join", &home.token(), "--socket"]).arg(daemon.socket());
    let mut join = Process::start(command.env("WONDER_CONFIG_DIR", pi.config_dir()), log.path(), false);
    wait_until("tailscaled tries", Duration::from_secs(30), || gate.turned_away());
    join.signal(Signal::INT);
    wait_until("it ends", Duration::from_secs(30), || join.ended().is_some());
    assert!(join.log().contains("interrupted; this device is as it was before"), "{}", join.log());
    assert_eq!(home.uses_left(), [1], "the use is given back");
    daemon.wait_until("it is as before", Duration::from_secs(30), |daemon| daemon.state() == "NeedsLogin");
    assert!(!pi.config_dir().join("worker.toml").exists());
}

#[test]
fn another_realm_of_the_same_coordinator_is_another_network() {
    let (home, daemon) = (Home::new(), Tailscaled::start());
    let bob = person(&home.coordinator, "bob@example.org");
    let pi = device(&daemon);
    pi.json(&["worker", "join", &home.token(), "--hostname", "pi"]);
    let other = bob.run(&["token", "create", "-q"]).stdout.trim().to_owned();
    let error = pi.error(&["worker", "join", &other], 6);
    assert_eq!(error["code"], "other_network", "{error}");
    assert_eq!(pi.json(&["worker", "status"])["state"], "connected");
    let moved = pi.json(&["worker", "join", &other, "--force", "--hostname", "pi"]);
    assert!(moved["node"]["dns_name"].as_str().unwrap().starts_with("pi.bob."), "{moved}");
}

#[test]
fn with_the_coordinator_down_a_device_says_so_and_leaves_all_the_same() {
    let (mut home, daemon) = (Home::new(), Tailscaled::start());
    let pi = device(&daemon);
    let token = home.token();
    let joined = pi.json(&["worker", "join", &token, "--hostname", "pi"]);
    home.coordinator.stop();
    let status = pi.json(&["worker", "status"]);
    assert_eq!((&status["node"]["id"], shape(&status)), (&joined["node"]["id"], shape(&joined)));
    assert_eq!(status["node"]["online"], false, "nobody sees it");
    assert_eq!((&status["state"], &status["coordinator_reachable"]), (&json!("connecting"), &json!(false)));
    let left = pi.run(&["worker", "leave", "--yes"]);
    assert_says(&left, 0, "warning: the coordinator could not be told");
    assert_eq!(pi.json(&["worker", "status"])["state"], "not_joined");
    assert!(!pi.config_dir().join("worker.toml").exists());
}

/// Runs `wonder` as a user who is nobody special; exit code and stderr.
fn as_ordinary_user(daemon: &Tailscaled, args: &[&str]) -> (i32, String) {
    let config = tempfile::tempdir().unwrap();
    let nobody = Some(rustix::fs::Uid::from_raw(NOBODY));
    rustix::fs::chown(config.path(), nobody, None).unwrap();
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={NOBODY}"), "--clear-groups", env!("CARGO_BIN_EXE_wonder")]).args(args);
    clean_environment(&mut command);
    command.env("WONDER_CONFIG_DIR", config.path()).env("WONDER_TAILSCALED_SOCKET", daemon.socket());
    let output = command.output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// `nobody` of Debian, who is no user of tailscaled.
const NOBODY: u32 = 65534;

#[test]
fn preconditions_are_checked_before_the_token_is_spent() {
    let (home, daemon) = (Home::new(), Tailscaled::start());
    let token = home.token();
    let join = ["worker", "join", token.as_str()];
    let nowhere = Wonder::new().env("WONDER_TAILSCALED_SOCKET", "/nonexistent/tailscaled.sock");
    assert_eq!(nowhere.error(&join, 7)["code"], "tailscaled_absent");
    let (code, words) = as_ordinary_user(&daemon, &join);
    assert_eq!(code, 4, "{words}");
    assert!(words.contains("sudo") || words.contains("--operator"), "{words}");
    let pi = device(&daemon);
    pi.error(&["worker", "join", &token, "--hostname", "My Raspberry Pi"], 2);
    pi.error(&["worker", "join", &format!("{token}x")], 2);
    pi.error(&["worker", "join", &token, "--coordinator", "http://127.0.0.1:9"], 2);
    let elsewhere = Tailscaled::options().state(state::logged_in_to("http://127.0.0.1:9")).start();
    assert_eq!(device(&elsewhere).error(&join, 6)["code"], "other_network");
    assert_eq!(home.uses_left(), [1], "nothing was spent");
    assert_eq!(home.nodes(), [] as [Value; 0]);
    pi.json(&join);
    assert_eq!(home.uses_left(), [0]);
}

#[test]
fn an_ordinary_user_joins_where_tailscaled_allows_it() {
    let (home, daemon) = (Home::new(), Tailscaled::start());
    assert!(daemon.tailscale(["set", "--operator=nobody"]).status.success());
    let (code, words) = as_ordinary_user(&daemon, &["worker", "join", &home.token(), "--hostname", "pi"]);
    assert_eq!(code, 0, "{words}");
    assert_eq!(home.nodes()[0]["online"], true);
}

#[test]
fn another_coordinators_network_is_left_alone_without_force_and_restored_when_force_fails() {
    let (earlier, daemon) = (Home::new(), Tailscaled::start());
    let pi = device(&daemon);
    pi.json(&["worker", "join", &earlier.token(), "--hostname", "pi"]);
    let gate = Gate::new();
    let home = Home::of(gate.coordinator());
    let token = home.token();
    assert_eq!(pi.error(&["worker", "join", &token], 6)["code"], "other_network");
    assert_says(&pi.run(&["worker", "join", &token, "--force", "--timeout", "3s"]), 7, "in time");
    assert_eq!(home.uses_left(), [1], "the use is given back");
    wait_until("the earlier log-in is back", Duration::from_secs(30), || {
        let status = pi.json(&["worker", "status"]);
        status["state"] == "connected" && status["coordinator"] == earlier.coordinator.url()
    });
    gate.open();
    let joined = pi.json(&["worker", "join", &token, "--force", "--hostname", "pi"]);
    assert_eq!((&joined["already"], &joined["coordinator"]), (&json!(false), &json!(home.coordinator.url())));
    assert_eq!(home.nodes()[0]["online"], true);
}
