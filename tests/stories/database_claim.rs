//! One coordinator on a PostgreSQL database: a second one is refused, and whoever has lost the database to another
//! one stops. Commands on its host work beside it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::coordinator::Coordinator;
use common::fleet::Fleet;
use common::postgres::Server;
use common::wait::wait_for;
use common::wonder::Wonder;
use rustix::process::Signal;
use std::time::Duration;
use wonder::core::Kind;
use wonder::store::{DatabaseUrl, Purpose, Store};

const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn a_second_coordinator_is_refused_and_commands_are_not() {
    let server = Server::shared();
    let database = server.database();
    let mut fleet = Fleet::of(Coordinator::options().args(&["--no-derp", "--database", &database])).await;
    let data = tempfile::tempdir().unwrap();
    let second = ["serve", "--no-derp", "--listen", "127.0.0.1:0", "--database", &database];
    let second = [&second[..], &["--data-dir", data.path().to_str().unwrap()]].concat();
    let error = Wonder::new().error(&second, 1);
    assert_eq!(error["code"], "database_in_use", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&format!("(process {} on ", fleet.coordinator.pid())), "{error}");
    assert!(message.contains("postgres://wonder@") && error["hint"].is_string(), "{error}");
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0, "nothing was touched");

    let made =
        fleet.coordinator.admin(&["user", "create", "bob@example.org", "--password-stdin"], "long enough\n");
    assert_eq!(made.code, 0, "{made:?}");
    let (_pi, map) = fleet.connected("pi").await;
    assert_eq!(map.view.own_name(), "pi");
    // One that died does not keep its successor from the database.
    fleet.coordinator.kill();
    fleet.coordinator.restart();
    assert_eq!(fleet.nodes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_loses_the_database_to_another_coordinator_says_so_and_stops() {
    let server = Server::shared();
    let url = server.database();
    let mut first = Coordinator::options().args(&["--no-derp", "--database", &url]).start();
    // It hangs for so long that the server gives it up, and another one takes its place.
    first.signal(Signal::STOP);
    let name = url.trim_start_matches("postgres://wonder@/").split('?').next().unwrap();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    server.sql("postgres", &end);
    let second = Store::open(&url.parse::<DatabaseUrl>().unwrap(), Purpose::Serve).unwrap();
    first.signal(Signal::CONT);
    let ended = wait_for("the first one stops", PATIENCE, || first.ended());
    assert_eq!(ended.code(), Some(1), "{}", first.log_tail());
    let (log, own) = (first.log(), format!("(process {} on ", std::process::id()));
    assert!(log.contains("another coordinator") && log.contains(&own), "{log}");
    let count = "UPDATE counters SET value = value + 1 WHERE name = 'node'";
    assert_eq!(second.write(|tx| tx.execute(count, &[])).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_start_at_once_one_has_the_database() {
    let server = Server::shared();
    let url: DatabaseUrl = server.database().parse().unwrap();
    let open = |_| {
        let url = url.clone();
        tokio::task::spawn_blocking(move || Store::open(&url, Purpose::Serve))
    };
    let opened = futures_util::future::join_all((0..4).map(open)).await;
    let (there, refused): (Vec<_>, Vec<_>) =
        opened.into_iter().map(|opened| opened.unwrap()).partition(|o| o.is_ok());
    assert_eq!(there.len(), 1);
    for refused in refused {
        let error = refused.err().unwrap();
        assert_eq!((error.kind(), error.code()), (Kind::Local, "database_in_use"));
    }
}
