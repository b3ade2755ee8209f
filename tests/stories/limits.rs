//! Stories of limits: who is counted, behind a proxy and before one, and what they are told.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::api::{Answer, Coordinator, PASSWORD};
use common::oauth::{Client, send};
use common::page::Browser;
use common::strange::Signature;
use common::town::Town;
use serde_json::json;

/// A wrong log-in to an account of its own, with these headers.
async fn guess(c: &Coordinator, n: usize, headers: &str) -> Answer {
    let body = json!({ "email": format!("a{n}@example.org"), "password": PASSWORD, "label": "" }).to_string();
    let length = body.len();
    let head =
        "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json";
    c.say(format!("{head}\r\nContent-Length: {length}\r\n{headers}\r\n{body}").as_bytes()).await
}

/// The addresses of what was refused.
async fn refused_from(c: &Coordinator) -> Vec<String> {
    let sql = "SELECT DISTINCT address FROM audit_events WHERE action = 'session.refuse' ORDER BY address";
    let rows = c.app.store().read(move |read| read.query(sql, &[])).await.unwrap();
    rows.into_iter().map(|mut row| row.take(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_from_somebody_who_is_no_proxy_changes_nothing() {
    let c = Coordinator::with_settings("[limits]\nlog-in-address = '3/1h'").await;
    for n in 0..3 {
        let forged = format!("X-Forwarded-For: 198.51.100.{n}\r\nForwarded: for=198.51.100.{n}\r\n");
        assert_eq!(guess(&c, n, &forged).await.status, 401);
    }
    let limited = guess(&c, 3, "X-Forwarded-For: 198.51.100.77\r\n").await;
    assert_eq!(limited.problem(), (429, "too_many_attempts"));
    let head = limited.head.to_lowercase();
    for field in [
        "retry-after: 1200",
        "ratelimit: \"log-in-address\";r=0;t=1200",
        "ratelimit-policy: \"log-in-address\";q=3;w=3600",
    ] {
        assert!(head.contains(field), "{field} in {head}");
    }
    assert_eq!(refused_from(&c).await, ["127.0.0.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_caller_counts_for_itself() {
    let settings = "trusted-proxies = ['127.0.0.0/8']\n[limits]\nlog-in-address = '2/1h'";
    let c = Coordinator::with_settings(settings).await;
    for n in 0..6 {
        let told = format!("X-Forwarded-For: 203.0.113.9, 198.51.100.{}\r\n", n % 3);
        assert_eq!(guess(&c, n, &told).await.status, 401, "{n}");
    }
    for forged in ["203.0.113.1, 198.51.100.0", "198.51.100.0, 127.0.0.2", "198.51.100.0:4711"] {
        let answer = guess(&c, 9, &format!("X-Forwarded-For: {forged}\r\n")).await;
        assert_eq!(answer.status, 429, "{forged}");
    }
    assert_eq!(refused_from(&c).await, ["198.51.100.0", "198.51.100.1", "198.51.100.2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_nobody_knows_are_counted() {
    let c = Coordinator::with_settings("[limits]\ncredential-address = '5/1h'").await;
    let (ada, _) = c.person("ada@example.org").await;
    for n in 0..5 {
        assert_eq!(c.get("/api/v1/session", &format!("wcs_guess{n}")).await.status, 401);
    }
    assert_eq!(c.get("/api/v1/session", "wcs_guess").await.problem(), (429, "too_many_attempts"));
    assert_eq!(c.get("/api/v1/worker", "wwk_guess").await.status, 429, "whatever it claims to be");
    assert_eq!(c.get("/api/v1/session", &ada).await.status, 200, "who is known is not kept out");
}

/// A page that asks again says when, as an answer to a program does.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_told_of_limits_too() {
    let c = Coordinator::with_settings("[limits]\nlog-in-account = '1/1h'").await;
    c.person("ada@example.org").await;
    let mut browser = Browser::new(c.address);
    browser.get("/login").await;
    let wrong = [("email", "ada@example.org"), ("password", "not the password")];
    assert_eq!(browser.submit("/login", &wrong).await.status, 401);
    let limited = browser.submit("/login", &wrong).await;
    assert!(limited.status == 429 && limited.says("Too many attempts"), "{limited:?}");
    assert_eq!(limited.header("retry-after"), "3600");
    assert_eq!(limited.header("ratelimit"), "\"log-in-account\";r=0;t=3600");
    assert_eq!(limited.header("ratelimit-policy"), "\"log-in-account\";q=1;w=3600");
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_tokens_that_count_for_nothing_are_counted() {
    let c = Coordinator::with_settings("[limits]\ncredential-address = '3/1h'").await;
    let town = Town::new(c, json!({})).await;
    let mut ada = town.log_in("ada").await;
    let forged = town.strange.sign(Signature::Foreign, "logout+jwt", &town.logout("forged"));
    for token in ["nonsense", &forged, &forged] {
        assert_eq!(town.tell(token).await.status, 400);
    }
    let limited = town.tell(&forged).await;
    assert_eq!(limited.problem(), (429, "too_many_attempts"));
    let head = limited.head.to_lowercase();
    for field in ["retry-after: 1200", "ratelimit: \"credential-address\";r=0;t=1200"] {
        assert!(head.contains(field), "{field} in {head}");
    }
    assert_eq!(ada.get("/settings").await.status, 200, "none of that ended anything");
    // The provider's own word counts, whoever else has guessed from its address.
    let right = town.strange.sign(Signature::Es256, "logout+jwt", &town.logout("right"));
    assert_eq!(town.tell(&right).await.status, 200);
    assert_eq!(ada.get("/settings").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sets_out_for_a_provider_is_counted() {
    let limits = "[limits]\ndeparture-address = '2/1h'\ndeparture-all = '3/1h'";
    let c = Coordinator::with_settings(&format!("trusted-proxies = ['127.0.0.0/8']\n{limits}")).await;
    let town = Town::new(c, json!({})).await;
    let set_out = async |from: &str| {
        let mut browser = Browser::new(town.c.address);
        browser.headers.push(("X-Forwarded-For".to_owned(), from.to_owned()));
        browser.get("/login").await;
        browser.submit("/auth/oidc/strange/login", &[]).await.clone()
    };
    for from in ["198.51.100.1", "198.51.100.1", "198.51.100.2"] {
        assert_eq!(set_out(from).await.status, 200, "{from}");
    }
    for (from, policy) in [
        ("198.51.100.1", "\"departure-address\";q=2;w=3600"),
        ("198.51.100.3", "\"departure-all\";q=3;w=3600"),
    ] {
        let page = set_out(from).await;
        assert!(page.status == 429 && page.says("too_many_attempts"), "{from}: {page:?}");
        assert_eq!(page.header("ratelimit-policy"), policy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_s_keys_share_its_limit_and_nobody_else_s() {
    let c = Coordinator::with_settings("[limits]\napi-organization = '10/1h'").await;
    let (ada, org) = c.person("ada@example.org").await;
    let (eve, other) = c.person("eve@example.org").await;
    let keys = |org: &str| format!("/api/v1/organizations/{org}/keys");
    let mut secrets = Vec::new();
    for name in ["one", "two"] {
        let made = c.post(&keys(&org), &ada, json!({ "name": name })).await;
        secrets.push(made.text("secret").to_owned());
    }
    for n in 0..10 {
        assert_eq!(c.get("/api/v1/session", &secrets[n % 2]).await.status, 200);
    }
    for secret in &secrets {
        let limited = c.get("/api/v1/session", secret).await;
        assert!(limited.head.contains("\"api-organization\";q=10;w=3600"), "{limited:?}");
    }
    let foreign = c.post(&keys(&other), &eve, json!({ "name": "one" })).await;
    assert_eq!(c.get("/api/v1/session", foreign.text("secret")).await.status, 200);
    assert_eq!(c.get("/api/v1/session", &ada).await.status, 200, "people have a limit of their own");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_of_their_limits_as_everybody_is() {
    let c = Coordinator::with_settings("[limits]\noauth-client-address = '2/1h'\napi-app = '2/1h'").await;
    let (ada, _) = c.person("ada@example.org").await;
    let client = Client::register(c.address, &ada, "https://platform.example.org/", false);
    let own = client.token(&[("grant_type", "client_credentials")]).json();
    let bearer = format!("Bearer {}", own["access_token"].as_str().unwrap());
    let userinfo = || send(c.address, "GET", "/oauth/userinfo", &[("Authorization", &bearer)], "");
    assert_eq!([userinfo().status, userinfo().status, userinfo().status], [403, 403, 429]);
    let guess = Client { secret: Some("was_guess".into()), ..client };
    for _ in 0..2 {
        assert_eq!(guess.token(&[]).refusal(), (401, "invalid_client".into()));
    }
    for (page, policy) in [(guess.token(&[]), "oauth-client-address"), (userinfo(), "api-app")] {
        assert_eq!(page.refusal(), (429, "temporarily_unavailable".into()));
        assert_eq!(page.header("retry-after"), "1800");
        assert_eq!(page.header("ratelimit"), format!("\"{policy}\";r=0;t=1800"));
        assert_eq!(page.header("ratelimit-policy"), format!("\"{policy}\";q=2;w=3600"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_a_public_client_s_name_locks_nobody_else_out() {
    let c =
        Coordinator::with_settings("trusted-proxies = ['127.0.0.0/8']\n[limits]\ntoken-app = '3/1h'").await;
    let (ada, _) = c.person("ada@example.org").await;
    let public = Client::register(c.address, &ada, "https://tv.example.org/", true);
    let secret = Client::register(c.address, &ada, "https://platform.example.org/", false);
    let ask = |id: &str, path: &str, fields: &str, from: &str| {
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("X-Forwarded-For", from)];
        send(c.address, "POST", path, &headers, &format!("client_id={id}&{fields}")).status
    };
    let code = "grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=wdc_x";
    for id in [public.id.as_str(), "wonder-cli"] {
        for _ in 0..3 {
            assert_eq!(ask(id, "/oauth/token", code, "198.51.100.1"), 400);
        }
        assert_eq!(ask(id, "/oauth/token", code, "198.51.100.1"), 429, "{id}");
        assert_eq!(ask(id, "/oauth/revoke", "token=wrt_x", "198.51.100.1"), 429, "{id}");
        assert_ne!(ask(id, "/oauth/revoke", "token=wrt_x", "198.51.100.2"), 429, "{id}");
    }
    // Who has a secret has one limit, wherever its calls come from.
    let own = format!("grant_type=client_credentials&client_secret={}", secret.secret.unwrap());
    let from = ["198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"];
    let answers = from.map(|from| ask(&secret.id, "/oauth/token", &own, from));
    assert_eq!(answers, [200, 200, 200, 429]);
}
