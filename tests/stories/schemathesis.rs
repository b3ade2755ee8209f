//! The API keeps to its own document: schemathesis makes up calls from `/api/v1/openapi.json`, sensible ones and
//! others, with the credentials of everybody there is: an owner, an admin, a member, an administrator of the coordinator,
//! an API key, and an app with all scopes or with one. Nothing it sends is a defect of ours, every answer is one
//! that the document foresees, and none says anything of another organization.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::device::{Device, Encoding, MapStream, Site};
use common::oauth::{Browser, Client};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What an answer is held to. Whether it refuses what the document does not allow is left to the stories of
/// the API: a document cannot say all that a name may not be.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,ignored_auth,use_after_free,unsupported_method";
const PHASES: &str = "examples,coverage,fuzzing";
/// What everything of the other organization is called, and nothing else.
const FOREIGN: &str = "quetzalcoatlus";
const SCOPES: [&str; 5] = ["nodes:read", "nodes:write", "keys:read", "keys:write", "profile:read"];

/// The organization that the calls are about, and another one.
struct Stage {
    coordinator: Coordinator,
    org: String,
    /// Of the owner.
    bearer: String,
    /// A join token.
    token: String,
    other: String,
    _pi: (Device, MapStream),
    _foreign: (Device, MapStream),
}

fn schemathesis() -> PathBuf {
    let path = common::tailscaled::peers().join("schemathesis-4.32.5/bin/schemathesis");
    assert!(path.exists(), "{} is missing: scripts/install-peers brings it", path.display());
    path
}

/// What the made-up calls are about, so that they get further than 404: what is there stays there, for the
/// calls that take something away make up what. Nobody leaves but their `own` organization, which stays.
fn known(stage: &Stage, org: &str, own: &str) -> String {
    let path = "/api/v1/organizations/{org}";
    let mut config = format!("[parameters]\norg = \"{org}\"\n");
    for (operation, name, value) in [
        (format!("GET {path}/nodes/{{node}}"), "node", "pi"),
        (format!("PUT {path}/nodes/{{node}}/routes"), "node", "pi"),
        (format!("GET {path}/tokens/{{token}}"), "token", &stage.token),
        (format!("PATCH {path}/members/{{member}}"), "member", "adam@example.org"),
        (format!("DELETE {path}/membership"), "org", own),
    ] {
        config += &format!(
            "[[operations]]\ninclude-name = \"{operation}\"\nparameters = {{ {name} = \"{value}\" }}\n"
        );
    }
    config
}

/// Somebody's own organization, with a device in it.
async fn house(
    coordinator: &Coordinator,
    email: &str,
    device: &str,
) -> (String, String, String, (Device, MapStream)) {
    let (bearer, org) = coordinator.person(email).await;
    let tokens = format!("/api/v1/organizations/{org}/tokens");
    let made = coordinator.post(&tokens, &bearer, json!({ "reusable": true, "name": device })).await;
    let site = Site::at(coordinator.address).await.unwrap();
    let mut device = Device::join(site, made.text("auth_key"), device).await;
    let map = device.online(Encoding::Zstd).await.unwrap();
    (bearer, org, made.body["token"]["id"].as_str().unwrap().to_owned(), (device, map))
}

impl Stage {
    /// Ada's own organization, with a device and a token, an admin and a member; and somebody else's. The first
    /// account, which administers the coordinator, is in neither.
    async fn new() -> Stage {
        let coordinator = Coordinator::on_sqlite().await;
        coordinator.person("root@example.org").await;
        let (bearer, org, token, pi) = house(&coordinator, "ada@example.org", "pi").await;
        for (email, role) in [("adam@example.org", "admin"), ("mia@example.org", "member")] {
            let (whose, _) = coordinator.person(email).await;
            let whom = json!({ "email": email, "role": role });
            let invitations = format!("/api/v1/organizations/{org}/invitations");
            let invited = coordinator.post(&invitations, &bearer, whom).await;
            let code = json!({ "code": invited.text("code") });
            assert_eq!(coordinator.post("/api/v1/invitations/accept", &whose, code).await.status, 200);
        }
        let email = format!("{FOREIGN}@example.org");
        let (_, other, _, foreign) = house(&coordinator, &email, FOREIGN).await;
        Stage { coordinator, org, bearer, token, other, _pi: pi, _foreign: foreign }
    }

    /// The bearer token of a new log-in, and the id of the person's own organization.
    async fn log_in(&self, email: &str) -> (String, String) {
        let log_in = json!({ "email": email, "password": PASSWORD, "label": "schemathesis" });
        let answer = self.coordinator.call("POST", "/api/v1/sessions", None, Some(log_in)).await;
        (answer.text("token").to_owned(), answer.body["organization"]["id"].as_str().unwrap().to_owned())
    }

    /// The access token of an app that Ada lets into her organization.
    fn app(&self, scopes: &[&str]) -> String {
        let callback = "https://platform.example.org/callback";
        let client = Client::register(self.coordinator.address, &self.bearer, callback, false);
        let mut browser = Browser::default();
        browser.log_in(&client.site(), "ada@example.org", PASSWORD);
        client.tokens(&mut browser, &scopes.join(" "))["access_token"].as_str().unwrap().to_owned()
    }

    /// The secret of a key that cannot revoke itself.
    async fn key(&self) -> String {
        let keys = format!("/api/v1/organizations/{}/keys", self.org);
        let scopes: Vec<_> = SCOPES.into_iter().filter(|scope| *scope != "keys:write").collect();
        let wanted = json!({ "name": "ci", "scopes": scopes });
        let made = self.coordinator.post(&keys, &self.bearer, wanted).await;
        made.text("secret").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_the_owner_is_one_that_the_document_foresees() {
    let stage = Stage::new().await;
    let (bearer, own) = stage.log_in("ada@example.org").await;
    every_answer_is_foreseen(&stage, &bearer, &own, "8").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_an_admin_is_one_that_the_document_foresees() {
    let stage = Stage::new().await;
    let (bearer, own) = stage.log_in("adam@example.org").await;
    every_answer_is_foreseen(&stage, &bearer, &own, "3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_a_member_is_one_that_the_document_foresees() {
    let stage = Stage::new().await;
    let (bearer, own) = stage.log_in("mia@example.org").await;
    every_answer_is_foreseen(&stage, &bearer, &own, "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_an_api_key_is_one_that_the_document_foresees() {
    let stage = Stage::new().await;
    let key = stage.key().await;
    every_answer_is_foreseen(&stage, &key, &stage.org, "3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_an_app_is_one_that_the_document_foresees() {
    let stage = Stage::new().await;
    let token = tokio::task::block_in_place(|| stage.app(&SCOPES));
    every_answer_is_foreseen(&stage, &token, &stage.org, "3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_an_app_with_few_scopes_is_one_that_the_document_foresees() {
    let stage = Stage::new().await;
    let token = tokio::task::block_in_place(|| stage.app(&["nodes:read"]));
    every_answer_is_foreseen(&stage, &token, &stage.org, "2").await;
}

/// Who may read of all organizations does so.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_an_administrator_is_one_that_the_document_foresees() {
    let stage = Stage::new().await;
    let (bearer, own) = stage.log_in("root@example.org").await;
    let calls = run(
        &stage,
        &bearer,
        &known(&stage, &own, &own),
        &["--max-examples", "20", "--include-path", "/api/v1/audit"],
    );
    assert!(calls.iter().any(|call| call.status == 200 && call.says(FOREIGN)), "the trail tells of all");
}

/// One call, as schemathesis has written it down.
struct Call {
    url: String,
    status: u64,
    text: String,
}

impl Call {
    fn read(entry: &Value) -> Call {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (request, response) = (&entry["request"], &entry["response"]);
        let said = format!("{}{}", text(&response["content"]["text"]), response["headers"]);
        Call {
            url: text(&request["url"]),
            status: response["status"].as_u64().unwrap_or_default(),
            text: said,
        }
    }

    fn says(&self, word: &str) -> bool {
        self.text.to_lowercase().contains(word)
    }
}

/// `examples`: how many calls are made up for each operation. The same are made to the other organization, of which
/// nothing is told.
async fn every_answer_is_foreseen(stage: &Stage, bearer: &str, own: &str, examples: &str) {
    let calls =
        run(stage, bearer, &known(stage, &stage.org, own), &["--max-examples", examples, "--phases", PHASES]);
    let ours = calls.iter().filter(|call| call.status < 300).count();
    assert!(ours > 0, "nothing was done");
    nothing_foreign(&calls);
    let paths = [
        "--max-examples",
        "3",
        "--phases",
        "examples,fuzzing",
        "--include-path-regex",
        r"/organizations/\{org\}",
    ];
    let calls = run(stage, bearer, &known(stage, &stage.other, &stage.other), &paths);
    nothing_foreign(&calls);
    let got: Vec<&str> = calls
        .iter()
        .filter(|c| c.status < 400 && c.url.contains(&stage.other))
        .map(|c| c.url.as_str())
        .collect();
    assert!(got.is_empty(), "another organization answers: {got:?}");
    let nodes = format!("/api/v1/organizations/{}/nodes", stage.org);
    let shown = stage.coordinator.get(&nodes, bearer).await;
    assert_eq!(shown.status, 200, "credential and membership have lived: {shown:?}");
}

fn nothing_foreign(calls: &[Call]) {
    for call in calls {
        assert!(!call.says(FOREIGN), "{} ({}) tells: {}", call.url, call.status, call.text);
    }
}

/// Runs schemathesis, which finds nothing; gives the calls that it made.
fn run(stage: &Stage, bearer: &str, config: &str, options: &[&str]) -> Vec<Call> {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("schemathesis.toml"), config).unwrap();
    let mut command = Command::new(schemathesis());
    command.current_dir(scratch.path()).stdin(Stdio::null());
    command.args(["run", &format!("http://{}/api/v1/openapi.json", stage.coordinator.address)]);
    command.args(["--checks", CHECKS]).args(options);
    // One worker: Python 3.11 cannot parse in two threads at once (its issue 106905).
    command.args(["--seed", "1", "--workers", "1", "--no-shrink", "--continue-on-failure", "--no-color"]);
    command.args(["--request-timeout", "60"]);
    // The log-in that the calls are made with must outlive them.
    command.args(["--exclude-path", "/api/v1/session", "--exclude-path", "/api/v1/sessions/{session}"]);
    command.args(["-H", &format!("Authorization: Bearer {bearer}"), "--report-har-path", "calls.har"]);
    let output = tokio::task::block_in_place(|| command.output()).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("passed"), "{said}");
    let har = std::fs::read(scratch.path().join("calls.har")).unwrap();
    let har: Value = serde_json::from_slice(&har).unwrap();
    har["log"]["entries"].as_array().unwrap().iter().map(Call::read).collect()
}
