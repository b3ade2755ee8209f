//! The API keeps to its own document: schemathesis makes up calls from `/api/v1/openapi.json`, sensible ones and
//! others, as the owner, an admin and a member of an organization. Nothing it sends is a defect of ours, and every
//! answer is one that the document foresees.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::api::{Coordinator, PASSWORD};
use common::device::{Device, Encoding, MapStream, Site};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What an answer is held to. Whether it refuses what the document does not allow is left to the stories of
/// the API: a document cannot say all that a name may not be.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,ignored_auth,use_after_free,unsupported_method";
/// The organization that the calls are about.
struct Stage {
    coordinator: Coordinator,
    org: String,
    /// A join token.
    token: String,
    _pi: (Device, MapStream),
}

fn schemathesis() -> PathBuf {
    let path = common::tailscaled::peers().join("schemathesis-4.32.5/bin/schemathesis");
    assert!(path.exists(), "{} is missing: scripts/install-peers brings it", path.display());
    path
}

/// What the made-up calls are about, so that they get further than 404: what is there stays there, for the
/// calls that take something away make up what. Nobody leaves but their `own` organization, which stays.
fn known(stage: &Stage, own: &str) -> String {
    let org = "/api/v1/organizations/{org}";
    let mut config = format!("[parameters]\norg = \"{}\"\n", stage.org);
    for (operation, name, value) in [
        (format!("GET {org}/nodes/{{node}}"), "node", "pi"),
        (format!("PUT {org}/nodes/{{node}}/routes"), "node", "pi"),
        (format!("GET {org}/tokens/{{token}}"), "token", &stage.token),
        (format!("PATCH {org}/members/{{member}}"), "member", "adam@example.org"),
        (format!("DELETE {org}/membership"), "org", own),
    ] {
        config += &format!(
            "[[operations]]\ninclude-name = \"{operation}\"\nparameters = {{ {name} = \"{value}\" }}\n"
        );
    }
    config
}

impl Stage {
    /// Ada's own organization, with a device and a token, an admin and a member.
    async fn new() -> Stage {
        let coordinator = Coordinator::on_sqlite().await;
        let (ada, org) = coordinator.person("ada@example.org").await;
        let at = |rest: &str| format!("/api/v1/organizations/{org}{rest}");
        let made = coordinator.post(&at("/tokens"), &ada, json!({ "reusable": true })).await;
        for (email, role) in [("adam@example.org", "admin"), ("mia@example.org", "member")] {
            let (bearer, _) = coordinator.person(email).await;
            let whom = json!({ "email": email, "role": role });
            let invited = coordinator.post(&at("/invitations"), &ada, whom).await;
            let code = json!({ "code": invited.text("code") });
            assert_eq!(coordinator.post("/api/v1/invitations/accept", &bearer, code).await.status, 200);
        }
        let site = Site::at(coordinator.address).await.unwrap();
        let mut pi = Device::join(site, made.text("auth_key"), "pi").await;
        let map = pi.online(Encoding::Zstd).await.unwrap();
        let token = made.body["token"]["id"].as_str().unwrap().to_owned();
        Stage { coordinator, org, token, _pi: (pi, map) }
    }

    /// The bearer token of a new log-in, and the id of the person's own organization.
    async fn log_in(&self, email: &str) -> (String, String) {
        let log_in = json!({ "email": email, "password": PASSWORD, "label": "schemathesis" });
        let answer = self.coordinator.call("POST", "/api/v1/sessions", None, Some(log_in)).await;
        (answer.text("token").to_owned(), answer.body["organization"]["id"].as_str().unwrap().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_the_owner_is_one_that_the_document_foresees() {
    every_answer_is_foreseen("ada@example.org", "12").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_an_admin_is_one_that_the_document_foresees() {
    every_answer_is_foreseen("adam@example.org", "4").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_a_member_is_one_that_the_document_foresees() {
    every_answer_is_foreseen("mia@example.org", "4").await;
}

/// `examples`: how many calls are made up for each operation.
async fn every_answer_is_foreseen(email: &str, examples: &str) {
    let stage = Stage::new().await;
    let (bearer, own) = stage.log_in(email).await;
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("schemathesis.toml"), known(&stage, &own)).unwrap();
    let mut command = Command::new(schemathesis());
    command.current_dir(scratch.path()).stdin(Stdio::null());
    command.args(["run", &format!("http://{}/api/v1/openapi.json", stage.coordinator.address)]);
    command.args(["--checks", CHECKS, "--max-examples", examples, "--phases", "examples,coverage,fuzzing"]);
    // One worker: Python 3.11 cannot parse in two threads at once (its issue 106905).
    command.args(["--seed", "1", "--workers", "1", "--no-shrink", "--continue-on-failure", "--no-color"]);
    // The log-in that the calls are made with must outlive them.
    command.args(["--exclude-path", "/api/v1/session", "--exclude-path", "/api/v1/sessions/{session}"]);
    command.args(["-H", &format!("Authorization: Bearer {bearer}")]);
    let output = tokio::task::block_in_place(|| command.output()).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("passed"), "{said}");
    let shown = stage.coordinator.get(&format!("/api/v1/organizations/{}", stage.org), &bearer).await;
    assert_eq!(shown.status, 200, "log-in and membership have lived: {shown:?}");
}
