//! Stories of how clients show who they are, of devices without a browser, of apps that act for themselves, and
//! of the documents that clients read; on both engines.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::api::{Coordinator, PASSWORD, START};
use common::oauth::{Browser, Client, Page, basic, encoded, send, verified};
use serde_json::{Value, json};
use std::time::Duration;
use wonder::auth::vault::Vault;
use wonder::config::master_key::Place;
use wonder::service::oauth::signing::Signing;

crate::coordinator_stories! {
    a_client_shows_who_it_is_in_one_way
    guessing_a_client_s_secret_is_slowed
    an_app_acts_for_its_own_organization
    a_device_waits_for_a_person
    the_command_line_is_given_a_log_in
    a_browser_that_was_left_open_lets_no_command_line_in
    what_a_person_refuses_or_forgets_gives_a_device_nothing
    guessing_a_device_s_code_is_slowed
    clients_find_what_there_is
    a_token_is_told_about_to_its_own_client_alone
    signing_keys_are_replaced_with_an_overlap
    what_clients_and_devices_are_refused_is_written_down
    the_database_holds_no_code_or_token_in_clear
    who_leaves_takes_their_apps_and_grants_along
}

const CALLBACK: &str = "https://platform.example.org/callback";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn site(coordinator: &Coordinator) -> String {
    format!("http://{}", coordinator.address)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

async fn ada(coordinator: &Coordinator) -> (Browser, String, String, Client) {
    let (token, org) = coordinator.person("ada@example.org").await;
    let mut browser = Browser::default();
    browser.log_in(&site(coordinator), "ada@example.org", PASSWORD);
    let client = Client::register(coordinator.address, &token, CALLBACK, false);
    (browser, token, org, client)
}

/// A token request with these headers and fields, and nothing else.
fn raw(coordinator: &Coordinator, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Page {
    let headers: Vec<_> = headers.iter().chain([&FORM]).copied().collect();
    send(coordinator.address, "POST", "/oauth/token", &headers, &encoded(fields))
}

async fn a_client_shows_who_it_is_in_one_way(coordinator: Coordinator) {
    let (_, token, _, client) = ada(&coordinator).await;
    let secret = client.secret.clone().unwrap();
    let own = ("grant_type", "client_credentials");
    let (good, bad) = (basic(&client.id, &secret), basic(&client.id, "was_wrong"));
    let ask = |header: Option<&str>, fields: &[(&str, &str)]| {
        let headers: Vec<_> = header.map(|header| ("Authorization", header)).into_iter().collect();
        raw(&coordinator, &headers, fields)
    };
    assert_eq!(ask(Some(&good), &[own]).status, 200);
    let (id, shown) = (("client_id", &*client.id), ("client_secret", &*secret));
    assert_eq!(ask(None, &[own, id, shown]).status, 200);
    let refused = ask(Some(&bad), &[own]);
    assert_eq!(refused.refusal(), (401, "invalid_client".into()));
    assert_eq!(refused.header("www-authenticate"), "Basic realm=\"wonder\"");
    for fields in
        [&[own, id][..], &[own, id, ("client_secret", "was_wrong")], &[own], &[own, ("client_id", "x")]]
    {
        let refused = ask(None, fields);
        assert_eq!(refused.refusal(), (401, "invalid_client".into()), "{fields:?}");
        assert_eq!(refused.header("www-authenticate"), "");
    }
    assert_eq!(ask(Some(&good), &[own, shown]).refusal(), (400, "invalid_request".into()));
    assert_eq!(ask(Some(&good), &[own, own]).refusal(), (400, "invalid_request".into()), "twice");
    assert_eq!(ask(Some(&good), &[("grant_type", "password")]).refusal().1, "unsupported_grant_type");
    let json = [("Content-Type", "application/json")];
    let page = send(coordinator.address, "POST", "/oauth/token", &json, "{}");
    assert_eq!(page.refusal(), (400, "invalid_request".into()));
    let page =
        send(coordinator.address, "GET", &format!("/oauth/token?{}", encoded(&[own, id, shown])), &[], "");
    assert_eq!(page.status, 405, "nothing by GET");
    // A public client shows its name, and has no credentials to act by.
    let public = Client::register(coordinator.address, &token, CALLBACK, true);
    assert!(public.secret.is_none());
    assert_eq!(public.token(&[own]).refusal(), (400, "unauthorized_client".into()));
    let fields = [own, ("client_id", &*public.id), ("client_secret", "was_x")];
    assert_eq!(ask(None, &fields).refusal(), (401, "invalid_client".into()));
}

async fn guessing_a_client_s_secret_is_slowed(coordinator: Coordinator) {
    let (_, _, _, client) = ada(&coordinator).await;
    let guess = || raw(&coordinator, &[("Authorization", &basic(&client.id, "was_x"))], &[]).status;
    assert!((0..60).all(|_| guess() == 401));
    assert_eq!(guess(), 429);
    coordinator.later(Duration::from_secs(120));
    assert_eq!(client.token(&[("grant_type", "client_credentials")]).status, 200);
}

async fn an_app_acts_for_its_own_organization(coordinator: Coordinator) {
    let (_, token, org, client) = ada(&coordinator).await;
    let ask = |scope: &str| client.token(&[("grant_type", "client_credentials"), ("scope", scope)]);
    let tokens = ask("nodes:read").json();
    assert_eq!((text(&tokens, "scope"), &tokens["organization"]["id"]), ("nodes:read".into(), &json!(org)));
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
    let access = text(&tokens, "access_token");
    let nodes = format!("/api/v1/organizations/{org}/nodes");
    assert_eq!(coordinator.get(&nodes, &access).await.status, 200);
    assert_eq!(coordinator.get(&format!("/api/v1/organizations/{org}/keys"), &access).await.status, 403);
    // It is no person: neither by its subject, nor at userinfo, whatever its scopes.
    let told = client.post("/oauth/introspect", &[("token", &access)]).json();
    assert_eq!((&told["sub"], &told["client_id"]), (&json!(client.id), &json!(client.id)));
    let profile = text(&ask("profile:read nodes:read").json(), "access_token");
    let headers = [("Authorization", &*format!("Bearer {profile}"))];
    let page = send(coordinator.address, "GET", "/oauth/userinfo", &headers, "");
    assert_eq!(page.refusal(), (403, "insufficient_scope".into()));
    assert!(!page.text.contains("ada@example.org"), "{page:?}");
    assert_eq!(ask("openid").refusal(), (400, "invalid_scope".into()), "nobody logged in");
    assert_eq!(ask("everything").refusal(), (400, "invalid_scope".into()));
    let grants = coordinator.get(&format!("/api/v1/organizations/{org}/grants"), &token).await;
    let own = &grants.body["grants"][0];
    assert_eq!(own["own"], true);
    // Ending it would not last, so that it ends with the app alone.
    for path in [format!("/api/v1/organizations/{org}/grants"), "/api/v1/grants".into()] {
        let path = format!("{path}/{}", text(own, "id"));
        let refused = coordinator.call("DELETE", &path, Some(&token), None).await;
        assert_eq!(refused.problem(), (409, "grant_is_own"));
        assert!(refused.text("hint").contains("wonder app revoke"), "{refused:?}");
    }
    assert_eq!(coordinator.get(&nodes, &access).await.status, 200);
    // An app that may ask for little gets no more.
    let little = json!({ "client_name": "x", "scope": "nodes:read" });
    let made = coordinator.post("/oauth/clients", &token, little).await.body;
    let basic = basic(&text(&made, "client_id"), &text(&made, "client_secret"));
    let all = [("grant_type", "client_credentials"), ("scope", "nodes:read nodes:write")];
    assert_eq!(text(&raw(&coordinator, &[("Authorization", &basic)], &all).json(), "scope"), "nodes:read");
}

fn begin(client: &Client, scope: &str) -> Value {
    let page = client.post("/oauth/device_authorization", &[("scope", scope)]);
    assert_eq!(page.status, 200, "{page:?}");
    page.json()
}

fn poll(client: &Client, begun: &Value) -> Page {
    client.token(&[("grant_type", DEVICE), ("device_code", &text(begun, "device_code"))])
}

fn approve(browser: &mut Browser, site: &str, begun: &Value) -> Page {
    let page = browser.get(&text(begun, "verification_uri_complete"));
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text.contains(&text(begun, "user_code")));
    browser.decide(site, "/device", &page, None)
}

async fn a_device_waits_for_a_person(coordinator: Coordinator) {
    let (mut browser, token, org, client) = ada(&coordinator).await;
    let tv = Client::register(coordinator.address, &token, "https://tv.example.org/", true);
    let begun = begin(&tv, "openid nodes:read");
    assert_eq!((&begun["expires_in"], &begun["interval"]), (&600.into(), &5.into()));
    assert_eq!(text(&begun, "verification_uri"), format!("{}/device", site(&coordinator)));
    let pending = (400, "authorization_pending".to_owned());
    assert_eq!(poll(&tv, &begun).refusal(), pending);
    assert_eq!(poll(&tv, &begun).refusal(), (400, "slow_down".into()));
    // It must wait for ten seconds now.
    coordinator.later(Duration::from_secs(6));
    assert_eq!(poll(&tv, &begun).refusal(), (400, "slow_down".into()));
    coordinator.later(Duration::from_secs(15));
    assert_eq!(poll(&tv, &begun).refusal(), pending);
    assert_eq!(poll(&client, &begun).refusal(), (400, "invalid_grant".into()), "another client's");
    // A code is found however it is typed.
    let typed = text(&begun, "user_code").to_lowercase().replace('-', "");
    let page = browser.get(&format!("{}/device?user_code={typed}", site(&coordinator)));
    assert!(page.text.contains("Platform") && page.text.contains("See the devices"), "{page:?}");
    assert_eq!(approve(&mut browser, &site(&coordinator), &begun).status, 200);
    coordinator.later(Duration::from_secs(20));
    let tokens = poll(&tv, &begun).json();
    assert_eq!(text(&tokens, "scope"), "openid nodes:read");
    verified(coordinator.address, &text(&tokens, "id_token"));
    let nodes = format!("/api/v1/organizations/{org}/nodes");
    assert_eq!(coordinator.get(&nodes, &text(&tokens, "access_token")).await.status, 200);
    assert_eq!(poll(&tv, &begun).refusal(), (400, "invalid_grant".into()), "once");
    // The code is worth nothing to whoever comes later.
    let late = browser.get(&text(&begun, "verification_uri_complete"));
    assert_eq!(late.status, 404, "{late:?}");
}

/// The command line of `wonder`, as a client.
fn command_line(coordinator: &Coordinator) -> Client {
    let (address, id) = (coordinator.address, "wonder-cli".into());
    Client { address, id, secret: None, redirect: String::new() }
}

async fn the_command_line_is_given_a_log_in(coordinator: Coordinator) {
    let (mut browser, _, org, _) = ada(&coordinator).await;
    let cli = command_line(&coordinator);
    let page = cli.post("/oauth/device_authorization", &[("label", "wonder on laptop")]);
    let begun = page.json();
    let asked = browser.get(&text(&begun, "verification_uri_complete"));
    assert!(asked.text.contains("wonder on laptop") && asked.text.contains("ada@example.org"), "{asked:?}");
    assert!(asked.text.contains("127.0.0.1"), "where it asked from");
    assert_eq!(approve(&mut browser, &site(&coordinator), &begun).status, 200);
    let token = text(&poll(&cli, &begun).json(), "access_token");
    assert!(token.starts_with("wcs_"));
    let who = coordinator.get("/api/v1/session", &token).await;
    assert_eq!(
        (&who.body["user"]["email"], &who.body["organization"]["id"]),
        (&"ada@example.org".into(), &json!(org))
    );
    // It logs in by device code alone.
    let fields = [("grant_type", "client_credentials")];
    assert_eq!(cli.token(&fields).refusal(), (400, "unauthorized_client".into()));
}

/// The command line's log-in counts as a proof of who somebody is: a browser that was left alone gives it to nobody.
async fn a_browser_that_was_left_open_lets_no_command_line_in(coordinator: Coordinator) {
    let (mut browser, token, _, _) = ada(&coordinator).await;
    let (site, cli) = (site(&coordinator), command_line(&coordinator));
    let begin = || cli.post("/oauth/device_authorization", &[("label", "wonder on laptop")]).json();
    let proof = async |token: &str| {
        let gone = coordinator.call("DELETE", "/api/v1/identities/none", Some(token), None).await;
        gone.problem().1.to_owned()
    };
    coordinator.later(Duration::from_secs(11 * 60));
    assert_eq!(proof(&token).await, "proof_needed");
    let begun = begin();
    let page = browser.get(&text(&begun, "verification_uri_complete"));
    let confirm = format!("/settings/confirm?next=/device%3Fuser_code%3D{}", text(&begun, "user_code"));
    assert_eq!((page.status, page.location()), (303, &*confirm));
    // Nor does a form that was left open, or made up.
    let (csrf, code) = (browser.get(&format!("{site}/settings")).hidden("csrf"), text(&begun, "user_code"));
    let fields = [("csrf", &*csrf), ("user_code", &*code), ("decision", "approve")];
    assert_eq!(browser.post(&format!("{site}/device"), &fields).location(), confirm);
    assert_eq!(poll(&cli, &begun).refusal(), (400, "authorization_pending".into()));
    // Once she has shown that it is her, it goes on.
    let page = browser.get(&format!("{site}{confirm}"));
    let (csrf, next) = (page.hidden("csrf"), page.hidden("next"));
    let shown = [("csrf", &*csrf), ("password", PASSWORD), ("next", &*next)];
    let back = browser.post(&format!("{site}/settings/confirm"), &shown);
    assert_eq!(back.location(), next, "{back:?}");
    assert_eq!(approve(&mut browser, &site, &begun).status, 200);
    coordinator.later(Duration::from_secs(10));
    let token = text(&poll(&cli, &begun).json(), "access_token");
    assert_eq!(proof(&token).await, "identity_not_found", "it counts as a proof");
    // Whoever sits there may still refuse.
    coordinator.later(Duration::from_secs(11 * 60));
    let refused = begin();
    let (csrf, code) = (browser.get(&format!("{site}/settings")).hidden("csrf"), text(&refused, "user_code"));
    let fields = [("csrf", &*csrf), ("user_code", &*code), ("decision", "refuse")];
    assert_eq!(browser.post(&format!("{site}/device"), &fields).status, 200);
    assert_eq!(poll(&cli, &refused).refusal(), (400, "access_denied".into()));
}

async fn what_a_person_refuses_or_forgets_gives_a_device_nothing(coordinator: Coordinator) {
    let (mut browser, token, _, _) = ada(&coordinator).await;
    let tv = Client::register(coordinator.address, &token, "https://tv.example.org/", true);
    let refused = begin(&tv, "nodes:read");
    let page = browser.get(&text(&refused, "verification_uri_complete"));
    let fields = [
        ("csrf", &*page.hidden("csrf")),
        ("user_code", &*text(&refused, "user_code")),
        ("decision", "refuse"),
    ];
    assert_eq!(browser.post(&format!("{}/device", site(&coordinator)), &fields).status, 200);
    assert_eq!(poll(&tv, &refused).refusal(), (400, "access_denied".into()));
    let forgotten = begin(&tv, "nodes:read");
    coordinator.later(Duration::from_secs(601));
    assert_eq!(poll(&tv, &forgotten).refusal(), (400, "expired_token".into()));
    assert_eq!(browser.get(&text(&forgotten, "verification_uri_complete")).status, 404);
    assert_eq!(poll(&tv, &json!({ "device_code": "wdc_x" })).refusal(), (400, "invalid_grant".into()));
    // Nobody decides without being logged in.
    let waiting = begin(&tv, "nodes:read");
    let page = Browser::default().get(&text(&waiting, "verification_uri_complete"));
    assert!(page.location().starts_with("/login?next=/device%3Fuser_code%3D"), "{page:?}");
    assert_eq!(coordinator.get("/api/v1/grants", &token).await.body["grants"], json!([]));
}

async fn guessing_a_device_s_code_is_slowed(coordinator: Coordinator) {
    let (mut browser, token, _, _) = ada(&coordinator).await;
    let tv = Client::register(coordinator.address, &token, "https://tv.example.org/", true);
    let begun = begin(&tv, "nodes:read");
    let mut guess =
        |code: &str| browser.get(&format!("{}/device?user_code={code}", site(&coordinator))).status;
    // What is right does not count.
    assert!((0..30).all(|_| guess(&text(&begun, "user_code")) == 200));
    assert!((0..10).all(|_| guess("BCDF-GHJK") == 404));
    assert_eq!((guess("BCDF-GHJK"), guess(&text(&begun, "user_code"))), (429, 429));
}

async fn clients_find_what_there_is(coordinator: Coordinator) {
    let get = |path: &str| send(coordinator.address, "GET", path, &[], "").json();
    let found = get("/.well-known/openid-configuration");
    assert_eq!(found, get("/.well-known/oauth-authorization-server"));
    assert_eq!(text(&found, "issuer"), site(&coordinator));
    for (name, value) in found.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint")) {
        let path = value.as_str().unwrap().strip_prefix(&site(&coordinator)).unwrap();
        let status = send(coordinator.address, "PUT", path, &[], "").status;
        assert_eq!(status, 405, "{name} is there");
    }
    assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(found["authorization_response_iss_parameter_supported"], true);
    let keys = get("/oauth/jwks");
    assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["crv"]), (&"EC".into(), &"P-256".into()));
    assert!(keys["keys"][0].get("d").is_none(), "the private half stays here");
}

async fn a_token_is_told_about_to_its_own_client_alone(coordinator: Coordinator) {
    let (mut browser, token, org, client) = ada(&coordinator).await;
    let tokens = client.tokens(&mut browser, "nodes:read");
    let other = Client::register(coordinator.address, &token, CALLBACK, false);
    let public = Client::register(coordinator.address, &token, CALLBACK, true);
    let about = |client: &Client, token: &str| client.post("/oauth/introspect", &[("token", token)]);
    let access = about(&client, &text(&tokens, "access_token")).json();
    assert_eq!((&access["active"], &access["organization"]["id"]), (&true.into(), &json!(org)));
    assert_eq!((&access["client_id"], &access["token_type"]), (&json!(client.id), &"Bearer".into()));
    let now = coordinator.clock.now().as_unix().0;
    assert_eq!((&access["iat"], &access["exp"]), (&now.into(), &(now + 3600).into()));
    assert_eq!(about(&client, &text(&tokens, "refresh_token")).json()["token_type"], "refresh_token");
    let inactive = json!({ "active": false });
    assert_eq!(about(&other, &text(&tokens, "access_token")).json(), inactive);
    assert_eq!(about(&client, "wat_x").json(), inactive);
    assert_eq!(about(&public, "wat_x").refusal(), (400, "unauthorized_client".into()));
    coordinator.later(Duration::from_secs(3601));
    assert_eq!(about(&client, &text(&tokens, "access_token")).json(), inactive);
}

async fn what_clients_and_devices_are_refused_is_written_down(coordinator: Coordinator) {
    let (mut browser, token, org, client) = ada(&coordinator).await;
    for secret in ["was_x", ""] {
        let header = basic(&client.id, secret);
        assert_eq!(raw(&coordinator, &[("Authorization", &header)], &[]).status, 401);
    }
    let page = browser.get(&client.request("nodes:read", &[]));
    let (csrf, request) = (page.hidden("csrf"), page.hidden("request"));
    let fields = [("csrf", &*csrf), ("request", &*request), ("decision", "refuse")];
    let back = browser.post(&format!("{}/oauth/authorize", site(&coordinator)), &fields);
    assert_eq!(back.answer("error").as_deref(), Some("access_denied"));
    let cli = command_line(&coordinator);
    let device = || cli.post("/oauth/device_authorization", &[("label", "wonder on laptop")]).json();
    approve(&mut browser, &site(&coordinator), &device());
    let code = text(&device(), "user_code");
    let csrf = browser.get(&format!("{}/device?user_code={code}", site(&coordinator))).hidden("csrf");
    let fields = [("csrf", &*csrf), ("user_code", &*code), ("decision", "refuse")];
    assert_eq!(browser.post(&format!("{}/device", site(&coordinator)), &fields).status, 200);
    let trail =
        coordinator.get(&format!("/api/v1/organizations/{org}/audit?action=app.refuse"), &token).await;
    let events = trail.body["events"].as_array().unwrap();
    assert_eq!(events.len(), 2, "{trail:?}");
    assert_eq!(
        (&events[0]["code"], &events[0]["target"]["id"]),
        (&"invalid_client".into(), &json!(client.id))
    );
    let sql = "SELECT action, actor_name, target_name, address FROM audit_events WHERE action IN \
        ('grant.refuse', 'device.approve', 'device.refuse') ORDER BY id";
    let rows = coordinator.app.store().read(move |read| read.query(sql, &[])).await.unwrap();
    let rows: Vec<[String; 4]> =
        rows.into_iter().map(|mut row| [0, 1, 2, 3].map(|n| row.take(n).unwrap())).collect();
    let event = |action: &str, what: &str| [action, "ada@example.org", what, "127.0.0.1"].map(str::to_owned);
    let laptop = "wonder on laptop at 127.0.0.1";
    let all =
        [event("device.approve", laptop), event("device.refuse", laptop), event("grant.refuse", "Platform")];
    let (mut rows, mut all) = (rows, all.to_vec());
    rows.sort();
    all.sort();
    assert_eq!(rows, all);
}

async fn signing_keys_are_replaced_with_an_overlap(coordinator: Coordinator) {
    let store = coordinator.app.store().clone();
    let directory = tempfile::tempdir().unwrap();
    let place = Place::File(directory.path().join("master.key"));
    let master = std::sync::Arc::new(Vault::load(place, false).unwrap());
    // Keys of a coordinator of its own: those of the running one are sealed under a key of its own.
    let clear = |tx: &mut wonder::store::Tx<'_>| tx.execute("DELETE FROM signing_keys", &[]);
    store.write(clear).await.unwrap();
    let signing = Signing::load(&store, master, START).await.unwrap();
    let shown = async || signing.key_set().await.unwrap()["keys"].as_array().unwrap().len();
    let day = |count: u64| START.plus(Duration::from_secs(count * 86_400));
    for (at, keys) in [(1, 1), (89, 1), (90, 2), (91, 2), (97, 2), (98, 1), (180, 2), (188, 1)] {
        signing.rotate(day(at)).await.unwrap();
        assert_eq!(shown().await, keys, "day {at}");
    }
    let sealed = |read: &mut wonder::store::Read<'_>| {
        let sql = "SELECT COUNT(*) FROM sealed_secrets WHERE name LIKE 'oauth signing key %'";
        read.first(sql, &[])?.unwrap().take::<i64>(0)
    };
    // One of the running coordinator, and one of this.
    assert_eq!(store.read(sealed).await.unwrap(), 2);
}

async fn the_database_holds_no_code_or_token_in_clear(coordinator: Coordinator) {
    let (mut browser, token, _, client) = ada(&coordinator).await;
    let tokens = client.tokens(&mut browser, "nodes:read");
    let back = browser.allow(&client.site(), &client.request("nodes:read", &[]), None);
    let tv = Client::register(coordinator.address, &token, "https://tv.example.org/", true);
    let begun = begin(&tv, "nodes:read");
    let secrets = [
        ("oauth_tokens", "token_hash", text(&tokens, "access_token")),
        ("oauth_tokens", "token_hash", text(&tokens, "refresh_token")),
        ("authorization_codes", "code_hash", back.answer("code").unwrap()),
        ("device_codes", "device_hash", text(&begun, "device_code")),
        ("device_codes", "user_hash", text(&begun, "user_code")),
        ("apps", "secret_hash", client.secret.clone().unwrap()),
    ];
    for (table, column, secret) in secrets {
        let hash = wonder::core::secret::Secret::new(secret).hash();
        let count = move |read: &mut wonder::store::Read<'_>| {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} = ?1");
            read.first(&sql, wonder::params![hash])?.unwrap().take::<i64>(0)
        };
        assert_eq!(coordinator.app.store().read(count).await.unwrap(), 1, "{table}.{column} is a SHA-256");
    }
}

async fn who_leaves_takes_their_apps_and_grants_along(coordinator: Coordinator) {
    let (token, _) = coordinator.person("ada@example.org").await;
    let made = coordinator.post("/api/v1/organizations", &token, json!({ "name": "acme" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let org = made.body["organization"]["id"].as_str().unwrap().to_owned();
    let (bob, _) = coordinator.person("bob@example.org").await;
    let id: wonder::core::id::OrgId = org.parse().unwrap();
    let join = move |tx: &mut wonder::store::Tx<'_>| {
        let user = wonder::store::user::by_email(tx, &"bob@example.org".parse()?)?.unwrap().id;
        wonder::store::organization::add_member(tx, id, user, wonder::core::role::Role::Admin, START)
    };
    coordinator.app.store().write(join).await.unwrap();
    let asked = json!({ "client_name": "Bob's", "redirect_uris": [CALLBACK], "organization": org });
    let app = coordinator.post("/oauth/clients", &bob, asked).await.body;
    let client = Client {
        address: coordinator.address,
        id: text(&app, "client_id"),
        secret: Some(text(&app, "client_secret")),
        redirect: CALLBACK.into(),
    };
    let own = client.token(&[("grant_type", "client_credentials"), ("scope", "nodes:read")]).json();
    let nodes = format!("/api/v1/organizations/{org}/nodes");
    assert_eq!(coordinator.get(&nodes, &text(&own, "access_token")).await.status, 200);
    let path = format!("/api/v1/organizations/{org}/members/bob@example.org");
    let gone = coordinator.call("DELETE", &path, Some(&token), None).await;
    assert_eq!((gone.status, &gone.body["apps_revoked"]), (200, &1.into()), "{gone:?}");
    assert_eq!(coordinator.get(&nodes, &text(&own, "access_token")).await.status, 401);
    assert_eq!(client.token(&[("grant_type", "client_credentials")]).refusal().1, "invalid_client");
    let left = coordinator.get(&format!("/api/v1/organizations/{org}/grants"), &token).await;
    assert_eq!(left.body["grants"], json!([]));
}
