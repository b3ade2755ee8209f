//! The API keeps to its own document: schemathesis makes up calls from `/api/v1/openapi.json`, sensible ones and
//! others, as the owner of an organization. Nothing it sends is a defect of ours, and every answer is one that
//! the document foresees.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::api::Coordinator;
use common::device::{Device, Encoding, Site};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What an answer is held to. Whether it refuses what the document does not allow is left to the stories of
/// the API: a document cannot say all that a name may not be.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,ignored_auth,use_after_free,unsupported_method";
/// Calls made up for each operation.
const EXAMPLES: &str = "12";

fn schemathesis() -> PathBuf {
    let path = common::tailscaled::peers().join("schemathesis-4.32.5/bin/schemathesis");
    assert!(path.exists(), "{} is missing: scripts/install-peers brings it", path.display());
    path
}

/// What the made-up calls are about, so that they get further than 404: what is there stays there, for the
/// calls that take something away make up what.
fn known(token: &str) -> String {
    let node = "/api/v1/organizations/{org}/nodes/{node}";
    let mut config = "[parameters]\norg = \"ada\"\n".to_owned();
    for (operation, name, value) in [
        (format!("GET {node}"), "node", "pi"),
        (format!("PUT {node}/routes"), "node", "pi"),
        ("GET /api/v1/organizations/{org}/tokens/{token}".to_owned(), "token", token),
    ] {
        config += &format!(
            "[[operations]]\ninclude-name = \"{operation}\"\nparameters = {{ {name} = \"{value}\" }}\n"
        );
    }
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_one_that_the_document_foresees() {
    let coordinator = Coordinator::on_sqlite().await;
    let (bearer, _) = coordinator.person("ada@example.org").await;
    let made =
        coordinator.post("/api/v1/organizations/ada/tokens", &bearer, json!({ "reusable": true })).await;
    let site = Site::at(coordinator.address).await.unwrap();
    let mut pi = Device::join(site, made.text("auth_key"), "pi").await;
    let _map = pi.online(Encoding::Zstd).await.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(
        scratch.path().join("schemathesis.toml"),
        known(made.body["token"]["id"].as_str().unwrap()),
    )
    .unwrap();
    let mut command = Command::new(schemathesis());
    command.current_dir(scratch.path()).stdin(Stdio::null());
    command.args(["run", &format!("http://{}/api/v1/openapi.json", coordinator.address)]);
    command.args(["--checks", CHECKS, "--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing"]);
    // One worker: Python 3.11 cannot parse in two threads at once (its issue 106905).
    command.args(["--seed", "1", "--workers", "1", "--no-shrink", "--continue-on-failure", "--no-color"]);
    // The log-in that the calls are made with must outlive them.
    command.args(["--exclude-path", "/api/v1/session"]);
    command.args(["-H", &format!("Authorization: Bearer {bearer}")]);
    let output = tokio::task::block_in_place(|| command.output()).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("passed"), "{said}");
    assert!(coordinator.get("/api/v1/session", &bearer).await.status == 200, "the log-in has lived");
}
