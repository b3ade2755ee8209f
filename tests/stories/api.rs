//! Stories of the HTTP API, over real sockets, on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Answer, Coordinator, PASSWORD};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wonder::core::key::{MachineKey, NodeKey};
use wonder::mesh::native::wire::RegisterRequest;
use wonder::service::{device, join};

crate::coordinator_stories! {
    a_new_coordinator_is_set_up_once
    a_log_in_begins_and_ends
    what_is_wrong_with_a_call_is_a_problem
    a_body_has_its_bounds
    a_token_is_made_listed_shown_and_revoked
    what_a_token_may_be_is_bounded
    lists_come_in_pages
    sixty_four_devices_share_ten_uses
    thirty_two_machines_share_five_uses_of_the_token_s_own_key
    a_machine_that_registers_many_times_at_once_takes_one_use
    a_token_that_is_over_says_how
    a_key_belongs_to_the_machine_that_used_it_first
    a_device_that_joins_twice_counts_once
    the_token_s_own_key_takes_one_use_for_each_machine
    what_a_revoked_token_minted_joins_nobody
    a_use_that_no_device_comes_for_goes_back
    who_was_removed_does_not_come_back_with_a_used_key
    a_worker_sees_itself_and_leaves
    a_worker_that_breaks_off_gives_its_use_back
    unknown_tokens_are_asked_for_so_often
    an_api_key_does_what_its_scopes_say
    an_api_key_is_rotated_with_an_overlap
    a_key_is_rotated_by_nobody_who_has_less
    an_organization_says_how_old_secrets_may_get
    nobody_sees_another_s_organization
    every_change_is_in_the_audit_trail
    the_coordinator_says_how_it_is
}

const DAY: Duration = Duration::from_secs(86_400);

fn tokens(org: &str) -> String {
    format!("/api/v1/organizations/{org}/tokens")
}

fn keys(org: &str) -> String {
    format!("/api/v1/organizations/{org}/keys")
}

async fn make_token(c: &Coordinator, bearer: &str, org: &str, wish: Value) -> Answer {
    let made = c.post(&tokens(org), bearer, wish).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

async fn join(c: &Coordinator, secret: &str) -> Answer {
    c.call("POST", "/api/v1/join", None, Some(json!({ "token": secret }))).await
}

/// Registers a device as its own client does; each time with a node key of its own.
async fn register(c: &Coordinator, auth_key: &str, machine: u8) -> Result<(), String> {
    static NODE_KEYS: AtomicU64 = AtomicU64::new(1);
    let mut node_key = [7; 32];
    node_key[..8].copy_from_slice(&NODE_KEYS.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let request = json!({
        "Version": 131,
        "NodeKey": NodeKey(node_key),
        "Auth": { "AuthKey": auth_key },
        "Hostinfo": { "Hostname": format!("device{machine}"), "OS": "linux" },
    });
    let request = RegisterRequest::read(request.to_string().as_bytes()).unwrap();
    let address = "127.0.0.1".parse().unwrap();
    let registered = device::register(&c.app, MachineKey([machine; 32]), address, &request).await;
    registered.map(|answer| assert!(answer.machine_authorized)).map_err(|e| e.code().to_owned())
}

fn minted(joined: &Answer) -> &str {
    joined.body["mesh"]["auth_key"].as_str().unwrap_or_else(|| panic!("no auth key in {joined:?}"))
}

fn nodes(org: &str) -> String {
    format!("/api/v1/organizations/{org}/nodes")
}

async fn a_new_coordinator_is_set_up_once(c: Coordinator) {
    let code = c.setup_code.clone().expect("a code, as there is no account");
    let set_up = |code: &str| json!({ "code": code, "email": "Ada@Example.org", "password": PASSWORD });
    let wrong = c.call("POST", "/api/v1/setup", None, Some(set_up("wsc_guess"))).await;
    assert_eq!(wrong.status, 403, "{wrong:?}");
    let done = c.call("POST", "/api/v1/setup", None, Some(set_up(&code))).await;
    assert_eq!(done.status, 201, "{done:?}");
    assert_eq!(done.body["user"]["email"], "ada@example.org");
    assert_eq!(done.body["user"]["admin"], true);
    assert_eq!(c.call("POST", "/api/v1/setup", None, Some(set_up(&code))).await.status, 403);
}

async fn a_log_in_begins_and_ends(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let who = c.get("/api/v1/session", &bearer).await;
    assert_eq!(who.body["user"]["email"], "ada@example.org");
    assert_eq!(who.body["organization"]["id"], org);
    assert_eq!(who.body["organization"]["realm"]["domain"], "ada.wonder.internal");
    let listed = c.get("/api/v1/organizations", &bearer).await;
    assert_eq!(listed.body["organizations"][0]["role"], "owner");
    let shown = c.get("/api/v1/organizations/ada", &bearer).await;
    assert_eq!(shown.body["organization"], listed.body["organizations"][0]);
    let wrong = json!({ "email": "ada@example.org", "password": "guess", "label": "" });
    assert_eq!(
        c.call("POST", "/api/v1/sessions", None, Some(wrong)).await.problem(),
        (401, "wrong_credentials")
    );
    assert_eq!(c.call("DELETE", "/api/v1/session", Some(&bearer), None).await.status, 204);
    assert_eq!(c.get("/api/v1/session", &bearer).await.problem(), (401, "not_logged_in"));
}

async fn what_is_wrong_with_a_call_is_a_problem(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let none = c.call("GET", "/api/v1/session", None, None).await;
    assert_eq!(none.problem(), (401, "not_logged_in"));
    assert!(none.head.contains("www-authenticate: Bearer"), "{none:?}");
    let in_query = c.call("GET", &format!("/api/v1/session?access_token={bearer}"), None, None).await;
    assert_eq!(in_query.status, 401, "a query carries no credential");
    let unknown = c.post(&tokens(&org), &bearer, json!({ "colour": "red" })).await;
    assert_eq!(unknown.problem(), (400, "malformed_body"));
    assert!(unknown.text("detail").contains("colour"), "{unknown:?}");
    assert_eq!(unknown.text("type"), "urn:wonder:problem:malformed_body");
    assert!(unknown.head.contains(&format!("x-request-id: {}", unknown.text("request_id"))));
    let raw = |kind: &str, body: &str| {
        format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: bearer {bearer}\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            tokens(&org),
            body.len()
        )
    };
    let broken = c.say(raw("application/json", "{\"name\":").as_bytes()).await;
    assert_eq!(broken.problem(), (400, "malformed_json"));
    let form = c.say(raw("application/x-www-form-urlencoded", "name=x").as_bytes()).await;
    assert_eq!(form.problem(), (415, "unsupported_media_type"));
    assert_eq!(c.say(raw("application/json; charset=utf-8", "{}").as_bytes()).await.status, 201);
    for strange in ["%00", "%ff", "a%0Ab"] {
        let answer = c.get(&format!("{}/{strange}", tokens(&org)), &bearer).await;
        assert_eq!(answer.problem(), (400, "malformed_path"), "{strange}");
    }
    let nowhere = c.get("/api/v1/nowhere", &bearer).await;
    assert_eq!(nowhere.problem(), (404, "route_not_found"));
    let method = c.call("PUT", "/api/v1/version", None, None).await;
    assert_eq!(method.problem(), (405, "method_not_allowed"));
}

async fn a_body_has_its_bounds(c: Coordinator) {
    let head = |length: usize| {
        format!(
            "POST /api/v1/join HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    let announced = c.say(head(64 << 20).as_bytes()).await;
    assert_eq!(announced.problem(), (413, "body_too_large"));
    let chunk = "10000\r\n".to_owned() + &"x".repeat(0x10000) + "\r\n";
    let chunked =
        "POST /api/v1/join HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
                   Transfer-Encoding: chunked\r\n\r\n"
            .to_owned()
            + &chunk.repeat(17);
    assert_eq!(c.say(chunked.as_bytes()).await.problem(), (413, "body_too_large"));
}

async fn a_token_is_made_listed_shown_and_revoked(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let wish = json!({ "name": "shed", "uses": 3, "tags": ["tag:pi"], "ephemeral": true, "ttl_seconds": 60 });
    let made = make_token(&c, &bearer, &org, wish).await;
    let (secret, auth_key) = (made.text("secret"), made.text("auth_key"));
    assert!(secret.starts_with("wjt_") && auth_key.starts_with("wak_"));
    assert_eq!(made.text("join_command"), format!("wonder worker join {secret}"));
    let url = format!("http://{}", c.address);
    assert_eq!(
        made.text("tailscale_command"),
        format!("tailscale up --login-server {url} --auth-key {auth_key}")
    );
    let token = &made.body["token"];
    assert_eq!((&token["uses"], &token["uses_left"]), (&json!(3), &json!(3)));
    assert_eq!((&token["created_by"], &token["tags"]), (&json!("ada@example.org"), &json!(["tag:pi"])));
    let shown = c.get(&format!("{}/shed", tokens(&org)), &bearer).await;
    assert_eq!(&shown.body["token"], token);
    assert!(!shown.body.to_string().contains(auth_key));
    let revoked = c.call("DELETE", &format!("{}/shed", tokens(&org)), Some(&bearer), None).await;
    assert!(revoked.body["token"]["revoked_at"].is_string(), "{revoked:?}");
    let id = token["id"].as_str().unwrap();
    let again = c.call("DELETE", &format!("{}/{id}", tokens(&org)), Some(&bearer), None).await;
    assert_eq!(again.body, revoked.body, "to revoke it twice changes nothing");
    assert_eq!(c.get(&format!("{}/barn", tokens(&org)), &bearer).await.problem(), (404, "token_not_found"));
}

async fn what_a_token_may_be_is_bounded(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    for (wish, code) in [
        (json!({ "uses": 0 }), "malformed_uses"),
        (json!({ "uses": 2, "reusable": true }), "contradiction"),
        (json!({ "ttl_seconds": 0 }), "malformed_ttl"),
        (json!({ "ttl_seconds": 4_000_000_000u32 }), "malformed_ttl"),
        (json!({ "tags": ["server"] }), "malformed_tag"),
        (json!({ "name": "x".repeat(64) }), "malformed_name"),
        (json!({ "uses": -1 }), "malformed_body"),
    ] {
        assert_eq!(c.post(&tokens(&org), &bearer, wish).await.problem(), (400, code));
    }
    let usual = make_token(&c, &bearer, &org, json!({})).await;
    assert_eq!(usual.body["token"]["uses"], 1);
    let eight_hours = common::api::START.plus(Duration::from_secs(8 * 3600)).to_string();
    assert_eq!(usual.body["token"]["expires_at"], eight_hours);
}

async fn lists_come_in_pages(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    for n in 0..5 {
        c.later(Duration::from_millis(1));
        make_token(&c, &bearer, &org, json!({ "name": format!("t{n}") })).await;
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = c.get(&format!("{}?limit=2{cursor}", tokens(&org)), &bearer).await;
        let items = page.body["tokens"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(items.iter().map(|token| token["name"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(names, ["t4", "t3", "t2", "t1", "t0"]);
    for (query, code) in [
        ("limit=0", "malformed_limit"),
        ("limit=201", "malformed_limit"),
        ("limit=x", "malformed_query"),
        ("page=2", "malformed_query"),
        ("cursor=zzz", "malformed_cursor"),
    ] {
        assert_eq!(
            c.get(&format!("{}?{query}", tokens(&org)), &bearer).await.problem(),
            (400, code),
            "{query}"
        );
    }
}

async fn sixty_four_devices_share_ten_uses(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "uses": 10 })).await;
    let (c, secret) = (Arc::new(c), made.text("secret").to_owned());
    let devices: Vec<_> = (0..64)
        .map(|_| {
            let (c, secret) = (Arc::clone(&c), secret.clone());
            #[expect(clippy::disallowed_methods, reason = "a test")]
            tokio::spawn(async move { join(&c, &secret).await })
        })
        .collect();
    let (mut keys, mut refused) = (BTreeSet::new(), 0);
    for device in devices {
        let answer = device.await.unwrap();
        match answer.status {
            201 => assert!(keys.insert(answer.body["mesh"]["auth_key"].as_str().unwrap().to_owned())),
            _ => {
                assert_eq!(answer.problem(), (403, "token_used_up"));
                refused += 1;
            }
        }
    }
    assert_eq!((keys.len(), refused), (10, 54));
    let shown =
        c.get(&format!("{}/{}", tokens(&org), made.body["token"]["id"].as_str().unwrap()), &bearer).await;
    assert_eq!(shown.body["token"]["uses_left"], 0);
    assert!(shown.body["token"]["last_used_at"].is_string());
}

/// Registers at once, one task for each machine; how it went, in any order.
async fn register_at_once(c: &Arc<Coordinator>, key: &str, machines: Vec<u8>) -> Vec<Result<(), String>> {
    let register = |machine| {
        let (c, key) = (Arc::clone(c), key.to_owned());
        #[expect(clippy::disallowed_methods, reason = "a test")]
        tokio::spawn(async move { register(&c, &key, machine).await })
    };
    let tasks: Vec<_> = machines.into_iter().map(register).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn thirty_two_machines_share_five_uses_of_the_token_s_own_key(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "uses": 5 })).await;
    let c = Arc::new(c);
    let answers = register_at_once(&c, made.text("auth_key"), (1..=32).collect()).await;
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(refused.len(), 27);
    assert!(refused.iter().all(|code| *code == "token_used_up"), "{refused:?}");
    assert_eq!(c.get(&nodes(&org), &bearer).await.body["nodes"].as_array().unwrap().len(), 5);
}

async fn a_machine_that_registers_many_times_at_once_takes_one_use(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "name": "t", "uses": 5 })).await;
    let c = Arc::new(c);
    let answers = register_at_once(&c, made.text("auth_key"), vec![1; 16]).await;
    assert!(answers.iter().any(Result::is_ok), "{answers:?}");
    let told: BTreeSet<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(told.iter().all(|code| *code == "registering"), "a client tries again: {told:?}");
    assert_eq!(c.get(&nodes(&org), &bearer).await.body["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(c.get(&format!("{}/t", tokens(&org)), &bearer).await.body["token"]["uses_left"], 4);
}

async fn a_token_that_is_over_says_how(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let expiring = make_token(&c, &bearer, &org, json!({ "ttl_seconds": 60 })).await;
    let revoked = make_token(&c, &bearer, &org, json!({ "name": "r" })).await;
    c.call("DELETE", &format!("{}/r", tokens(&org)), Some(&bearer), None).await;
    assert_eq!(join(&c, revoked.text("secret")).await.problem(), (403, "token_revoked"));
    let check = json!({ "token": expiring.text("secret") });
    let looked = c.call("POST", "/api/v1/join/check", None, Some(check)).await;
    assert_eq!((looked.status, &looked.body["organization"]["id"]), (200, &json!(org)), "{looked:?}");
    assert_eq!(join(&c, expiring.text("secret")).await.status, 201, "to look spends nothing");
    assert_eq!(join(&c, expiring.text("secret")).await.problem(), (403, "token_used_up"));
    c.later(Duration::from_secs(60));
    assert_eq!(join(&c, expiring.text("secret")).await.problem(), (403, "token_expired"));
    let cut = &expiring.text("secret")[..40];
    let mistyped = join(&c, cut).await;
    assert_eq!(mistyped.problem(), (400, "malformed_token"));
    assert!(mistyped.text("detail").contains("end is missing"), "{mistyped:?}");
}

async fn a_key_belongs_to_the_machine_that_used_it_first(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "tags": ["tag:b", "tag:a"] })).await;
    let joined = join(&c, made.text("secret")).await;
    register(&c, minted(&joined), 1).await.unwrap();
    register(&c, minted(&joined), 1).await.expect("a re-log-in shows it again");
    assert_eq!(register(&c, minted(&joined), 2).await.unwrap_err(), "auth_key_used");
    let listed = c.get(&nodes(&org), &bearer).await;
    assert_eq!(listed.body["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(listed.body["nodes"][0]["tags"], json!(["tag:a", "tag:b"]));
    c.later(Duration::from_secs(8 * 3600));
    assert_eq!(register(&c, minted(&joined), 1).await.unwrap_err(), "token_expired");
}

async fn a_device_that_joins_twice_counts_once(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "name": "two", "uses": 2 })).await;
    let (first, second) = (join(&c, made.text("secret")).await, join(&c, made.text("secret")).await);
    register(&c, minted(&first), 1).await.unwrap();
    register(&c, minted(&second), 1).await.unwrap();
    let shown = c.get(&format!("{}/two", tokens(&org)), &bearer).await;
    assert_eq!(shown.body["token"]["uses_left"], 1, "the second log-in gave the first one's use back");
    assert_eq!(register(&c, minted(&first), 1).await.unwrap_err(), "token_unknown", "the first key is over");
}

async fn the_token_s_own_key_takes_one_use_for_each_machine(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "uses": 2 })).await;
    let key = made.text("auth_key");
    register(&c, key, 1).await.unwrap();
    register(&c, key, 1).await.unwrap();
    register(&c, key, 2).await.unwrap();
    assert_eq!(register(&c, key, 3).await.unwrap_err(), "token_used_up");
    register(&c, key, 2).await.expect("who has a use keeps it");
    assert_eq!(register(&c, "wak_guess", 2).await.unwrap_err(), "token_unknown");
    assert_eq!(join(&c, made.text("secret")).await.problem(), (403, "token_used_up"));
}

async fn who_was_removed_does_not_come_back_with_a_used_key(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "uses": 2 })).await;
    let joined = join(&c, made.text("secret")).await;
    register(&c, minted(&joined), 1).await.unwrap();
    register(&c, made.text("auth_key"), 2).await.unwrap();
    for device in ["device1", "device2"] {
        let removed = c.call("DELETE", &format!("{}/{device}", nodes(&org)), Some(&bearer), None).await;
        assert_eq!(removed.status, 200, "{removed:?}");
    }
    assert_eq!(register(&c, minted(&joined), 1).await.unwrap_err(), "auth_key_used");
    assert_eq!(register(&c, made.text("auth_key"), 2).await.unwrap_err(), "token_used_up");
    let worker = c.get("/api/v1/worker", joined.text("worker_key")).await;
    assert_eq!(worker.body["node"], Value::Null);
}

async fn what_a_revoked_token_minted_joins_nobody(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "name": "t", "reusable": true })).await;
    let (waiting, registered) = (join(&c, made.text("secret")).await, join(&c, made.text("secret")).await);
    register(&c, minted(&registered), 2).await.unwrap();
    c.call("DELETE", &format!("{}/t", tokens(&org)), Some(&bearer), None).await;
    assert_eq!(register(&c, minted(&waiting), 1).await.unwrap_err(), "token_revoked");
    assert_eq!(register(&c, minted(&registered), 2).await.unwrap_err(), "token_revoked");
    assert_eq!(register(&c, made.text("auth_key"), 3).await.unwrap_err(), "token_revoked");
    let worker = c.get("/api/v1/worker", registered.text("worker_key")).await;
    assert_eq!(worker.body["node"]["name"], "device2", "who has joined stays");
}

async fn a_use_that_no_device_comes_for_goes_back(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "name": "t" })).await;
    let joined = join(&c, made.text("secret")).await;
    c.later(Duration::from_secs(599));
    join::sweep(&c.app).await.unwrap();
    assert_eq!(join(&c, made.text("secret")).await.problem(), (403, "token_used_up"));
    c.later(Duration::from_secs(1));
    assert_eq!(register(&c, minted(&joined), 1).await.unwrap_err(), "auth_key_expired");
    join::sweep(&c.app).await.unwrap();
    let again = join(&c, made.text("secret")).await;
    assert_eq!(again.status, 201, "{again:?}");
    register(&c, minted(&again), 1).await.unwrap();
    c.later(Duration::from_secs(3600));
    join::sweep(&c.app).await.unwrap();
    assert_eq!(c.get(&format!("{}/t", tokens(&org)), &bearer).await.body["token"]["uses_left"], 0);
}

async fn a_worker_sees_itself_and_leaves(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "ephemeral": true })).await;
    let joined = join(&c, made.text("secret")).await;
    register(&c, minted(&joined), 1).await.unwrap();
    let seen = c.get("/api/v1/worker", joined.text("worker_key")).await;
    assert_eq!(seen.body["node"]["dns_name"], "device1.ada.wonder.internal", "{seen:?}");
    assert_eq!(
        (&seen.body["node"]["ephemeral"], &seen.body["node"]["owner"]),
        (&json!(true), &json!("ada@example.org"))
    );
    let left = c.call("DELETE", "/api/v1/worker", Some(joined.text("worker_key")), None).await;
    assert_eq!(left.status, 204, "{left:?}");
    assert_eq!(c.get(&nodes(&org), &bearer).await.body["nodes"], json!([]));
    assert_eq!(c.get("/api/v1/worker", joined.text("worker_key")).await.status, 401);
    assert_eq!(register(&c, minted(&joined), 1).await.unwrap_err(), "token_unknown");
    assert_eq!(join(&c, made.text("secret")).await.problem(), (403, "token_used_up"), "a use is a use");
}

async fn a_worker_that_breaks_off_gives_its_use_back(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({})).await;
    let joined = join(&c, made.text("secret")).await;
    let worker = joined.text("worker_key").to_owned();
    let seen = c.get("/api/v1/worker", &worker).await;
    assert_eq!(seen.body, json!({ "node": null, "coordinator": format!("http://{}", c.address) }));
    assert_eq!(c.get("/api/v1/worker", &bearer).await.problem(), (401, "worker_key_unknown"));
    assert_eq!(c.get("/api/v1/session", &worker).await.problem(), (401, "not_logged_in"));
    assert_eq!(c.call("DELETE", "/api/v1/worker", Some(&worker), None).await.status, 204);
    assert_eq!(c.call("DELETE", "/api/v1/worker", Some(&worker), None).await.status, 401);
    assert_eq!(register(&c, minted(&joined), 1).await.unwrap_err(), "token_unknown");
    assert_eq!(join(&c, made.text("secret")).await.status, 201);
}

async fn unknown_tokens_are_asked_for_so_often(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "reusable": true })).await;
    for _ in 0..70 {
        assert_eq!(join(&c, made.text("secret")).await.status, 201, "what is known does not count");
    }
    let foreign = wonder::core::token::JoinToken::new("http://127.0.0.1:1".parse().unwrap());
    let mut answers = BTreeSet::new();
    for _ in 0..70 {
        let answer = join(&c, foreign.encode().reveal()).await;
        answers.insert((answer.status, answer.head.contains("retry-after: 2\r\n")));
    }
    assert_eq!(answers, BTreeSet::from([(403, false), (429, true)]));
    c.later(Duration::from_secs(10));
    assert_eq!(join(&c, foreign.encode().reveal()).await.problem(), (403, "token_unknown"));
}

async fn an_api_key_does_what_its_scopes_say(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let wish = json!({ "name": "ci", "scopes": ["nodes:write", "keys:write"] });
    let made = c.post(&keys(&org), &bearer, wish).await;
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.text("secret");
    assert!(secret.starts_with(made.body["key"]["prefix"].as_str().unwrap()));
    assert_eq!(c.post(&tokens(&org), secret, json!({})).await.status, 201);
    assert_eq!(c.get(&tokens(&org), secret).await.problem(), (403, "scope_missing"));
    let wider = json!({ "name": "wider", "scopes": ["nodes:read"] });
    assert_eq!(c.post(&keys(&org), secret, wider).await.problem(), (403, "scope_missing"));
    assert_eq!(c.call("DELETE", "/api/v1/session", Some(secret), None).await.problem(), (403, "people_only"));
    let listed = c.get(&keys(&org), &bearer).await;
    assert!(listed.body["keys"][0]["last_used_at"].is_string(), "{listed:?}");
    assert!(!listed.body.to_string().contains(secret));
    assert_eq!(c.get(&tokens(&org), &format!("{secret}0")).await.problem(), (401, "key_unknown"));
    c.later(90 * DAY);
    assert_eq!(c.post(&tokens(&org), secret, json!({})).await.problem(), (401, "key_expired"));
}

async fn a_key_is_rotated_by_nobody_who_has_less(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let make = async |name: &str, scopes: [&str; 1]| {
        c.post(&keys(&org), &bearer, json!({ "name": name, "scopes": scopes }))
            .await
            .text("secret")
            .to_owned()
    };
    let (reader, manager) = (make("reader", ["nodes:read"]).await, make("manager", ["keys:write"]).await);
    let rotate = async |name: &str| {
        c.call("POST", &format!("{}/{name}/rotate", keys(&org)), Some(&manager), None).await
    };
    assert_eq!(rotate("reader").await.problem(), (403, "scope_missing"), "it hands out the key's new secret");
    assert_eq!(c.get(&format!("/api/v1/organizations/{org}/nodes"), &reader).await.status, 200);
    assert_eq!(rotate("manager").await.status, 200);
}

async fn an_api_key_is_rotated_with_an_overlap(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = c.post(&keys(&org), &bearer, json!({ "name": "ci", "scopes": ["keys:read"] })).await;
    let first = made.text("secret").to_owned();
    c.later(80 * DAY);
    let rotate = format!("{}/ci/rotate", keys(&org));
    let bearer = {
        let log_in = json!({ "email": "ada@example.org", "password": PASSWORD, "label": "" });
        c.call("POST", "/api/v1/sessions", None, Some(log_in)).await.text("token").to_owned()
    };
    let rotated = c.call("POST", &rotate, Some(&bearer), None).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    let second = rotated.text("secret").to_owned();
    assert_ne!(made.body["key"]["prefix"], rotated.body["key"]["prefix"]);
    assert_eq!(c.get(&keys(&org), &first).await.status, 200, "both are good");
    assert_eq!(c.get(&keys(&org), &second).await.status, 200);
    c.later(DAY);
    assert_eq!(c.get(&keys(&org), &first).await.problem(), (401, "key_unknown"));
    c.later(80 * DAY);
    assert_eq!(c.get(&keys(&org), &second).await.status, 200, "its time began anew");
    let cut = c.post(&rotate, &bearer_of(&c).await, json!({ "overlap_seconds": 0 })).await;
    assert_eq!(c.get(&keys(&org), &second).await.status, 401);
    let third = cut.text("secret");
    assert_eq!(c.get(&keys(&org), third).await.status, 200);
    let revoke = format!("{}/ci", keys(&org));
    assert_eq!(c.call("DELETE", &revoke, Some(&bearer_of(&c).await), None).await.status, 200);
    assert_eq!(c.get(&keys(&org), third).await.problem(), (401, "key_revoked"));
}

async fn an_organization_says_how_old_secrets_may_get(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let path = format!("/api/v1/organizations/{org}/key-policy");
    assert_eq!(c.get(&path, &bearer).await.body, json!({ "policy": null }));
    let made = c.post(&keys(&org), &bearer, json!({ "name": "ci", "scopes": ["keys:read"] })).await;
    let secret = made.text("secret").to_owned();
    let policy = json!({ "policy": { "max_age_seconds": 30 * 86_400, "warn_before_seconds": 7 * 86_400 } });
    let set = c.call("PUT", &path, Some(&bearer), Some(policy.clone())).await;
    assert_eq!((set.status, &set.body), (200, &policy));
    let short = json!({ "policy": { "max_age_seconds": 60, "warn_before_seconds": 0 } });
    assert_eq!(c.call("PUT", &path, Some(&bearer), Some(short)).await.problem(), (400, "malformed_policy"));
    assert_eq!(c.call("PUT", &path, Some(&secret), Some(policy)).await.problem(), (403, "people_only"));
    let early = c.get(&keys(&org), &secret).await;
    assert!(early.status == 200 && !early.head.contains("wonder-warning"), "{early:?}");
    assert_eq!(early.body["keys"][0]["last_used_from"], "127.0.0.1");
    c.later(24 * DAY);
    let late = c.get(&keys(&org), &secret).await;
    assert!(late.head.contains("wonder-warning: key_rotation_due"), "{late:?}");
    assert_eq!(late.body["keys"][0]["rotation_due"], true);
    let rotated = c.call("POST", &format!("{}/ci/rotate", keys(&org)), Some(&bearer), None).await;
    assert_eq!(rotated.body["key"]["rotation_due"], false, "{rotated:?}");
    let fresh = rotated.text("secret").to_owned();
    assert!(!c.get(&keys(&org), &fresh).await.head.contains("wonder-warning"));
    c.later(31 * DAY);
    assert_eq!(c.get(&keys(&org), &fresh).await.problem(), (401, "key_too_old"));
    let none = c.call("PUT", &path, Some(&bearer_of(&c).await), Some(json!({ "policy": null }))).await;
    assert_eq!(none.status, 200);
    assert_eq!(c.get(&keys(&org), &fresh).await.status, 200, "its own time is not over");
}

async fn bearer_of(c: &Coordinator) -> String {
    let log_in = json!({ "email": "ada@example.org", "password": PASSWORD, "label": "" });
    c.call("POST", "/api/v1/sessions", None, Some(log_in)).await.text("token").to_owned()
}

async fn nobody_sees_another_s_organization(c: Coordinator) {
    let (ada, org) = c.person("ada@example.org").await;
    let (eve, own) = c.person("eve@example.org").await;
    let made = make_token(&c, &ada, &org, json!({})).await;
    let key = c.post(&keys(&org), &ada, json!({ "name": "k" })).await;
    let token = format!("{}/{}", tokens(&org), made.body["token"]["id"].as_str().unwrap());
    for (method, path) in [
        ("GET", tokens(&org)),
        ("POST", tokens(&org)),
        ("GET", token.clone()),
        ("DELETE", token),
        ("GET", keys(&org)),
        ("GET", format!("/api/v1/organizations/{org}")),
        ("GET", "/api/v1/organizations/ada".to_owned()),
    ] {
        let answer = c.call(method, &path, Some(&eve), None).await;
        assert_eq!(answer.problem(), (404, "organization_not_found"), "{method} {path}");
    }
    let foreign = format!("{}/{}", tokens(&own), made.body["token"]["id"].as_str().unwrap());
    assert_eq!(c.get(&foreign, &eve).await.problem(), (404, "token_not_found"));
    assert_eq!(c.get(&tokens(&own), key.text("secret")).await.problem(), (404, "organization_not_found"));
}

async fn every_change_is_in_the_audit_trail(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    let made = make_token(&c, &bearer, &org, json!({ "name": "t" })).await;
    join(&c, made.text("secret")).await;
    c.call("DELETE", &format!("{}/t", tokens(&org)), Some(&bearer), None).await;
    c.post(&keys(&org), &bearer, json!({ "name": "k" })).await;
    c.call("POST", &format!("{}/k/rotate", keys(&org)), Some(&bearer), None).await;
    c.call("DELETE", &format!("{}/k", keys(&org)), Some(&bearer), None).await;
    let trail = format!("/api/v1/organizations/{org}/audit");
    let answer = c.get(&trail, &bearer).await;
    let events = answer.body["events"].as_array().unwrap();
    let actions: BTreeSet<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    let wanted = ["token.create", "token.redeem", "token.revoke", "key.create", "key.rotate", "key.revoke"];
    assert!(wanted.iter().all(|action| actions.contains(action)), "{actions:?}");
    assert!(events.iter().all(|event| event["address"].is_string() && event["request_id"].is_string()));
    let since = format!("{trail}?since=2035-01-01T00:00:00Z");
    assert_eq!(c.get(&since, &bearer).await.body["events"], json!([]));
    for bad in ["since=yesterday", "limit=0", "action=nothing.happened", "who=ada", "after=x"] {
        assert_eq!(c.get(&format!("{trail}?{bad}"), &bearer).await.status, 400, "{bad}");
    }
    assert_eq!(c.get("/api/v1/audit", &bearer).await.status, 200, "the first account administers it");
    let (eve, _) = c.person("eve@example.org").await;
    assert_eq!(c.get("/api/v1/audit", &eve).await.problem(), (403, "administrators_only"));
    assert_eq!(c.get(&trail, &eve).await.problem(), (404, "organization_not_found"));
}

async fn the_coordinator_says_how_it_is(c: Coordinator) {
    assert_eq!(c.call("GET", "/healthz", None, None).await.body, json!({ "status": "ok" }));
    assert_eq!(c.call("GET", "/readyz", None, None).await.body, json!({ "status": "ok" }));
    let version = c.call("GET", "/api/v1/version", None, None).await;
    assert_eq!(version.body, json!({ "version": env!("CARGO_PKG_VERSION") }));
    let document = c.call("GET", "/api/v1/openapi.json", None, None).await;
    assert_eq!(document.body["openapi"], "3.1.0");
    for (path, item) in document.body["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path.replace(['{', '}'], "");
            let answer = c.call(&method.to_uppercase(), &path, None, None).await;
            let anonymous = operation.get("security").is_some();
            assert_eq!(answer.status == 401, !anonymous, "{method} {path}: {answer:?}");
            assert!(
                operation["responses"].as_object().unwrap().contains_key(&answer.status.to_string()),
                "{path}"
            );
        }
    }
}
