//! Stories of apps and the people who let them in, over HTTP, on both engines: authorization, tokens and what
//! ends them. The names are those that docs/oauth.md shows.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::oauth::{Browser, Client, Page, VERIFIER, encoded, send, values, verified};
use serde_json::{Value, json};
use std::time::Duration;

crate::coordinator_stories! {
    a_platform_is_let_in_and_does_what_was_allowed
    a_code_counts_once_and_its_replay_ends_what_came_of_it
    a_code_counts_for_its_client_redirect_verifier_and_minute
    a_refresh_token_counts_once_and_its_reuse_ends_the_family
    a_narrower_refresh_and_no_wider_one
    what_is_revoked_is_over_at_once
    a_key_that_an_app_was_given_ends_with_the_grant
    a_grant_ends_with_the_person_s_role
    only_a_registered_redirect_is_answered
    the_app_is_told_by_redirect_what_is_wrong
    a_client_is_told_what_it_may_do
    a_person_who_refuses_grants_nothing
    a_log_in_tells_the_app_who_it_was
    outsiders_see_neither_apps_nor_grants
    everything_is_swept_when_its_time_is_over
}

const CALLBACK: &str = "https://platform.example.org/callback?tenant=7";

fn site(coordinator: &Coordinator) -> String {
    format!("http://{}", coordinator.address)
}

fn bearer(coordinator: &Coordinator, method: &str, path: &str, token: &str) -> Page {
    send(coordinator.address, method, path, &[("Authorization", &*format!("Bearer {token}"))], "")
}

/// Ada with a browser that is logged in, her token and organization, and an app of hers.
async fn ada(coordinator: &Coordinator) -> (Browser, String, String, Client) {
    let (token, org) = coordinator.person("ada@example.org").await;
    let mut browser = Browser::default();
    browser.log_in(&site(coordinator), "ada@example.org", PASSWORD);
    let client = Client::register(coordinator.address, &token, CALLBACK, false);
    (browser, token, org, client)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

async fn a_platform_is_let_in_and_does_what_was_allowed(coordinator: Coordinator) {
    let (_, _, org, client) = ada(&coordinator).await;
    // Nobody is logged in with this browser: the log-in leads back to the question.
    let mut browser = Browser::default();
    let url = client.request("nodes:read nodes:write keys:read", &[]);
    let log_in = browser.follow(&client.site(), &url);
    let fields = [
        ("csrf", &*log_in.hidden("csrf")),
        ("email", "ada@example.org"),
        ("password", PASSWORD),
        ("next", &*log_in.hidden("next")),
    ];
    let back = browser.post(&format!("{}/login", client.site()), &fields);
    let asked = browser.follow(&client.site(), &format!("{}{}", client.site(), back.location()));
    assert_eq!(values(&asked, "scope"), ["nodes:read", "nodes:write", "keys:read"]);
    assert!(asked.text.contains("Platform") && asked.text.contains("See the devices"), "{asked:?}");
    assert!(asked.header("content-security-policy").contains("form-action 'self' https:;"), "{asked:?}");
    // She takes one scope off.
    let answer =
        browser.decide(&client.site(), "/oauth/authorize", &asked, Some(&["nodes:read", "keys:read"]));
    // No redirect has the browser send a form once more, with a password in it (RFC 9700 section 4.12).
    assert_eq!((back.status, answer.status), (303, 303));
    assert!(answer.location().starts_with("https://platform.example.org/callback?tenant=7&code=wac_"));
    assert_eq!(answer.answer("state").as_deref(), Some("s&t=1"));
    assert_eq!(answer.answer("iss").as_deref(), Some(&*site(&coordinator)));
    let page = client.redeem(&answer.answer("code").unwrap());
    let tokens = page.json();
    assert_eq!((page.header("cache-control"), &tokens["token_type"]), ("no-store", &"Bearer".into()));
    assert_eq!(
        (text(&tokens, "scope"), &tokens["expires_in"]),
        ("nodes:read keys:read".into(), &3600.into())
    );
    assert_eq!(tokens["organization"]["id"], org);
    let access = text(&tokens, "access_token");
    let status = |method: &str, path: &str| bearer(&coordinator, method, path, &access).status;
    assert_eq!(status("GET", &format!("/api/v1/organizations/{org}/nodes")), 200);
    assert_eq!(status("GET", &format!("/api/v1/organizations/{org}/keys")), 200);
    let denied = bearer(&coordinator, "POST", &format!("/api/v1/organizations/{org}/tokens"), &access);
    assert_eq!((denied.status, &denied.json()["code"]), (403, &"scope_missing".into()));
    for (method, path) in [
        ("GET", "/api/v1/session".to_owned()),
        ("GET", "/api/v1/organizations".to_owned()),
        ("GET", format!("/api/v1/organizations/{org}/apps")),
        ("GET", "/api/v1/grants".to_owned()),
        ("POST", "/api/v1/deployer/join".to_owned()),
        ("DELETE", "/api/v1/session".to_owned()),
    ] {
        assert_eq!(status(method, &path), 403, "{method} {path}");
    }
    assert_eq!(status("GET", "/api/v1/organizations/somebody-else/nodes"), 404);
    assert_eq!(status("GET", "/api/v1/organizations/ada/nodes"), 200);
}

async fn a_code_counts_once_and_its_replay_ends_what_came_of_it(coordinator: Coordinator) {
    let (mut browser, _, org, client) = ada(&coordinator).await;
    let back = browser.allow(&client.site(), &client.request("nodes:read", &[]), None);
    let code = back.answer("code").unwrap();
    let tokens = client.redeem(&code).json();
    let nodes = format!("/api/v1/organizations/{org}/nodes");
    let access = text(&tokens, "access_token");
    assert_eq!(bearer(&coordinator, "GET", &nodes, &access).status, 200);
    assert_eq!(client.redeem(&code).refusal(), (400, "invalid_grant".into()));
    assert_eq!(bearer(&coordinator, "GET", &nodes, &access).status, 401);
    assert_eq!(client.refresh(&text(&tokens, "refresh_token")).refusal(), (400, "invalid_grant".into()));
}

async fn a_code_counts_for_its_client_redirect_verifier_and_minute(coordinator: Coordinator) {
    let (mut browser, token, _, client) = ada(&coordinator).await;
    let other = Client::register(coordinator.address, &token, CALLBACK, false);
    let code = |browser: &mut Browser| {
        let back = browser.allow(&client.site(), &client.request("nodes:read", &[]), None);
        back.answer("code").unwrap()
    };
    let first = code(&mut browser);
    let redeem = |uri: &str, verifier: Option<&str>| {
        let mut fields = vec![("grant_type", "authorization_code"), ("code", &*first), ("redirect_uri", uri)];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        client.token(&fields).refusal()
    };
    let refused = (400, "invalid_grant".to_owned());
    assert_eq!(other.redeem(&first).refusal(), refused);
    assert_eq!(redeem("https://platform.example.org/callback", Some(VERIFIER)), refused);
    assert_eq!(redeem(CALLBACK, None), refused);
    assert_eq!(redeem(CALLBACK, Some(&"x".repeat(43))), refused);
    // None of these used it up.
    assert_eq!(client.redeem(&first).status, 200);
    let late = code(&mut browser);
    coordinator.later(Duration::from_secs(61));
    assert_eq!(client.redeem(&late).refusal(), refused);
    // A challenge that somebody took out of the request is missed.
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let back = browser.allow(&client.site(), &client.request("nodes:read", &without), None);
    assert_eq!(client.redeem(&back.answer("code").unwrap()).refusal(), refused);
}

async fn a_refresh_token_counts_once_and_its_reuse_ends_the_family(coordinator: Coordinator) {
    let (mut browser, token, org, client) = ada(&coordinator).await;
    let nodes = format!("/api/v1/organizations/{org}/nodes");
    let first = client.tokens(&mut browser, "nodes:read");
    coordinator.later(Duration::from_secs(3601));
    assert_eq!(bearer(&coordinator, "GET", &nodes, &text(&first, "access_token")).status, 401);
    let second = client.refresh(&text(&first, "refresh_token")).json();
    assert_eq!(bearer(&coordinator, "GET", &nodes, &text(&second, "access_token")).status, 200);
    let other = Client::register(coordinator.address, &token, CALLBACK, false);
    let refused = (400, "invalid_grant".to_owned());
    assert_eq!(other.refresh(&text(&second, "refresh_token")).refusal(), refused, "another client's");
    assert_eq!(client.refresh(&text(&second, "access_token")).refusal(), refused, "no refresh token");
    // Somebody has the first one too.
    assert_eq!(client.refresh(&text(&first, "refresh_token")).refusal(), refused);
    assert_eq!(client.refresh(&text(&second, "refresh_token")).refusal(), refused);
    assert_eq!(bearer(&coordinator, "GET", &nodes, &text(&second, "access_token")).status, 401);
    // Another authorization is not touched by it, and is over after 30 days without use.
    let again = client.tokens(&mut browser, "nodes:read");
    coordinator.later(Duration::from_secs(30 * 86_400 + 1));
    assert_eq!(client.refresh(&text(&again, "refresh_token")).refusal(), refused);
}

async fn a_narrower_refresh_and_no_wider_one(coordinator: Coordinator) {
    let (mut browser, _, _, client) = ada(&coordinator).await;
    let tokens = client.tokens(&mut browser, "nodes:read nodes:write");
    let refresh = |token: &str, scope: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        client.token(&fields)
    };
    let token = text(&tokens, "refresh_token");
    assert_eq!(refresh(&token, "nodes:read keys:read").refusal(), (400, "invalid_scope".into()));
    let narrow = refresh(&token, "nodes:read").json();
    assert_eq!(text(&narrow, "scope"), "nodes:read");
    let wide = client.refresh(&text(&narrow, "refresh_token")).json();
    assert_eq!(text(&wide, "scope"), "nodes:read nodes:write");
}

async fn what_is_revoked_is_over_at_once(coordinator: Coordinator) {
    let (mut browser, token, org, client) = ada(&coordinator).await;
    let nodes = format!("/api/v1/organizations/{org}/nodes");
    let works =
        |tokens: &Value| bearer(&coordinator, "GET", &nodes, &text(tokens, "access_token")).status == 200;
    // By the person.
    let tokens = client.tokens(&mut browser, "nodes:read");
    let grants = coordinator.get("/api/v1/grants", &token).await;
    let grant = &grants.body["grants"][0];
    assert_eq!((&grant["app"]["name"], &grant["user"]), (&"Platform".into(), &"ada@example.org".into()));
    assert_eq!(grant["scopes"], json!(["nodes:read"]));
    let path = format!("/api/v1/grants/{}", grant["id"].as_str().unwrap());
    assert!(works(&tokens));
    assert_eq!(coordinator.call("DELETE", &path, Some(&token), None).await.status, 200);
    assert!(!works(&tokens));
    assert_eq!(client.refresh(&text(&tokens, "refresh_token")).refusal(), (400, "invalid_grant".into()));
    assert_eq!(coordinator.get("/api/v1/grants", &token).await.body["grants"], json!([]));
    // By an admin of the organization.
    let tokens = client.tokens(&mut browser, "nodes:read");
    let of_org = format!("/api/v1/organizations/{org}/grants");
    let listed = coordinator.get(&of_org, &token).await;
    let id = listed.body["grants"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(coordinator.call("DELETE", &format!("{of_org}/{id}"), Some(&token), None).await.status, 200);
    assert!(!works(&tokens));
    // By the app: its access token alone, or all by the refresh token.
    let tokens = client.tokens(&mut browser, "nodes:read");
    assert_eq!(client.post("/oauth/revoke", &[("token", &text(&tokens, "access_token"))]).status, 200);
    assert!(!works(&tokens));
    let tokens = client.refresh(&text(&tokens, "refresh_token")).json();
    let other = Client::register(coordinator.address, &token, CALLBACK, false);
    let refresh = text(&tokens, "refresh_token");
    assert_eq!(other.post("/oauth/revoke", &[("token", &refresh)]).status, 400);
    assert!(works(&tokens));
    assert_eq!(client.post("/oauth/revoke", &[("token", &refresh)]).status, 200);
    assert!(!works(&tokens));
    assert_eq!(client.post("/oauth/revoke", &[("token", "wat_nothing")]).status, 200);
    // With the app itself.
    let tokens = client.tokens(&mut browser, "nodes:read");
    let path = format!("/oauth/clients/{}", client.id);
    assert_eq!(coordinator.call("DELETE", &path, Some(&token), None).await.status, 204);
    assert!(!works(&tokens));
    assert_eq!(client.refresh(&text(&tokens, "refresh_token")).refusal(), (401, "invalid_client".into()));
}

async fn a_key_that_an_app_was_given_ends_with_the_grant(coordinator: Coordinator) {
    let (mut browser, token, org, client) = ada(&coordinator).await;
    let (keys, nodes) =
        (format!("/api/v1/organizations/{org}/keys"), format!("/api/v1/organizations/{org}/nodes"));
    let make = async |bearer: &str, name: &str| {
        coordinator.post(&keys, bearer, json!({ "name": name })).await.text("secret").to_owned()
    };
    let mine = make(&token, "mine").await;
    for end_app in [false, true] {
        let access = text(&client.tokens(&mut browser, "nodes:read keys:read keys:write"), "access_token");
        let (made, before) = (make(&access, "made").await, make(&token, "ours").await);
        let rotate = async |name: &str, by: &str| {
            let path = format!("{keys}/{name}/rotate");
            coordinator.post(&path, by, json!({})).await.text("secret").to_owned()
        };
        let (by_app, by_person) = (rotate("ours", &access).await, rotate("made", &token).await);
        let all = [&made, &before, &by_app, &by_person];
        for secret in all {
            assert_eq!(bearer(&coordinator, "GET", &nodes, secret).status, 200);
        }
        let path = match end_app {
            true => format!("/oauth/clients/{}", client.id),
            false => {
                let grants = coordinator.get("/api/v1/grants", &token).await;
                format!("/api/v1/grants/{}", text(&grants.body["grants"][0], "id"))
            }
        };
        assert!(coordinator.call("DELETE", &path, Some(&token), None).await.status < 300);
        for secret in all {
            assert_eq!(bearer(&coordinator, "GET", &nodes, secret).status, 401, "by the app: {end_app}");
        }
        assert_eq!(bearer(&coordinator, "GET", &nodes, &mine).status, 200, "no app was ever told this one");
    }
    let trail = format!("/api/v1/organizations/{org}/audit?action=key.revoke_all");
    let trail = coordinator.get(&trail, &token).await;
    assert_eq!(trail.body["events"].as_array().unwrap().len(), 2, "{trail:?}");
}

async fn a_grant_ends_with_the_person_s_role(coordinator: Coordinator) {
    let (_, token, org, client) = ada(&coordinator).await;
    let (_, _) = coordinator.person("bob@example.org").await;
    let set_role = async |role: Option<&'static str>| {
        let org: wonder::core::id::OrgId = org.parse().unwrap();
        let write = move |tx: &mut wonder::store::Tx<'_>| {
            let user = wonder::store::user::by_email(tx, &"bob@example.org".parse()?)?.unwrap().id;
            let gone = "DELETE FROM memberships WHERE org_id = ?1 AND user_id = ?2";
            tx.execute(gone, wonder::params![org, user])?;
            match role {
                Some(role) => {
                    let now = common::api::START;
                    wonder::store::organization::add_member(tx, org, user, role.parse()?, now)
                }
                None => Ok(()),
            }
        };
        coordinator.app.store().write(write).await.unwrap();
    };
    set_role(Some("admin")).await;
    let mut browser = Browser::default();
    browser.log_in(&site(&coordinator), "bob@example.org", PASSWORD);
    let page = browser.follow(&client.site(), &client.request("nodes:read nodes:write", &[]));
    let (csrf, request) = (page.hidden("csrf"), page.hidden("request"));
    let decide = |browser: &mut Browser| {
        let fields = [
            ("csrf", &*csrf),
            ("request", &*request),
            ("org", &*org),
            ("scope", "nodes:read"),
            ("scope", "nodes:write"),
            ("decision", "approve"),
        ];
        let back = browser.post(&format!("{}/oauth/authorize", client.site()), &fields);
        client.redeem(&back.answer("code").unwrap()).json()
    };
    let tokens = decide(&mut browser);
    let access = text(&tokens, "access_token");
    let status = |method: &str, path: &str| {
        bearer(&coordinator, method, &format!("/api/v1/organizations/{org}{path}"), &access).status
    };
    assert_eq!((status("GET", "/nodes"), status("GET", "/tokens")), (200, 200));
    set_role(Some("member")).await;
    assert_eq!((status("GET", "/nodes"), status("GET", "/tokens")), (200, 403));
    // What a member cannot do is not granted by one.
    assert_eq!(text(&decide(&mut browser), "scope"), "nodes:read");
    set_role(None).await;
    assert_eq!(status("GET", "/nodes"), 401);
    assert_eq!(client.refresh(&text(&tokens, "refresh_token")).refusal(), (400, "invalid_grant".into()));
    set_role(Some("member")).await;
    assert_eq!(status("GET", "/nodes"), 200);
    let operator = wonder::service::user::Operator::local("test");
    wonder::service::user::disable(&coordinator.app, &operator, "bob@example.org").await.unwrap();
    assert_eq!(status("GET", "/nodes"), 401);
    drop(token);
}

async fn only_a_registered_redirect_is_answered(coordinator: Coordinator) {
    let (mut browser, token, _, client) = ada(&coordinator).await;
    let code = |page: &Page| {
        assert_eq!((page.status, page.header("location")), (400, ""), "{page:?}");
        let before = page.text.split("<code>").last().unwrap();
        before.split("</code>").next().unwrap().to_owned()
    };
    for uri in ["https://evil.example/", "https://platform.example.org/callback", "http://127.0.0.1/callback"]
    {
        let page = browser.get(&client.request("nodes:read", &[("redirect_uri", uri)]));
        assert!(page.text.contains("redirect_uri_mismatch"), "{page:?}");
        code(&page);
    }
    let page = browser.get(&client.request("nodes:read", &[("client_id", "nobody")]));
    assert!(page.text.contains("unknown_app"), "{page:?}");
    code(&page);
    let twice = format!("{}&client_id=other", client.request("nodes:read", &[]));
    code(&browser.get(&twice));
    // A program on a desktop takes the port that is free.
    let desktop = Client::register(coordinator.address, &token, "http://127.0.0.1/cb", true);
    let request = desktop.request("nodes:read", &[("redirect_uri", "http://127.0.0.1:51004/cb")]);
    let back = browser.allow(&desktop.site(), &request, None);
    assert!(back.location().starts_with("http://127.0.0.1:51004/cb?code="));
    for bad in ["http://platform.example.org/cb", "javascript:alert(1)", "https://a.example/#x"] {
        let asked = json!({ "client_name": "x", "redirect_uris": [bad] });
        let answer = coordinator.post("/oauth/clients", &token, asked).await;
        assert_eq!(answer.problem(), (400, "invalid_redirect_uri"));
    }
}

/// What the answer to a registration names is what the token endpoint takes, or asks to be shown, and nothing else.
async fn a_client_is_told_what_it_may_do(coordinator: Coordinator) {
    let (_, token, ..) = ada(&coordinator).await;
    let (code, refresh, own) = ("authorization_code", "refresh_token", "client_credentials");
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    for (redirects, method, wanted) in [
        (vec![CALLBACK], "client_secret_basic", vec![code, refresh, own, device]),
        (vec![CALLBACK], "none", vec![code, refresh, device]),
        (vec![], "client_secret_basic", vec![refresh, own, device]),
        (vec![], "none", vec![refresh, device]),
    ] {
        let asked =
            json!({ "client_name": "x", "redirect_uris": redirects, "token_endpoint_auth_method": method });
        let made = coordinator.post("/oauth/clients", &token, asked).await.body;
        assert_eq!(made["grant_types"], json!(wanted), "{made}");
        assert_eq!(made["response_types"], if redirects.is_empty() { json!([]) } else { json!(["code"]) });
        let secret = made["client_secret"].as_str().map(str::to_owned);
        let client = Client {
            address: coordinator.address,
            id: text(&made, "client_id"),
            secret,
            redirect: CALLBACK.to_owned(),
        };
        for (grant, shown) in [(code, "code"), (refresh, "refresh_token"), (device, "device_code")] {
            let fields = [
                ("grant_type", grant),
                (shown, "x"),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ];
            assert_eq!(client.token(&fields).json()["error"], "invalid_grant", "{grant}");
        }
        let page = client.token(&[("grant_type", own)]);
        let taken = page.status == 200 || page.json()["error"] != "unauthorized_client";
        assert_eq!(taken, wanted.contains(&own), "{page:?}");
    }
}

async fn the_app_is_told_by_redirect_what_is_wrong(coordinator: Coordinator) {
    type Wrong<'a> = (&'a Client, &'a [(&'a str, &'a str)], &'a str);
    let (mut browser, token, _, client) = ada(&coordinator).await;
    let public = Client::register(coordinator.address, &token, CALLBACK, true);
    let none = &[("code_challenge", ""), ("code_challenge_method", "")];
    let cases: [Wrong<'_>; 9] = [
        (&client, &[("response_type", "token")], "unsupported_response_type"),
        (&client, &[("scope", "nodes:read everything")], "invalid_scope"),
        (&client, &[("scope", "")], "invalid_scope"),
        (&client, &[("code_challenge_method", "plain")], "invalid_request"),
        (&client, &[("response_mode", "fragment")], "invalid_request"),
        (&client, &[("request", "x")], "request_not_supported"),
        (&client, &[("request_uri", "https://x.example")], "request_uri_not_supported"),
        (&client, &[("prompt", "none")], "consent_required"),
        (&public, none, "invalid_request"),
    ];
    for (client, more, error) in cases {
        let page = browser.get(&client.request("nodes:read", more));
        assert_eq!(page.answer("error").as_deref(), Some(error), "{more:?}");
        assert_eq!(page.answer("state").as_deref(), Some("s&t=1"));
        assert_eq!(page.answer("iss").as_deref(), Some(&*site(&coordinator)));
    }
    let nobody = Browser::default().get(&client.request("nodes:read", &[("prompt", "none")]));
    assert_eq!(nobody.answer("error").as_deref(), Some("login_required"));
    // An old log-in does not do where the app wants a new one.
    coordinator.later(Duration::from_secs(120));
    for more in [("prompt", "login"), ("max_age", "90")] {
        let page = browser.get(&client.request("nodes:read", &[more]));
        assert!(page.location().starts_with("/login?next=/oauth/authorize"), "{page:?}");
        // It is a link, and ends nothing: the log-in that there is goes on until there is another.
        assert_eq!(page.header("set-cookie"), "", "{page:?}");
        assert_eq!(browser.get(&format!("{}/settings", site(&coordinator))).status, 200);
        let form = browser.get(&format!("{}{}", site(&coordinator), page.location()));
        let fields = [
            ("csrf", &*form.hidden("csrf")),
            ("next", &*form.hidden("next")),
            ("email", "ada@example.org"),
            ("password", PASSWORD),
        ];
        let back = browser.post(&format!("{}/login", site(&coordinator)), &fields);
        assert!(back.location().starts_with("/oauth/authorize?"), "{back:?}");
        assert_eq!(browser.get(&client.request("nodes:read", &[more])).status, 200);
        coordinator.later(Duration::from_secs(120));
    }
}

async fn a_person_who_refuses_grants_nothing(coordinator: Coordinator) {
    let (mut browser, token, org, client) = ada(&coordinator).await;
    let page = browser.get(&client.request("nodes:read", &[]));
    let (csrf, request) = (page.hidden("csrf"), page.hidden("request"));
    let url = format!("{}/oauth/authorize", client.site());
    let fields = [("csrf", &*csrf), ("request", &*request), ("org", &*org), ("decision", "refuse")];
    assert_eq!(browser.post(&url, &fields).answer("error").as_deref(), Some("access_denied"));
    // Every scope taken off is a refusal too.
    let fields = [("csrf", &*csrf), ("request", &*request), ("org", &*org), ("decision", "approve")];
    assert_eq!(browser.post(&url, &fields).answer("error").as_deref(), Some("access_denied"));
    // A form that this browser was not given counts for nothing, nor does one for another's organization.
    let fields = [
        ("csrf", "x"),
        ("request", &*request),
        ("org", &*org),
        ("decision", "approve"),
        ("scope", "nodes:read"),
    ];
    assert_eq!(browser.post(&url, &fields).status, 403);
    let (_, bobs) = coordinator.person("bob@example.org").await;
    let fields = [
        ("csrf", &*csrf),
        ("request", &*request),
        ("org", &*bobs),
        ("decision", "approve"),
        ("scope", "nodes:read"),
    ];
    assert_eq!(browser.post(&url, &fields).status, 404);
    assert_eq!(coordinator.get("/api/v1/grants", &token).await.body["grants"], json!([]));
}

async fn a_log_in_tells_the_app_who_it_was(coordinator: Coordinator) {
    let (mut browser, _, _, client) = ada(&coordinator).await;
    let url = client.request("openid email", &[("nonce", "n-1")]);
    let back = browser.allow(&client.site(), &url, None);
    let tokens = client.redeem(&back.answer("code").unwrap()).json();
    assert!(tokens.get("refresh_token").is_none(), "nobody asked for offline_access: {tokens}");
    let claims = verified(coordinator.address, &text(&tokens, "id_token"));
    assert_eq!((&claims["iss"], &claims["aud"]), (&site(&coordinator).into(), &client.id.clone().into()));
    assert_eq!((&claims["nonce"], &claims["email"]), (&"n-1".into(), &"ada@example.org".into()));
    let now = coordinator.clock.now().as_unix().0;
    assert_eq!((&claims["iat"], &claims["exp"]), (&now.into(), &(now + 3600).into()));
    let access = text(&tokens, "access_token");
    let user = bearer(&coordinator, "GET", "/oauth/userinfo", &access).json();
    assert_eq!((&user["sub"], &user["email"]), (&claims["sub"], &"ada@example.org".into()));
    let shown = client.post("/oauth/introspect", &[("token", &access)]).json();
    assert_eq!((&shown["active"], &shown["scope"]), (&true.into(), &"openid profile:read".into()));
    assert_eq!(shown["sub"], claims["sub"]);
    // Without the profile there is no name, and with offline_access there is a refresh token.
    let tokens = client.tokens(&mut browser, "openid offline_access");
    let access = text(&tokens, "access_token");
    let user = bearer(&coordinator, "GET", "/oauth/userinfo", &access).json();
    assert_eq!(user, json!({ "sub": claims["sub"] }));
    let refreshed = client.refresh(&text(&tokens, "refresh_token")).json();
    assert!(verified(coordinator.address, &text(&refreshed, "id_token")).get("nonce").is_none());
    // An app that may not know who it was is not told.
    let tokens = client.tokens(&mut browser, "nodes:read");
    let refused = bearer(&coordinator, "GET", "/oauth/userinfo", &text(&tokens, "access_token"));
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (403, "Bearer error=\"insufficient_scope\"")
    );
    let in_query = format!("/oauth/userinfo?access_token={access}");
    assert_eq!(send(coordinator.address, "GET", &in_query, &[], "").refusal(), (401, "invalid_token".into()));
    let refused = bearer(&coordinator, "GET", "/oauth/userinfo", "wat_x");
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Bearer error=\"invalid_token\""));
}

async fn outsiders_see_neither_apps_nor_grants(coordinator: Coordinator) {
    let (mut browser, token, org, client) = ada(&coordinator).await;
    client.tokens(&mut browser, "nodes:read");
    let (eve, hers) = coordinator.person("eve@example.org").await;
    let listed = coordinator.get("/api/v1/grants", &token).await;
    let grant = listed.body["grants"][0]["id"].as_str().unwrap().to_owned();
    for path in [
        format!("/api/v1/organizations/{org}/apps"),
        format!("/api/v1/organizations/{org}/grants"),
        format!("/api/v1/organizations/{hers}/apps/{}", client.id),
    ] {
        assert_eq!(coordinator.get(&path, &eve).await.status, 404, "{path}");
    }
    for path in [
        format!("/api/v1/organizations/{org}/apps/{}", client.id),
        format!("/api/v1/organizations/{hers}/apps/{}", client.id),
        format!("/api/v1/organizations/{hers}/grants/{grant}"),
        format!("/api/v1/grants/{grant}"),
        format!("/oauth/clients/{}", client.id),
    ] {
        assert_eq!(coordinator.call("DELETE", &path, Some(&eve), None).await.status, 404, "{path}");
    }
    let clients = coordinator.get("/oauth/clients", &token).await;
    assert_eq!(clients.body["clients"][0]["client_id"], client.id);
    assert_eq!(coordinator.get("/oauth/clients", &eve).await.body["clients"], json!([]));
    assert!(clients.body["clients"][0].get("client_secret").is_none());
}

async fn everything_is_swept_when_its_time_is_over(coordinator: Coordinator) {
    let (mut browser, token, _, client) = ada(&coordinator).await;
    client.tokens(&mut browser, "nodes:read");
    client.post("/oauth/device_authorization", &[("scope", "nodes:read")]);
    let grants = coordinator.get("/api/v1/grants", &token).await;
    let path = format!("/api/v1/grants/{}", grants.body["grants"][0]["id"].as_str().unwrap());
    coordinator.call("DELETE", &path, Some(&token), None).await;
    client.tokens(&mut browser, "nodes:read");
    coordinator.later(Duration::from_secs(31 * 86_400));
    wonder::service::oauth::sweep(&coordinator.app).await.unwrap();
    for (table, left) in [
        ("authorization_codes", 0),
        ("oauth_tokens", 0),
        ("device_codes", 0),
        ("token_families", 0),
        ("grants", 1),
    ] {
        let count = move |read: &mut wonder::store::Read<'_>| {
            read.first(&format!("SELECT COUNT(*) FROM {table}"), &[])?.unwrap().take::<i64>(0)
        };
        assert_eq!(coordinator.app.store().read(count).await.unwrap(), left, "{table}");
    }
    drop(encoded(&[]));
}
