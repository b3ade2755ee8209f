//! Stories of the master keys: rotated while the coordinator runs, lost, and found again elsewhere.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::coordinator::{Coordinator, Options};
use common::house::PASSWORD;
use common::postgres::Server;
use common::wonder::{Run, Wonder};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// Without a relay, whose port others may have.
fn quiet() -> Options {
    Coordinator::options().args(&["--no-derp"])
}

/// What devices know the coordinator by: its answer to `/key`.
fn control_key(coordinator: &Coordinator) -> Value {
    let mut curl = std::process::Command::new("curl");
    let answer =
        curl.args(["-sf", "--noproxy", "*", &format!("{}/key?v=130", coordinator.url())]).output().unwrap();
    serde_json::from_slice(&answer.stdout).unwrap()
}

fn listed(coordinator: &Coordinator) -> Value {
    let run = coordinator.admin(&["key-ring", "list", "--json"], "");
    assert_eq!(run.code, 0, "{run:?}");
    serde_json::from_str(&run.stdout).unwrap()
}

/// The master keys that seal anything.
fn in_use(coordinator: &Coordinator) -> BTreeSet<String> {
    let listed = listed(coordinator);
    let secrets = listed["key_ring"]["secrets"].as_array().unwrap();
    secrets.iter().map(|secret| secret["master_key"].as_str().unwrap().to_owned()).collect()
}

fn done(run: &Run) {
    assert_eq!(run.code, 0, "{run:?}");
}

fn rotates_while_it_runs(options: Options) {
    let mut coordinator = options.start();
    let (known_by, before) = (control_key(&coordinator), in_use(&coordinator));
    done(&coordinator.admin(&["user", "create", "ada@example.org", "--password-stdin"], PASSWORD));
    done(&coordinator.admin(&["key-ring", "rotate"], ""));
    let after = in_use(&coordinator);
    assert!(after.len() == 1 && before.is_disjoint(&after), "{before:?} {after:?}");
    let wonder = Wonder::new();
    let log_in = ["login", coordinator.url(), "--email", "ada@example.org", "--password-stdin"];
    done(&wonder.run_with(&log_in, PASSWORD));
    coordinator.restart();
    assert_eq!(control_key(&coordinator), known_by, "devices know it as before");
    done(&coordinator.admin(&["key-ring", "rotate", "--forget"], ""));
    assert_eq!(listed(&coordinator)["key_ring"]["master_keys"].as_array().unwrap().len(), 1);
    coordinator.restart();
    assert_eq!(control_key(&coordinator), known_by);
    done(&coordinator.admin(&["audit", "verify"], ""));
    let told = wonder.json(&["audit", "--all", "--action", "key_ring"]);
    assert_eq!(told["events"].as_array().unwrap().len(), 2, "{told}");
}

#[test]
fn the_master_key_is_rotated_while_the_coordinator_runs() {
    rotates_while_it_runs(quiet());
}

#[test]
fn the_master_key_is_rotated_while_the_coordinator_runs_on_postgres() {
    let server = Server::shared();
    rotates_while_it_runs(quiet().args(&["--database", &server.database()]));
}

/// Whose the files of its data are.
fn owners(coordinator: &Coordinator) -> BTreeSet<(u32, u32, u32)> {
    let files = fs::read_dir(coordinator.data_dir()).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    files.map(|file| (file.uid(), file.gid(), file.mode() & 0o777)).collect()
}

/// As installed: the coordinator has a user of its own, and its administrator is root.
#[test]
fn what_root_does_beside_it_a_coordinator_of_another_user_can_read() {
    let mut coordinator = quiet().run_by_nobody().start();
    let data = fs::metadata(coordinator.data_dir()).unwrap();
    let own = BTreeSet::from([(data.uid(), data.gid(), 0o600)]);
    let (known_by, wonder) = (control_key(&coordinator), Wonder::new());
    let log_in = ["login", coordinator.url(), "--email", "ada@example.org", "--password-stdin"];
    done(&coordinator.admin(&["user", "create", "ada@example.org", "--password-stdin"], PASSWORD));
    done(&coordinator.admin(&["key-ring", "rotate"], ""));
    assert_eq!(owners(&coordinator), own, "beside it");
    // What is sealed is opened with the new key.
    done(&wonder.run_with(&log_in, PASSWORD));
    done(&wonder.run(&["audit", "--all"]));
    coordinator.stop();
    fs::remove_file(coordinator.data_dir().join("master.lock")).unwrap();
    done(&coordinator.admin(&["key-ring", "rotate", "--forget"], ""));
    done(&coordinator.admin(&["user", "create", "bob@example.org", "--password-stdin"], PASSWORD));
    assert_eq!(owners(&coordinator), own, "while it is away");
    coordinator.restart();
    assert_eq!(control_key(&coordinator), known_by);
    done(&wonder.run(&["whoami"]));
}

#[test]
fn a_key_that_may_not_be_read_says_whose_it_must_be() {
    let mut coordinator = quiet().start();
    coordinator.stop();
    let path = coordinator.data_dir().join("master.key");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let data = coordinator.data_dir();
    let serve = ["serve", "--no-derp", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let refused = Wonder::new().error(&serve, 1);
    assert_eq!(refused["code"], "master_key_unreadable", "{refused}");
    assert!(refused["hint"].as_str().unwrap().contains("the user that the coordinator runs as"), "{refused}");
}

#[test]
fn a_lost_key_is_told_and_there_is_a_way_out() {
    let mut coordinator = quiet().start();
    let known_by = control_key(&coordinator);
    done(&coordinator.admin(&["user", "create", "ada@example.org", "--password-stdin"], PASSWORD));
    let (data, wonder) = (coordinator.data_dir(), Wonder::new());
    done(
        &wonder.run_with(
            &["login", coordinator.url(), "--email", "ada@example.org", "--password-stdin"],
            PASSWORD,
        ),
    );
    // Whoever reads the trail has it linked.
    done(&wonder.run(&["audit", "--all"]));
    coordinator.stop();
    let path = data.join("master.key");
    let serve = ["serve", "--no-derp", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let kept = fs::read_to_string(&path).unwrap();
    fs::write(&path, "0".repeat(64)).unwrap();
    let refused = wonder.error(&serve, 1);
    assert_eq!(refused["code"], "master_key_unknown", "{refused}");
    assert!(refused["hint"].as_str().unwrap().contains("A lost master key"), "{refused}");
    assert_eq!(coordinator.admin(&["key-ring", "rotate"], "").code, 1, "nor is it rotated");
    assert_eq!(fs::read_to_string(&path).unwrap(), "0".repeat(64), "and nothing was changed");
    fs::remove_file(&path).unwrap();
    assert_eq!(wonder.error(&serve, 1)["code"], "master_key_missing");
    // Elsewhere it is as good.
    let mut elsewhere = Wonder::new().env("WONDER_MASTER_KEY", &kept);
    let listed = elsewhere.json(&["key-ring", "list", "--data-dir", data.to_str().unwrap()]);
    assert_eq!(listed["key_ring"]["place"], "WONDER_MASTER_KEY");
    let fixed = elsewhere.error(&["key-ring", "rotate", "--data-dir", data.to_str().unwrap()], 2);
    assert_eq!(fixed["code"], "master_key_elsewhere");
    elsewhere = elsewhere.env("WONDER_DATA_DIR", data.to_str().unwrap());
    assert_eq!(elsewhere.run(&["audit", "verify"]).code, 0);
    // Lost for good.
    assert_eq!(coordinator.admin(&["key-ring", "reset"], "").code, 2, "only when it is meant");
    done(&coordinator.admin(&["key-ring", "reset", "--yes"], ""));
    coordinator.restart();
    assert_ne!(control_key(&coordinator), known_by, "it has keys of its own again");
    let broken = coordinator.admin(&["audit", "verify"], "");
    assert!(broken.stderr.contains("stamp"), "stamps of before are nobody's: {broken:?}");
}

#[test]
fn a_new_key_before_the_old_one_in_the_environment_seals_at_the_next_start() {
    let (first, second) = ("1".repeat(64), "2".repeat(64));
    let server = Server::shared();
    let database = server.database();
    let with_keys =
        |keys: &str| quiet().args(&["--database", &database]).env("WONDER_MASTER_KEY", keys).start();
    let mut coordinator = with_keys(&first);
    let (known_by, before) = (control_key(&coordinator), in_use(&coordinator));
    assert!(!coordinator.data_dir().join("master.key").exists());
    coordinator.stop();
    let moved = with_keys(&format!("{second},{first}"));
    assert_eq!(control_key(&moved), known_by);
    assert!(before.is_disjoint(&in_use(&moved)), "the start sealed everything anew");
    drop(moved);
    assert_eq!(control_key(&with_keys(&second)), known_by, "the old one is of no more use");
}
