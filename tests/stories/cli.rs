//! The command line as its users and their scripts meet it, without a real coordinator: what it refuses, how it
//! says so, with which exit code; what it keeps on disk. Where an answer is needed, a canned one is given.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::port::closed_url;
use common::wonder::{Run, Wonder};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

/// Says what it was told to say, and remembers what it was asked.
struct Canned {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    /// `answers`: by "METHOD /path", below the prefix of the API, a status and a body.
    fn new(answers: &[(&'static str, u16, Value)]) -> Canned {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers: HashMap<_, _> =
            answers.iter().map(|(route, status, body)| (*route, (*status, body.to_string()))).collect();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &answers, &log);
            }
        });
        Canned { url, asked }
    }

    fn asked(&self) -> String {
        self.asked.lock().unwrap().join("\n")
    }
}

/// One request, one answer. A connection that says nothing is one that the client gave up.
fn answer(stream: TcpStream, answers: &HashMap<&str, (u16, String)>, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 0 && !head.ends_with("\r\n\r\n") {}
    let Some((route, _)) = head.split_once(" HTTP/1.1") else { return };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<u64>().unwrap())
    });
    let mut body = String::new();
    reader.by_ref().take(length.unwrap_or(0)).read_to_string(&mut body).unwrap();
    log.lock().unwrap().push(format!("{head}{body}"));
    let route = route.split('?').next().unwrap().replace("/api/v1", "");
    let missing = (404, problem("nothing_there", &route).to_string());
    let (status, text) = answers.get(route.as_str()).unwrap_or(&missing);
    let kind = if *status < 400 { "application/json" } else { "application/problem+json" };
    let length = text.len();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n");
    write!(reader.get_mut(), "{head}connection: close\r\n\r\n{text}").unwrap();
}

fn problem(code: &str, detail: &str) -> Value {
    json!({ "type": "about:blank", "title": "", "status": 404, "detail": detail, "code": code,
            "hint": "look again", "request_id": "r-1" })
}

const ID: &str = "018f3c5e-7b1a-7c3d-9e2f-0123456789ab";
const THEN: &str = "2099-01-01T00:00:00Z";

fn organization(name: &str) -> Value {
    json!({ "id": ID, "name": name, "personal": true, "role": "owner", "created_at": THEN,
            "realm": { "id": ID, "domain": "ada.mesh.internal" } })
}

fn user() -> Value {
    json!({ "id": ID, "email": "ada@example.org", "admin": true, "disabled": false, "created_at": THEN })
}

fn new_session(token: &str) -> Value {
    json!({ "user": user(), "organization": organization("ada"), "expires_at": THEN, "token": token })
}

fn node() -> Value {
    json!({ "id": ID, "name": "pi", "hostname": "raspberry\u{1b}[31m", "dns_name": "pi.ada.mesh.internal",
            "addresses": ["100.64.0.1", "fd7a:115c:a1e0::1"], "online": true, "last_seen": null,
            "created_at": "2025-01-01T00:00:00Z", "expires_at": null, "ephemeral": false,
            "tags": ["tag:server"], "os": "linux", "client_version": "1.102.3", "owner": null,
            "routes": { "advertised": ["192.168.1.0/24", "0.0.0.0/0"], "approved": [], "primary": [] } })
}

fn new_token() -> Value {
    let token = json!({ "id": ID, "name": null, "created_at": THEN, "created_by": null, "expires_at": THEN,
                        "uses": 1, "uses_left": 1, "ephemeral": false, "tags": [], "last_used_at": null,
                        "revoked_at": null });
    json!({ "token": token, "secret": "wjt_secret", "auth_key": "wak_secret",
            "join_command": "wonder worker join wjt_secret", "tailscale_command": "tailscale up --x" })
}

/// Logged in at `canned`, as Ada.
fn logged_in(canned: &Canned) -> Wonder {
    let wonder = Wonder::new();
    let run =
        wonder.run_with(&["login", &canned.url, "--email", "ada@example.org", "--password-stdin"], "pw\n");
    assert_eq!(run.code, 0, "{run:?}");
    wonder
}

fn at_login(more: &[(&'static str, u16, Value)]) -> Vec<(&'static str, u16, Value)> {
    let usual = [
        ("GET /version", 200, json!({ "version": "0" })),
        ("POST /sessions", 201, new_session("wcs_secret-of-ada")),
        ("DELETE /session", 204, json!(null)),
    ];
    [&usual, more].concat()
}

/// The path of something in Ada's organization.
macro_rules! in_org {
    ($method:literal, $path:literal) => {
        concat!($method, " /organizations/018f3c5e-7b1a-7c3d-9e2f-0123456789ab", $path)
    };
}

fn assert_says(run: &Run, code: i32, words: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{run:?}");
    assert!(run.stderr.contains(words), "{words:?} in {}", run.stderr);
}

#[test]
fn unknown_words_are_refused_with_a_suggestion() {
    let wonder = Wonder::new();
    for (args, suggestion) in [
        (&["tokn", "create"][..], "hint: did you mean `token`?"),
        (&["token", "creat"], "hint: did you mean `create`?"),
        (&["token", "create", "--reusabel"], "hint: did you mean `--reusable`?"),
        (&["key", "create", "--name", "x", "--scope", "node:read"], "hint: did you mean `nodes:read`?"),
        (&["completions", "fsh"], "hint: did you mean `fish`?"),
        (&["node", "approve-routes", "pi", "10.1.2.3/8"], "hint: did you mean 10.0.0.0/8?"),
        (&["worker", "join", "--hostname", "My Pi"], "hint: my-pi would do"),
    ] {
        assert_says(&wonder.run(args), 2, suggestion);
    }
}

#[test]
fn malformed_values_are_usage_errors_with_a_code_of_their_own() {
    let wonder = Wonder::new();
    for (args, code) in [
        (&["token", "create", "--ttl", "soon"][..], "malformed_duration"),
        (&["token", "create", "--tag", "server"], "malformed_tag"),
        (&["token", "create", "--uses", "0"], "invalid_value"),
        (&["token", "create", "--uses", "2", "--reusable"], "argument_conflict"),
        (&["whoami", "--coordinator", "mesh.example.org"], "malformed_url"),
        (&["login", "http://mesh.example.org/path"], "malformed_url"),
        (&["node", "approve-routes", "pi", "home"], "malformed_route"),
        (&["node", "approve-routes", "pi"], "missing_argument"),
        (&["node", "approve-routes", "pi", "--all", "--none"], "argument_conflict"),
        (&["worker", "join", "hello"], "malformed_token"),
        (&["worker", "join", "wjt_AQ"], "malformed_token"),
        (&["serve", "--listen", "home"], "malformed_setting"),
        (&["serve", "--tls-cert", "x.pem"], "incomplete_tls"),
        (&["user", "create", "ada"], "malformed_email"),
        (&["nonsense"], "unknown_command"),
        (&["node"], "missing_command"),
        (&["node", "list", "--nonsense"], "unknown_argument"),
    ] {
        let error = wonder.error(args, 2);
        assert_eq!(error["code"], code, "{args:?}: {error}");
        assert!(error["message"].is_string() && error["hint"].is_string(), "{args:?}: {error}");
    }
}

#[test]
fn a_noun_alone_shows_what_there_is() {
    let run = Wonder::new().run(&["token"]);
    assert_says(&run, 2, "Usage: wonder token");
    assert_says(&run, 2, "revoke");
    assert_says(&Wonder::new().run(&[]), 2, "Examples:");
}

#[test]
fn help_and_version_are_answers() {
    let wonder = Wonder::new();
    for args in [&["--help"][..], &["help", "token", "create"], &["worker", "join", "-h"], &["--version"]] {
        let run = wonder.run(args);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
        assert!(run.stdout.contains("wonder"), "{args:?}");
        assert!(!run.stdout.contains('\u{1b}'), "colour is for terminals");
    }
}

#[test]
fn every_command_has_a_help_that_fits() {
    let wonder = Wonder::new();
    for command in
        ["serve", "login", "user create", "token create", "worker join", "node approve-routes", "key create"]
    {
        let run = wonder.run(&[&command.split(' ').collect::<Vec<_>>()[..], &["--help"]].concat());
        assert!(run.stdout.contains("Examples:"), "{command}: an example says more than a list of flags");
        let widest = run.stdout.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= 100, "{command}: {widest} columns");
    }
}

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let wonder = Wonder::new();
    for args in [
        &["login"][..],
        &["login", "http://127.0.0.1:1"],
        &["login", "http://127.0.0.1:1", "--email", "ada@example.org"],
        &["user", "create", "ada@example.org"],
        &["user", "reset-password", "ada@example.org"],
        &["worker", "join"],
    ] {
        assert_eq!(wonder.error(args, 2)["code"], "missing_answer", "{args:?}");
    }
    for args in [
        &["node", "remove", "pi"][..],
        &["node", "expire", "pi"],
        &["token", "revoke", "x"],
        &["key", "revoke", "x"],
        &["worker", "leave"],
    ] {
        let error = wonder.error(args, 2);
        assert_eq!(error["code"], "not_confirmed", "{args:?}");
        assert!(error["hint"].as_str().unwrap().contains("--yes"), "{args:?}");
    }
}

#[test]
fn an_empty_stdin_is_a_missing_answer() {
    let wonder = Wonder::new();
    for args in [&["worker", "join", "-"][..], &["user", "create", "a@b.example", "--password-stdin"]] {
        assert_eq!(wonder.error(args, 2)["code"], "missing_answer", "{args:?}");
    }
}

#[test]
fn whoever_is_not_logged_in_is_told_how() {
    let wonder = Wonder::new();
    for args in [&["whoami"][..], &["token", "create"], &["node", "list"], &["node", "remove", "pi", "--yes"]]
    {
        let error = wonder.error(args, 3);
        assert_eq!(error["code"], "not_logged_in");
        assert!(error["hint"].as_str().unwrap().contains("wonder login"));
    }
    let run = wonder.run(&["logout"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "nothing to do is no failure");
}

#[test]
fn an_unreachable_coordinator_is_7_and_named() {
    let url = closed_url();
    let wonder = Wonder::new().env("WONDER_TOKEN", "wnd_x").env("WONDER_COORDINATOR", &url);
    for args in [&["whoami"][..], &["token", "create"], &["node", "list"], &["org", "list"]] {
        let error = wonder.error(args, 7);
        assert_eq!(error["code"], "coordinator_unreachable", "{error}");
        assert!(error["hint"].as_str().unwrap().contains(&url), "{error}");
    }
    let login = Wonder::new();
    let run = login.run_with(&["login", &url, "--email", "a@b.example", "--password-stdin"], "pw");
    assert_says(&run, 7, "cannot be reached");
}

#[test]
fn a_token_of_the_environment_needs_a_coordinator() {
    let wonder = Wonder::new().env("WONDER_TOKEN", "wnd_x");
    assert_eq!(wonder.error(&["node", "list"], 2)["code"], "no_coordinator");
}

#[test]
fn tailscaled_that_is_not_there_is_7_before_a_token_is_spent() {
    let wonder = Wonder::new().env("WONDER_TAILSCALED_SOCKET", "/nonexistent/tailscaled.sock");
    let token = wonder::core::token::JoinToken::new(closed_url().parse().unwrap());
    let error = wonder.error(&["worker", "join", token.encode().reveal()], 7);
    assert_eq!(error["code"], "tailscaled_absent", "{error}");
    let other =
        ["worker", "join", token.encode().reveal(), "--coordinator", "http://10.0.0.1"].map(str::to_owned);
    let error = wonder.error(&other.each_ref().map(String::as_str), 2);
    assert_eq!(error["code"], "other_coordinator", "{error}");
    let status = wonder.json(&["worker", "status"]);
    assert_eq!((&status["state"], &status["node"]), (&json!("no_engine"), &Value::Null));
    assert_eq!(wonder.error(&["worker", "leave", "--yes"], 7)["code"], "tailscaled_absent");
}

#[test]
fn a_login_is_kept_in_a_file_that_only_its_owner_reads() {
    let canned = Canned::new(&at_login(&[]));
    let wonder = Wonder::new();
    let login = ["login", &canned.url, "--email", "ada@example.org", "--password-stdin"];
    let document = wonder.json_with(&login, "pass word\n");
    assert_eq!(document["user"]["email"], "ada@example.org");
    assert_eq!(document["coordinator"], canned.url.as_str());
    assert_eq!(document["profile"], canned.url.trim_start_matches("http://"));
    assert_eq!(document["organization"]["name"], "ada");
    assert!(document.get("token").is_none(), "the log-in's token is nobody's to see");
    assert!(canned.asked().contains(r#""password":"pass word""#), "one newline is dropped, and no more");
    let file = wonder.config_dir().join("profiles.toml");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&file).unwrap().contains("wcs_secret-of-ada"));
}

#[test]
fn a_second_login_ends_the_first_and_logout_ends_that() {
    let canned = Canned::new(&at_login(&[]));
    let wonder = logged_in(&canned);
    let run = wonder.run_with(&["login", "--email", "ada@example.org", "--password-stdin"], "pw");
    assert_eq!(run.code, 0, "the current coordinator is meant: {run:?}");
    assert_eq!(canned.asked().matches("DELETE /api/v1/session").count(), 1);
    let document = wonder.json(&["logout"]);
    assert_eq!(document["coordinator_told"], true);
    assert_eq!(canned.asked().matches("DELETE /api/v1/session").count(), 2);
    assert_eq!(wonder.error(&["whoami"], 3)["code"], "not_logged_in");
}

#[test]
fn logout_works_with_the_coordinator_down() {
    let url = closed_url();
    let wonder = Wonder::new();
    let text = format!(
        "current = \"home\"\n[profiles.home]\ncoordinator = \"{url}\"\nemail = \"a\"\ntoken = \"wcs_x\"\n\
         expires_at = \"{THEN}\"\n"
    );
    std::fs::write(wonder.config_dir().join("profiles.toml"), text).unwrap();
    assert_eq!(wonder.json(&["logout"])["coordinator_told"], false);
    assert_eq!(wonder.error(&["whoami"], 3)["code"], "not_logged_in");
}

#[test]
fn profiles_are_told_apart() {
    let canned = Canned::new(&at_login(&[]));
    let wonder = logged_in(&canned);
    let error = wonder.error(&["whoami", "--profile", "work"], 5);
    assert_eq!(error["code"], "profile_not_found");
    assert!(error["hint"].as_str().unwrap().contains(canned.url.trim_start_matches("http://")));
    let name = canned.url.trim_start_matches("http://");
    let contradiction = ["whoami", "--profile", name, "--coordinator", "http://10.0.0.1"];
    assert_eq!(wonder.error(&contradiction, 2)["code"], "contradiction");
}

#[test]
fn a_corrupt_profile_file_is_1_and_named_and_left_alone() {
    let wonder = Wonder::new();
    let file = wonder.config_dir().join("profiles.toml");
    std::fs::write(&file, "[profiles.home]\ntoken = \"hush\n").unwrap();
    for args in [&["whoami"][..], &["logout"], &["login", "--email", "a", "--password-stdin"]] {
        let error = wonder.error(args, 1);
        assert_eq!(error["code"], "corrupt_profiles", "{args:?}");
        assert!(error["message"].as_str().unwrap().contains(file.to_str().unwrap()));
        assert!(!error.to_string().contains("hush"));
    }
    assert!(std::fs::read_to_string(&file).unwrap().contains("hush"));
}

#[test]
fn what_the_coordinator_refuses_is_told_in_its_words() {
    let canned = Canned::new(&at_login(&[]));
    let wonder = logged_in(&canned);
    let error = wonder.error(&["node", "show", "pi"], 5);
    assert_eq!((&error["code"], &error["hint"]), (&json!("nothing_there"), &json!("look again")));
    assert_eq!(error["request_id"], "r-1");
    let run = wonder.run(&["node", "show", "pi"]);
    assert_says(&run, 5, "error: GET /organizations/");
    assert_says(&run, 5, "hint: look again\nrequest: r-1");
}

#[test]
fn a_new_token_is_for_people_for_pipes_and_for_programs() {
    let canned = Canned::new(&at_login(&[(in_org!("POST", "/tokens"), 201, new_token())]));
    let wonder = logged_in(&canned);
    let run = wonder.run(&["token", "create", "--ttl", "1h", "--tag", "tag:x"]);
    assert!(run.stdout.contains("wonder worker join wjt_secret") && run.stdout.contains("tailscale up --x"));
    assert!(
        canned.asked().contains(r#""ttl_seconds":3600"#) && canned.asked().contains(r#""tags":["tag:x"]"#)
    );
    assert_eq!(wonder.run(&["token", "create", "-q"]).stdout, "wjt_secret\n");
    let document = wonder.json(&["token", "create"]);
    assert_eq!((&document["secret"], &document["token"]["id"]), (&json!("wjt_secret"), &json!(ID)));
}

#[test]
fn lists_are_tables_of_80_columns_and_one_document() {
    let page = json!({ "nodes": [node(), node()], "next_cursor": null });
    let canned = Canned::new(&at_login(&[(in_org!("GET", "/nodes"), 200, page)]));
    let wonder = logged_in(&canned);
    let run = wonder.run(&["node", "list"]);
    assert!(run.stdout.starts_with("NAME"), "{}", run.stdout);
    assert!(run.stdout.contains("100.64.0.1") && run.stdout.contains("tag:server"));
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "neither colour nor anything of a device's own");
    assert_eq!(wonder.json(&["node", "list"]), json!({ "nodes": [node(), node()] }));
}

#[test]
fn a_list_is_read_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        for next in [json!("c/1"), json!(null)] {
            let page = json!({ "nodes": [node()], "next_cursor": next });
            let log = Mutex::new(Vec::new());
            let route = in_org!("GET", "/nodes");
            let answers = HashMap::from([(route, (200, page.to_string()))]);
            answer(listener.accept().unwrap().0, &answers, &log);
            let asked = log.into_inner().unwrap().concat();
            assert_eq!(asked.contains("cursor=c%2F1"), next.is_null(), "{asked}");
        }
    });
    let wonder =
        Wonder::new().env("WONDER_TOKEN", "wnd_x").env("WONDER_COORDINATOR", url).env("WONDER_ORG", ID);
    assert_eq!(wonder.json(&["node", "list"])["nodes"].as_array().unwrap().len(), 2);
    server.join().unwrap();
}

#[test]
fn changes_are_told_on_stderr_and_not_at_all_with_q() {
    let (one, routes) = (in_org!("GET", "/nodes/pi"), in_org!("PUT", "/nodes/pi/routes"));
    let answer = || json!({ "node": node() });
    let removed = (in_org!("DELETE", "/nodes/pi"), 200, answer());
    let canned = Canned::new(&at_login(&[removed, (one, 200, answer()), (routes, 200, answer())]));
    let wonder = logged_in(&canned);
    assert_says(&wonder.run(&["node", "remove", "pi", "--yes"]), 0, "Removed node pi.");
    let quiet = wonder.run(&["node", "remove", "pi", "--yes", "-q"]);
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (0, "", ""));
    assert_eq!(wonder.json(&["node", "remove", "pi", "--yes"])["node"]["name"], "pi");
    wonder.json(&["node", "approve-routes", "pi", "--all"]);
    assert!(canned.asked().contains(r#"{"approved":["192.168.1.0/24","0.0.0.0/0"]}"#));
    wonder.json(&["node", "approve-routes", "pi", "--none"]);
    assert!(canned.asked().contains(r#"{"approved":[]}"#));
}

#[test]
fn the_organization_is_the_one_that_was_chosen() {
    let mut other = organization("acme");
    other["id"] = json!("018f3c5e-7b1a-7c3d-9e2f-ffffffffffff");
    let nodes = json!({ "nodes": [], "next_cursor": null });
    let canned = Canned::new(&at_login(&[
        ("GET /organizations/acme", 200, json!({ "organization": other })),
        ("GET /organizations/018f3c5e-7b1a-7c3d-9e2f-ffffffffffff/nodes", 200, nodes.clone()),
        ("GET /organizations/a%20b/nodes", 200, nodes),
    ]));
    let wonder = logged_in(&canned);
    assert_eq!(wonder.json(&["org", "use", "acme"])["organization"]["name"], "acme");
    assert_eq!(wonder.json(&["node", "list"]), json!({ "nodes": [] }));
    wonder.json(&["node", "list", "--org", "a b"]);
    let run = wonder.run(&["node", "list"]);
    assert!(run.stdout.contains("wonder token create"), "an empty list says what to do: {}", run.stdout);
}

#[test]
fn no_secret_is_repeated_in_an_error_or_in_the_log() {
    let canned = Canned::new(&at_login(&[]));
    let wonder = logged_in(&canned).env("WONDER_LOG", "trace");
    let run = wonder.run(&["node", "list"]);
    assert!(!run.stderr.contains("wcs_secret"), "{}", run.stderr);
    for args in [
        &["worker", "join", "wjt_AQAAAAAAAAAAAAAAAA", "wjt_AQAAAAAAAAAAAAAAAA"][..],
        &["worker", "wjt_AQAAAAAAAAAAAAAAAA"],
        &["login", "wjt_AQAAAAAAAAAAAAAAAA"],
        &["worker", "join", "wjt_AQAAAAAAAAAAAAAAAA"],
    ] {
        let run = Wonder::new().run(args);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(!run.stderr.contains("wjt_AQAAAA"), "{}", run.stderr);
    }
}

#[test]
fn a_log_filter_that_cannot_be_read_is_a_usage_error() {
    let wonder = Wonder::new().env("WONDER_LOG", "wonder=[loud");
    assert_eq!(wonder.error(&["whoami"], 2)["code"], "malformed_log_filter");
}

#[test]
fn a_ca_file_is_read_before_anything_is_sent() {
    let wonder = Wonder::new().env("WONDER_TOKEN", "wnd_x").env("WONDER_COORDINATOR", "https://127.0.0.1:1");
    let error = wonder.error(&["whoami", "--ca-file", "/nonexistent.pem"], 1);
    assert_eq!(error["code"], "ca_file");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let script = "\"$0\" completions bash | head -n1 >/dev/null; exit ${PIPESTATUS[0]}";
    let status =
        std::process::Command::new("bash").args(["-c", script, env!("CARGO_BIN_EXE_wonder")]).status();
    assert_eq!(status.unwrap().code(), Some(0));
}
