//! The device side against a real tailscaled, where no coordinator is needed: what is absent, dead, forbidden, or
//! does not answer; leaving without a coordinator; and that a join which fails leaves everything as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use crate::common;

use common::state::{self, PROFILE};
use common::tailscaled::Tailscaled;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use wonder::core::secret::Secret;
use wonder::core::{Error, Kind};
use wonder::worker::{
    Departure, DeviceState, DeviceStatus, Engine, JoinPlan, Preflight, Standing, Step, leave,
};

/// `nobody` of Debian, who is no user of tailscaled.
const NOBODY: u32 = 65534;

/// The coordinator of an earlier log-in: a port that refuses connections.
const EARLIER: &str = "http://127.0.0.1:9";

/// A coordinator that accepts connections and never says a word, as one that hangs does.
struct Silent {
    url: String,
    asked: mpsc::Receiver<()>,
}

impl Silent {
    fn listen() -> Silent {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, asked) = mpsc::channel();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                let (tell, mut reader) = (tell.clone(), stream.try_clone().unwrap());
                // The first byte: one who only connects has not asked.
                std::thread::spawn(move || reader.read_exact(&mut [0; 1]).is_ok() && tell.send(()).is_ok());
                held.push(stream);
            }
        });
        Silent { url, asked }
    }
}

fn plan(coordinator: &str, force: bool) -> JoinPlan {
    JoinPlan { coordinator: coordinator.to_owned(), hostname: None, force }
}

fn engine_of(daemon: &Tailscaled) -> Engine {
    Engine::find(Some(&daemon.socket())).unwrap()
}

/// A coordinator on https with a certificate that nobody has signed: its URL.
fn self_signed() -> String {
    let certificate = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(certificate.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // The client breaks off the handshake; the next one may do better.
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        }
    });
    url
}

/// A log-in, as far as the daemon tells: what must be the same after a join that failed.
#[derive(Debug, PartialEq)]
struct Login {
    profile: String,
    profiles: usize,
    coordinator: String,
    hostname: String,
    have_node_key: bool,
    want_running: bool,
}

fn login(engine: &Engine) -> Login {
    let prefs = engine.prefs().unwrap();
    Login {
        profile: engine.current_profile().unwrap().id,
        profiles: engine.profiles().unwrap().len(),
        coordinator: prefs.control_url().to_owned(),
        hostname: prefs.hostname().to_owned(),
        have_node_key: engine.status().unwrap().have_node_key,
        want_running: prefs.want_running(),
    }
}

/// How long a join may take that is to fail, whatever tailscaled has done by then.
const BRIEF: Duration = Duration::from_secs(2);
/// The same where tailscaled must have tried the coordinator.
const TRIED: Duration = Duration::from_secs(10);

/// Joins with a key that nobody takes; the error, and the steps on the way to it.
fn failing_join(preflight: &Preflight, within: Duration) -> (Error, Vec<Step>) {
    let mut steps = Vec::new();
    let key = Secret::new("wak_never-to-be-seen");
    let error = preflight.join(&key, within, &mut |step| steps.push(step)).unwrap_err();
    assert!(!format!("{error:?}").contains("never-to-be-seen"));
    assert_eq!(steps.last(), Some(&Step::Restoring));
    (error, steps)
}

/// Runs `work` on a thread that is another user of this system.
fn as_user<T: Send>(uid: u32, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            rustix::thread::set_thread_uid(rustix::fs::Uid::from_raw(uid)).expect("this test needs root");
            work()
        });
        thread.join().unwrap()
    })
}

#[test]
fn an_absent_daemon_is_told_with_what_to_do() {
    let nowhere = tempfile::tempdir().unwrap();
    let socket = nowhere.path().join("tailscaled.sock");
    let error = Engine::find(Some(&socket)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "tailscaled_absent"));
    assert!(error.message().contains(socket.to_str().unwrap()));
    assert!(error.hint_text().unwrap().contains("tailscale"), "{:?}", error.hint_text());
    let status = DeviceStatus::read(Some(&socket)).unwrap();
    assert_eq!((status.state, status.engine), (DeviceState::NoEngine, None));
    assert_eq!(status.missing.unwrap().code(), "tailscaled_absent");
}

#[test]
fn a_dead_socket_is_told_from_an_absent_one() {
    let mut daemon = Tailscaled::start();
    engine_of(&daemon).status().unwrap();
    daemon.kill();
    let error = Engine::find(Some(&daemon.socket())).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "tailscaled_stopped"));
    assert_eq!(DeviceStatus::read(Some(&daemon.socket())).unwrap().state, DeviceState::NoEngine);
}

#[test]
fn a_socket_of_something_else_is_no_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let error = DeviceStatus::read(Some(&socket)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "tailscaled_gone"));
}

#[test]
fn a_user_without_permission_is_refused_before_anything_is_spent() {
    let daemon = Tailscaled::start();
    let socket = daemon.socket();
    as_user(NOBODY, || {
        let engine = Engine::find(Some(&socket)).unwrap();
        assert_eq!(DeviceStatus::of(&engine).unwrap().state, DeviceState::NotJoined);
        for error in [
            engine.can_write().unwrap_err(),
            plan(EARLIER, false).check(&engine).unwrap_err(),
            leave(&engine, None, false).unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.code()), (Kind::Denied, "tailscaled_permission"));
            assert!(error.hint_text().unwrap().contains("--operator=$USER"));
        }
    });
}

#[test]
fn an_operator_may_join_but_not_replace_a_login() {
    let free = Tailscaled::start();
    let taken = Tailscaled::options().state(state::logged_in_to(EARLIER)).start();
    for daemon in [&free, &taken] {
        assert!(daemon.tailscale(["set", "--operator=nobody"]).status.success());
    }
    let (free, taken) = (free.socket(), taken.socket());
    as_user(NOBODY, || {
        let check =
            |socket: &Path| plan("http://127.0.0.1:1", true).check(&Engine::find(Some(socket)).unwrap());
        let preflight = check(&free).unwrap();
        assert_eq!(preflight.standing(), &Standing::Free);
        let (error, _) = failing_join(&preflight, BRIEF);
        assert_eq!(error.code(), "join_timeout");
        check(&free).expect("the operator is still the operator");
        let error = check(&taken).unwrap_err();
        assert_eq!((error.kind(), error.hint_text()), (Kind::Denied, Some("run it with sudo")));
    });
}

#[test]
fn a_device_without_a_login_has_nothing_to_leave() {
    let daemon = Tailscaled::start();
    let engine = engine_of(&daemon);
    let status = DeviceStatus::of(&engine).unwrap();
    assert_eq!((status.state, status.node, status.coordinator), (DeviceState::NotJoined, None, None));
    assert_eq!(status.engine.unwrap().version, common::tailscaled::CURRENT);
    assert_eq!(leave(&engine, None, false).unwrap(), Departure::NothingToLeave);
    assert_eq!(plan(EARLIER, false).check(&engine).unwrap().standing(), &Standing::Free);
}

#[test]
fn a_coordinator_that_refuses_connections_is_named_when_time_is_up() {
    let daemon = Tailscaled::start();
    let engine = engine_of(&daemon);
    let before = login(&engine);
    let preflight = plan(EARLIER, false).check(&engine).unwrap();
    let (error, steps) = failing_join(&preflight, TRIED);
    assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "join_timeout"));
    assert!(error.message().contains("connection refused"), "{error}");
    assert!(steps.iter().any(|step| matches!(step, Step::Retrying(why) if why.contains("refused"))));
    assert_eq!(login(&engine), before);
}

#[test]
fn a_coordinator_that_does_not_answer_costs_the_time_that_was_given() {
    let daemon = Tailscaled::start();
    let (engine, silent) = (engine_of(&daemon), Silent::listen());
    let before = login(&engine);
    let preflight = plan(&silent.url, false).check(&engine).unwrap();
    let start = Instant::now();
    let (error, _) = failing_join(&preflight, TRIED);
    assert_eq!(error.code(), "join_timeout");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    silent.asked.recv_timeout(Duration::from_secs(1)).expect("tailscaled has asked the coordinator");
    assert_eq!(login(&engine), before);
    daemon.wait_until("a clean state", Duration::from_secs(30), |daemon| daemon.state() == "NeedsLogin");
}

#[test]
fn a_certificate_that_nobody_signed_ends_the_wait_at_once() {
    let daemon = Tailscaled::start();
    let engine = engine_of(&daemon);
    let before = login(&engine);
    let preflight = plan(&self_signed(), false).check(&engine).unwrap();
    for _ in 0..2 {
        let start = Instant::now();
        let (error, _) = failing_join(&preflight, Duration::from_secs(60));
        assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "untrusted_certificate"));
        assert!(error.message().contains("x509: certificate signed by unknown authority"), "{error}");
        assert!(error.hint_text().unwrap().contains("SSL_CERT_FILE"));
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        assert_eq!(login(&engine), before);
    }
}

#[test]
fn another_network_is_left_alone_without_force() {
    let daemon = Tailscaled::options().state(state::logged_in_to(EARLIER)).start();
    let engine = engine_of(&daemon);
    let before = login(&engine);
    let join = plan("http://127.0.0.1:1", false).check(&engine).unwrap_err();
    let leave = leave(&engine, Some("http://127.0.0.1:1"), false).unwrap_err();
    for error in [join, leave] {
        assert_eq!((error.kind(), error.code()), (Kind::Conflict, "other_network"));
        assert!(error.message().contains(EARLIER) && error.hint_text().unwrap().contains("--force"));
    }
    assert_eq!(login(&engine), before);
}

#[test]
fn a_member_is_told_as_such_and_nothing_is_changed() {
    let daemon = Tailscaled::options().state(state::logged_in_to(EARLIER)).start();
    let engine = engine_of(&daemon);
    let before = login(&engine);
    let preflight = plan(&format!("{EARLIER}/"), false).check(&engine).unwrap();
    assert!(matches!(preflight.standing(), Standing::Member(_)), "{:?}", preflight.standing());
    assert_eq!(login(&engine), before);
    let status = DeviceStatus::of(&engine).unwrap();
    assert_eq!((status.state, status.coordinator.as_deref()), (DeviceState::Connecting, Some(EARLIER)));
}

#[test]
fn a_failed_join_puts_the_earlier_login_back() {
    let mut daemon = Tailscaled::options().state(state::logged_in_to(EARLIER)).start();
    let (engine, silent) = (engine_of(&daemon), Silent::listen());
    let before = login(&engine);
    assert_eq!((before.profile.as_str(), before.profiles, before.have_node_key), (PROFILE, 1, true));
    let preflight = plan(&silent.url, true).check(&engine).unwrap();
    assert_eq!(preflight.standing(), &Standing::Elsewhere(EARLIER.to_owned()));
    let (error, _) = failing_join(&preflight, TRIED);
    assert_eq!(error.code(), "join_timeout");
    silent.asked.try_recv().expect("tailscaled has tried the new coordinator");
    assert_eq!(login(&engine), before);
    daemon.restart();
    assert_eq!(login(&engine_of(&daemon)), before);
}

#[test]
fn an_interrupted_join_can_be_undone_from_without() {
    let daemon = Tailscaled::options().state(state::logged_in_to(EARLIER)).start();
    let (engine, silent) = (engine_of(&daemon), Silent::listen());
    let before = login(&engine);
    let preflight = plan(&silent.url, true).check(&engine).unwrap();
    std::thread::scope(|scope| {
        let join = scope.spawn(|| failing_join(&preflight, Duration::from_secs(20)));
        silent.asked.recv_timeout(Duration::from_secs(18)).expect("the join is on its way");
        assert_ne!(login(&engine), before);
        preflight.undo().unwrap();
        assert_eq!(login(&engine), before);
        join.join().unwrap();
    });
    assert_eq!(login(&engine), before);
}

#[test]
fn leaving_without_a_coordinator_is_clean_at_once_and_after_a_restart() {
    let mut daemon = Tailscaled::options().state(state::logged_in_to(EARLIER)).start();
    let start = Instant::now();
    let departure = leave(&engine_of(&daemon), Some(EARLIER), false).unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "it waits for no answer: {:?}", start.elapsed());
    assert_eq!(departure, Departure::Left { coordinator: EARLIER.to_owned(), told: false });
    assert_clean(&mut daemon);
}

#[test]
fn leaving_a_coordinator_that_does_not_answer_is_bounded_and_clean() {
    let silent = Silent::listen();
    let mut daemon = Tailscaled::options().state(state::logged_in_to(&silent.url)).start();
    silent.asked.recv_timeout(Duration::from_secs(30)).expect("tailscaled connects to it");
    let start = Instant::now();
    let departure = leave(&engine_of(&daemon), None, false).unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(departure, Departure::Left { coordinator: silent.url.clone(), told: false });
    assert_clean(&mut daemon);
}

fn assert_clean(daemon: &mut Tailscaled) {
    for _ in 0..2 {
        let engine = engine_of(daemon);
        assert_eq!(DeviceStatus::of(&engine).unwrap().state, DeviceState::NotJoined);
        assert_eq!((engine.profiles().unwrap().len(), engine.status().unwrap().have_node_key), (0, false));
        daemon.restart();
    }
}

#[test]
fn a_logout_that_its_coordinator_missed_counts_as_no_login() {
    let daemon = Tailscaled::options().state(state::logged_out_of(EARLIER)).start();
    let engine = engine_of(&daemon);
    assert_eq!(DeviceStatus::of(&engine).unwrap().state, DeviceState::NotJoined);
    let preflight = plan("http://127.0.0.1:1", false).check(&engine).unwrap();
    assert_eq!(preflight.standing(), &Standing::Free);
    let before = login(&engine);
    let (error, _) = failing_join(&preflight, BRIEF);
    assert_eq!((error.code(), login(&engine)), ("join_timeout", before));
}

#[test]
fn every_client_version_is_understood() {
    for version in ["1.80.3", "1.90.9", common::tailscaled::CURRENT] {
        let mut daemon = Tailscaled::options().version(version).state(state::logged_in_to(EARLIER)).start();
        let engine = engine_of(&daemon);
        let before = login(&engine);
        assert_eq!(DeviceStatus::of(&engine).unwrap().engine.unwrap().version, version);
        let preflight = plan("http://127.0.0.1:1", true).check(&engine).unwrap();
        let (error, _) = failing_join(&preflight, BRIEF);
        assert_eq!((error.code(), login(&engine)), ("join_timeout", before), "{version}");
        leave(&engine, None, false).unwrap();
        assert_clean(&mut daemon);
    }
}
