//! Stories that only a server can tell: it goes away and comes back, hangs, refuses, and speaks TLS.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use common::postgres::Server;
use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use wonder::core::{Error, Kind, Result};
use wonder::store::{DatabaseUrl, Purpose, Store};

const COUNT: &str = "UPDATE counters SET value = value + 1 WHERE name = 'node'";

async fn count(store: &Store) -> Result<u64> {
    store.write(|tx| tx.execute(COUNT, &[])).await
}

async fn value(store: &Store) -> Result<i64> {
    let sql = "SELECT value FROM counters WHERE name = 'node'";
    store.read(move |r| r.first(sql, &[])?.unwrap().take(0)).await
}

fn open(url: &str) -> Result<Store> {
    Store::open(&url.parse::<DatabaseUrl>().unwrap(), Purpose::Serve)
}

fn refused(url: &str) -> Error {
    open(url).err().unwrap()
}

/// Waits until the store works again.
async fn recovered(store: &Store) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(e) = count(store).await {
        assert!(Instant::now() < deadline, "the store does not recover: {e:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_under_load_loses_nothing_that_was_answered_and_heals_by_itself() {
    let server = Server::start();
    let store = open(&server.database()).unwrap();
    let (stop, answered, failed) = (AtomicBool::new(false), AtomicI64::new(0), AtomicI64::new(0));
    let load = (0..16).map(async |_| {
        while !stop.load(Ordering::Relaxed) {
            match count(&store).await {
                Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                Err(e) => {
                    assert_eq!(e.kind(), Kind::Unavailable, "{e:?}");
                    failed.fetch_add(1, Ordering::Relaxed)
                }
            };
            tokio::task::yield_now().await;
        }
    });
    let reached = async |counter: &AtomicI64, number| {
        while counter.load(Ordering::Relaxed) < number {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let story = async {
        reached(&answered, 100).await;
        tokio::task::block_in_place(|| server.crash());
        reached(&failed, 100).await;
        tokio::task::block_in_place(|| server.resume());
        let before = answered.load(Ordering::Relaxed);
        reached(&answered, before + 100).await;
        stop.store(true, Ordering::Relaxed);
    };
    let all = async { tokio::join!(join_all(load), story) };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
    let kept = value(&store).await.unwrap();
    let answered = answered.into_inner();
    // A commit whose answer was lost with the server may be there.
    assert!(kept >= answered && kept <= answered + 16, "{answered} were answered, {kept} are there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_told_at_once_and_found_again() {
    let server = Server::start();
    let url = server.database();
    let store = open(&url).unwrap();
    count(&store).await.unwrap();
    server.crash();
    let started = Instant::now();
    for _ in 0..50 {
        let away = count(&store).await.unwrap_err();
        assert_eq!((away.kind(), away.code()), (Kind::Unavailable, "database_unavailable"));
        assert_eq!(value(&store).await.unwrap_err().code(), "database_unavailable");
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert_eq!(refused(&url).kind(), Kind::Unavailable);
    server.resume();
    recovered(&store).await;
    assert_eq!(value(&store).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_the_database_is_taken_again() {
    let server = Server::start();
    let url = server.database();
    let store = open(&url).unwrap();
    assert_eq!(refused(&url).code(), "database_in_use");
    server.crash();
    assert_eq!(count(&store).await.unwrap_err().kind(), Kind::Unavailable);
    server.resume();
    recovered(&store).await;
    assert_eq!(refused(&url).code(), "database_in_use");
    drop(store);
    open(&url).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ended_are_made_anew_without_a_failure() {
    let server = Server::shared();
    let url = server.database();
    let store = open(&url).unwrap();
    assert!(join_all((0..16).map(|_| count(&store))).await.into_iter().all(|w| w.is_ok()));
    let database = database_name(&url);
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
    server.sql("postgres", &end);
    assert!(join_all((0..16).map(|_| count(&store))).await.into_iter().all(|w| w.is_ok()));
    assert_eq!(value(&store).await.unwrap(), 32);
}

fn database_name(url: &str) -> &str {
    url.trim_start_matches("postgres://wonder@/").split('?').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_hangs_ends_in_time() {
    let server = Server::shared();
    let store = open(&server.database()).unwrap();
    value(&store).await.unwrap(); // Connected already: that would take of the time of the statement.
    let started = Instant::now();
    let hanging = store.read(|r| r.query("SELECT 1 FROM (SELECT pg_sleep(60)) AS s", &[]).map(drop)).await;
    let error = hanging.unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::Unavailable, "the database took too long"));
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    count(&store).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_in_the_middle_is_given_up_in_time_and_found_again() {
    let server = Server::start();
    let url = server.database();
    let store = open(&url).unwrap();
    assert!(join_all((0..16).map(|_| count(&store))).await.into_iter().all(|w| w.is_ok()));
    let all = format!("SELECT pid FROM pg_stat_activity WHERE datname = '{}'", database_name(&url));
    let backends: Vec<Pid> = server
        .sql("postgres", &all)
        .lines()
        .map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap())
        .collect();
    let signal = |signal| backends.iter().for_each(|pid| kill_process(*pid, signal).unwrap());
    signal(Signal::STOP);
    let started = Instant::now();
    let hanging = join_all((0..16).map(|_| count(&store))).await;
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let failed = hanging.into_iter().filter_map(Result::err);
    assert!(failed.map(|e| assert_eq!(e.kind(), Kind::Unavailable)).count() >= 8);
    signal(Signal::CONT);
    recovered(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    // Accepts connections, as far as its backlog goes, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://wonder@{}/db", silent.local_addr().unwrap());
    let started = Instant::now();
    let error = tokio::task::spawn_blocking(move || refused(&url)).await.unwrap();
    assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "database_unavailable"));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_too_long_is_not_waited_for() {
    let server = Server::shared();
    let store = open(&server.database()).unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (started, running) = std::sync::mpsc::channel();
    let holding = store.write(move |tx| {
        tx.execute(COUNT, &[])?;
        started.send(()).unwrap();
        // The caller gives up before this ends.
        let _ = held.recv_timeout(Duration::from_secs(30));
        Ok(())
    });
    let waiting = async {
        tokio::task::spawn_blocking(move || running.recv()).await.unwrap().unwrap();
        let waited = count(&store).await.unwrap_err();
        release.send(()).unwrap();
        waited
    };
    let (_, waited) = tokio::join!(holding, waiting);
    let expected = "others changed the same at the same time";
    assert_eq!((waited.kind(), waited.message()), (Kind::Unavailable, expected));
    recovered(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_said_without_the_password() {
    let server = Server::shared();
    let url = server.url("nowhere").replace("wonder@", "wonder:hunter2@");
    let error = refused(&url);
    assert_eq!((error.kind(), error.code()), (Kind::Local, "database_refused"));
    assert!(error.message().contains("nowhere") && !format!("{error:?}").contains("hunter2"), "{error:?}");
}

/// Whether the connections of a store are encrypted.
async fn is_encrypted(store: &Store) -> bool {
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    store.read(move |r| r.first(sql, &[])?.unwrap().take(0)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_as_strict_as_the_url_asks() {
    let made = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let (own, other) = (made("localhost"), made("localhost"));
    let server = Server::start_with_tls(&own.cert.pem(), &own.signing_key.serialize_pem());
    server.database();
    let roots = server.put("roots.pem", &own.cert.pem());
    let other_roots = server.put("other.pem", &other.cert.pem());
    let url = |host: &str, mode: &str, roots: Option<&PathBuf>| {
        let roots = roots.map(|file| format!("&sslrootcert={}", file.display())).unwrap_or_default();
        format!("postgres://wonder@{host}:{}/db0?hostaddr=127.0.0.1&sslmode={mode}{roots}", server.port)
    };
    for (mode, roots, encrypted) in [
        ("disable", None, false),
        ("prefer", None, true),
        ("require", None, true),
        ("require", Some(&roots), true),
        ("verify-full", Some(&roots), true),
    ] {
        let store = open(&url("localhost", mode, roots)).unwrap();
        assert_eq!(is_encrypted(&store).await, encrypted, "{mode}");
    }
    for (host, mode, roots) in [
        ("localhost", "verify-full", None),
        ("localhost", "verify-full", Some(&other_roots)),
        ("localhost", "require", Some(&other_roots)),
        ("elsewhere", "verify-full", Some(&roots)),
    ] {
        assert_eq!(refused(&url(host, mode, roots)).kind(), Kind::Unavailable, "{host} {mode}");
    }
    let empty = server.put("empty.pem", "");
    assert_eq!(refused(&url("localhost", "verify-full", Some(&empty))).code(), "sslrootcert_unusable");
}
