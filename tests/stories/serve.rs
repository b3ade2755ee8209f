//! Stories of the running program: how it starts, what it says when it cannot, and how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::coordinator::Coordinator;
use common::wait::{wait_for, wait_until};
use common::wonder::Wonder;
use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

fn connect(coordinator: &Coordinator) -> TcpStream {
    let stream = TcpStream::connect(coordinator.ready["listen"].as_str().unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Begins a call whose body is not whole yet.
fn begin_a_call(coordinator: &Coordinator) -> TcpStream {
    let mut stream = connect(coordinator);
    let head = "POST /api/v1/join HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\
                Expect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // The coordinator asks for the body when it is at the call.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn sigterm_lets_a_call_finish_and_nobody_new_in() {
    let mut coordinator = Coordinator::options().args(&["--no-derp"]).start();
    let (mut call, mut idle) = (begin_a_call(&coordinator), connect(&coordinator));
    coordinator.signal(Signal::TERM);
    assert_eq!(read_all(&mut idle), "", "a connection without a call is closed");
    let address = coordinator.ready["listen"].as_str().unwrap().to_owned();
    wait_until("nobody new is let in", PATIENCE, || TcpStream::connect(&address).is_err());
    call.write_all(b"{\"token\":\"\"}").unwrap();
    let answer = read_all(&mut call);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("malformed_token"), "{answer}");
    assert!(coordinator.stop().success(), "{}", coordinator.log_tail());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut coordinator = Coordinator::options().args(&["--no-derp"]).start();
    let _call = begin_a_call(&coordinator);
    coordinator.signal(Signal::INT);
    wait_until("the drain has begun", PATIENCE, || coordinator.log().contains("stopping"));
    coordinator.signal(Signal::INT);
    let ended = coordinator.stop();
    assert!(ended.success() && coordinator.log().contains("stopped at once"), "{}", coordinator.log_tail());
}

#[test]
fn a_port_in_use_is_told_in_one_line() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, data) = (other.local_addr().unwrap().to_string(), tempfile::tempdir().unwrap());
    let directory = data.path().join("data");
    let arguments = ["serve", "--no-derp", "--listen", &address, "--data-dir", directory.to_str().unwrap()];
    let error = Wonder::new().error(&arguments, 1);
    assert_eq!(error["code"], "port_in_use");
    assert!(error["message"].as_str().unwrap().contains(&address), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("--listen"), "{error}");
    assert!(!directory.exists(), "nothing was touched");
}

#[test]
fn a_second_coordinator_on_the_same_data_is_refused() {
    let first = Coordinator::options().args(&["--no-derp"]).start();
    let data = first.data_dir();
    let arguments = ["serve", "--no-derp", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let error = Wonder::new().error(&arguments, 1);
    assert_eq!(error["code"], "database_in_use");
    assert!(error["message"].as_str().unwrap().contains(data.to_str().unwrap()), "{error}");
}

#[test]
fn a_coordinator_without_its_master_key_says_so_and_makes_no_other() {
    let mut coordinator = Coordinator::options().args(&["--no-derp"]).start();
    coordinator.stop();
    let data = coordinator.data_dir();
    let (key, kept) = (data.join("master.key"), data.join("kept"));
    std::fs::rename(&key, &kept).unwrap();
    let arguments = ["serve", "--no-derp", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let error = Wonder::new().error(&arguments, 1);
    assert_eq!(error["code"], "master_key_missing");
    assert!(error["message"].as_str().unwrap().contains(key.to_str().unwrap()), "{error}");
    assert!(!key.exists(), "nothing was touched");
    std::fs::rename(&kept, &key).unwrap();
    coordinator.restart();
}

#[test]
fn a_setting_that_nobody_knows_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wonder.toml");
    std::fs::write(&file, "stun_listen = '127.0.0.1:0'").unwrap();
    let error = Wonder::new().error(&["serve", "--config", file.to_str().unwrap()], 2);
    assert_eq!(error["hint"], "did you mean stun-listen?");
    let error = Wonder::new().env("WONDER_LISTEN", "everywhere").error(&["serve"], 2);
    assert!(error["hint"].as_str().unwrap().contains("WONDER_LISTEN"), "{error}");
}

#[test]
fn a_new_certificate_is_served_after_sighup() {
    let directory = tempfile::tempdir().unwrap();
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    let first = write_certificate(&cert, &key);
    let arguments = ["--no-derp", "--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let coordinator = Coordinator::options().args(&arguments).start();
    assert!(coordinator.url().starts_with("https://127.0.0.1:"));
    assert!(ask_health(&coordinator, &first).unwrap().starts_with("HTTP/1.1 200"));
    let second = write_certificate(&cert, &key);
    assert!(ask_health(&coordinator, &second).is_err(), "not before it is told");
    coordinator.signal(Signal::HUP);
    let answer = wait_for("the new certificate", PATIENCE, || ask_health(&coordinator, &second).ok());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn write_certificate(cert: &Path, key: &Path) -> CertificateDer<'static> {
    let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(cert, pair.cert.pem()).unwrap();
    std::fs::write(key, pair.signing_key.serialize_pem()).unwrap();
    pair.cert.der().clone()
}

/// `GET /healthz` by a client that trusts this certificate alone.
fn ask_health(coordinator: &Coordinator, trusted: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = connect(coordinator);
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Err(e) if answer.is_empty() => Err(e),
        _ => Ok(answer),
    }
}

/// As systemd hands it over with `LoadCredential=`: a directory that the program is told of.
#[test]
fn the_master_key_comes_as_a_credential_of_systemd() {
    let credentials = tempfile::tempdir().unwrap();
    std::fs::write(credentials.path().join("wonder.master-key"), "5a".repeat(32)).unwrap();
    let directory = credentials.path().to_str().unwrap();
    let mut coordinator =
        Coordinator::options().args(&["--no-derp"]).env("CREDENTIALS_DIRECTORY", directory).start();
    let key = coordinator.data_dir().join("master.key");
    assert!(!key.exists(), "it makes none of its own beside the data");
    assert!(coordinator.stop().success(), "{}", coordinator.log_tail());
}
