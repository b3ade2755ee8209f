//! Accounts as their people and the operator of the coordinator's host have them, by the command line and beside a running
//! coordinator: made, listed, locked, given a new password; logged in to, and out of.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::coordinator::Coordinator;
use common::wonder::{Run, Wonder};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

crate::coordinators_on_both_engines! {
    the_first_start_says_how_the_first_account_is_made
    accounts_are_administered_beside_a_running_coordinator
    a_log_in_ends_at_the_coordinator_and_its_profile_goes
}

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";
const PASSWORD: &str = "a long enough password";
const ANOTHER: &str = "another long password";

fn start() -> Coordinator {
    Coordinator::options().args(&["--no-derp"]).start()
}

/// `wonder user …` on the coordinator's host, which must succeed.
fn user(coordinator: &Coordinator, args: &[&str], password: &str) -> Value {
    let run = coordinator.admin(&[&["user"], args, &["--json"]].concat(), password);
    assert_eq!(run.code, 0, "{run:?}");
    serde_json::from_str(&run.stdout).unwrap()
}

fn create(coordinator: &Coordinator, email: &str) -> Value {
    user(coordinator, &["create", email, "--password-stdin"], PASSWORD)["user"].clone()
}

fn try_log_in(wonder: &Wonder, coordinator: &Coordinator, email: &str, password: &str) -> Run {
    wonder.run_with(&["login", coordinator.url(), "--email", email, "--password-stdin"], password)
}

fn log_in(coordinator: &Coordinator, email: &str, password: &str) -> Wonder {
    let wonder = Wonder::new();
    let run = try_log_in(&wonder, coordinator, email, password);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(who(&wonder), email);
    wonder
}

fn who(wonder: &Wonder) -> String {
    wonder.json(&["whoami"])["user"]["email"].as_str().unwrap().to_owned()
}

fn the_first_start_says_how_the_first_account_is_made() {
    let mut coordinator = start();
    let log = coordinator.log();
    let code = log.split_whitespace().find(|word| word.starts_with("wsc_")).unwrap().to_owned();
    assert!(log.contains("wonder user create EMAIL"), "{log}");
    let ada = Wonder::new();
    let with_code = ["login", coordinator.url(), "--setup-code", &code, "--email", ADA, "--password-stdin"];
    assert_eq!(ada.run_with(&with_code, PASSWORD).code, 0);
    assert_eq!(ada.json(&["whoami"])["user"]["admin"], true);
    let again = Wonder::new().run_with(&with_code, PASSWORD);
    assert_ne!(again.code, 0, "it counts once: {again:?}");
    coordinator.restart();
    let since = coordinator.log()[log.len()..].to_owned();
    assert!(!since.contains("wsc_") && !since.contains("user create"), "{since}");
}

fn accounts_are_administered_beside_a_running_coordinator() {
    let coordinator = start();
    let (ada, bob) = (create(&coordinator, ADA), create(&coordinator, BOB));
    assert_eq!((&ada["admin"], &bob["admin"]), (&json!(true), &json!(false)));
    assert_eq!(user(&coordinator, &["list"], "")["users"], json!([ada, bob]));

    let logged_in = log_in(&coordinator, BOB, PASSWORD);
    assert_eq!(user(&coordinator, &["disable", BOB], "")["user"]["disabled"], true);
    logged_in.error(&["whoami"], 3);
    let refused = |email, password| {
        let run = try_log_in(&Wonder::new(), &coordinator, email, password);
        (run.code, run.stderr.lines().next().unwrap().to_owned())
    };
    assert_eq!(refused(BOB, PASSWORD), (3, "error: this account is disabled".to_owned()));
    assert_eq!(refused(BOB, ANOTHER), refused("nobody@example.org", PASSWORD), "to others it is not there");
    user(&coordinator, &["enable", BOB], "");

    let logged_in = log_in(&coordinator, BOB, PASSWORD);
    user(&coordinator, &["reset-password", BOB, "--password-stdin"], ANOTHER);
    logged_in.error(&["whoami"], 3);
    assert_eq!(try_log_in(&Wonder::new(), &coordinator, BOB, PASSWORD).code, 3);
    log_in(&coordinator, BOB, ANOTHER);
    let unknown = coordinator.admin(&["user", "disable", "nobody@example.org"], "");
    assert_eq!(unknown.code, 5, "{unknown:?}");
}

fn a_log_in_ends_at_the_coordinator_and_its_profile_goes() {
    let coordinator = start();
    create(&coordinator, ADA);
    let (laptop, phone) = (log_in(&coordinator, ADA, PASSWORD), log_in(&coordinator, ADA, PASSWORD));
    let file = laptop.config_dir().join("profiles.toml");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(laptop.run(&["logout"]).code, 0);
    laptop.error(&["whoami"], 3);
    std::fs::write(&file, kept).unwrap();
    laptop.error(&["whoami"], 3);
    assert_eq!(who(&phone), ADA, "the other log-in goes on");
}
