//! Stories with a real Keycloak, on SQLite and on PostgreSQL: log-ins, roles by group, keys that change, log-outs at
//! either end, and its access tokens at the API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::Coordinator;
use common::keycloak::{Keycloak, log_in, path_of};
use common::oidc::{add, destination, field, keep_time, leave};
use common::page::{Browser, Page};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use wonder::core::provider::Provider;
use wonder::service::oidc::provider;
use wonder::service::user::Operator;

crate::coordinator_stories! {
    a_person_logs_in_and_out_at_both_ends
    groups_make_members_admins_and_strangers
    new_keys_and_other_algorithms_are_followed
    a_log_out_at_the_provider_ends_the_log_in_here
    who_is_not_vouched_for_stays_outside
    each_failure_has_a_page_of_its_own
    access_tokens_open_the_api
}

/// As what a story's coordinator is known at Keycloak, which all stories share.
fn client_id() -> String {
    static STORIES: AtomicU32 = AtomicU32::new(0);
    format!("wonder-{}", STORIES.fetch_add(1, Ordering::Relaxed))
}

/// A coordinator that knows Keycloak, and is known there.
struct Home {
    c: Coordinator,
    keycloak: &'static Keycloak,
    client: String,
    provider: Provider,
}

impl Home {
    async fn new(c: Coordinator, client: Value, settings: Value) -> Home {
        Home::of(c, client_id(), client, settings).await
    }

    async fn of(c: Coordinator, id: String, client: Value, settings: Value) -> Home {
        // Starting takes long: on a thread where waiting is no harm.
        let keycloak = tokio::task::spawn_blocking(Keycloak::shared).await.unwrap();
        keep_time(&c);
        c.person("owner@example.org").await;
        let address = c.address;
        let (made, more) = (id.clone(), client);
        blocking(move || keycloak.client(&made, address, &more)).await;
        let mut all = json!({
            "name": "keycloak", "title": "Keycloak", "issuer": keycloak.issuer(), "client-id": id,
            "create-accounts": true,
        });
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let provider = add(&c, all, "secret").await;
        Home { c, keycloak, client: id, provider }
    }

    /// Somebody at Keycloak whom this story alone knows, and their id there.
    async fn person(&self, name: &str) -> (String, String) {
        let name = format!("{name}-{}", self.client);
        let keycloak = self.keycloak;
        let made = name.clone();
        let id = blocking(move || {
            let password =
                json!([{ "type": "password", "value": format!("{made}-password"), "temporary": false }]);
            let user = json!({ "username": made, "enabled": true, "email": format!("{made}@example.org"),
                "emailVerified": true, "firstName": "A", "lastName": "B", "credentials": password });
            keycloak.admin("POST", "/users", user);
            keycloak.user(&made)
        })
        .await;
        (name, id)
    }

    /// Puts somebody into a group, or takes them out.
    async fn group(&self, method: &'static str, person: &str, group: &str) {
        let (keycloak, person, group) = (self.keycloak, person.to_owned(), group.to_owned());
        blocking(move || {
            let groups = keycloak.admin("GET", "/groups", Value::Null);
            let found = groups.as_array().unwrap().iter().find(|g| g["name"] == group.as_str()).unwrap();
            let path = format!("/users/{person}/groups/{}", found["id"].as_str().unwrap());
            keycloak.admin(method, &path, json!({}));
        })
        .await;
    }

    async fn admin(&self, method: &'static str, path: &str, body: Value) -> Value {
        let (keycloak, path) = (self.keycloak, path.to_owned());
        blocking(move || keycloak.admin(method, &path, body)).await
    }

    /// Logs in through Keycloak, where `there` may be logged in already; shows where that leads.
    async fn log_in(&self, browser: &mut Browser, there: &mut Browser, name: &str) {
        keep_time(&self.c);
        let url = leave(browser, "keycloak").await;
        let back = log_in(there, &url, name).await;
        keep_time(&self.c);
        browser.get(path_of(&back)).await;
    }

    async fn log_in_anew(&self, name: &str) -> (Browser, Browser) {
        let (mut here, mut there) = (Browser::new(self.c.address), self.keycloak.browser());
        self.log_in(&mut here, &mut there, name).await;
        (here, there)
    }

    async fn token(&self, form: &[(&str, &str)]) -> Value {
        let own = [("client_id", self.client.as_str()), ("client_secret", "secret")];
        let form: Vec<_> = own.iter().chain(form).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let keycloak = self.keycloak;
        let token =
            move || keycloak.token(&form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>());
        let answer = blocking(token).await;
        keep_time(&self.c);
        answer
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn a_person_logs_in_and_out_at_both_ends(c: Coordinator) {
    let home = Home::new(c, json!({}), json!({})).await;
    let (ada, _) = home.person("ada").await;
    let mut here = Browser::new(home.c.address);
    assert!(here.get("/login").await.says("Log in with Keycloak"), "{:?}", here.page);
    let (mut here, mut there) = home.log_in_anew(&ada).await;
    assert_eq!((here.page.status, here.page.location()), (303, "/"), "{:?}", here.page);
    assert!(here.follow("/").await.says(&format!("{ada}@example.org")));

    // In another browser she is the same account; at Keycloak she is logged in still.
    let mut other = Browser::new(home.c.address);
    home.log_in(&mut other, &mut there, &ada).await;
    assert!(other.follow("/").await.says(&format!("{ada}@example.org")), "{:?}", other.page);
    assert!(other.follow("/settings/identities").await.says("Keycloak"));

    here.follow("/").await;
    here.submit("/logout", &[]).await;
    let out = destination(&here);
    assert!(here.page.header("set-cookie").contains("wonder=;"), "{:?}", here.page);
    let back = there.get(path_of(&out)).await;
    assert_eq!((back.status, back.location()), (302, format!("http://{}/login", home.c.address).as_str()));
    assert_eq!(here.get("/").await.location(), "/login");
    let url = leave(&mut here, "keycloak").await;
    assert!(there.get(path_of(&url)).await.says("kc-form-login"), "she is logged out there too");
}

async fn groups_make_members_admins_and_strangers(c: Coordinator) {
    keep_time(&c);
    let (owner, _) = c.person("founder@example.org").await;
    let made = c.post("/api/v1/organizations", &owner, json!({ "name": "crew" })).await;
    let org = made.body["organization"]["id"].as_str().unwrap().to_owned();
    let rule = |value: &str, role: &str| json!({ "claim": "groups", "value": value, "organization": org, "role": role });
    let rules = json!({ "rules": [rule("operators", "admin"), rule("members", "member")] });
    let home = Home::new(c, json!({}), rules).await;
    let (ada, id) = home.person("ada").await;
    let members = format!("/api/v1/organizations/{org}/members");
    let role = async || {
        let list = home.c.get(&members, &owner).await;
        let list = list.body["members"].as_array().unwrap().clone();
        let found = list.into_iter().find(|member| member["email"] == format!("{ada}@example.org"));
        found.map(|member| member["role"].as_str().unwrap().to_owned())
    };
    for (act, group, expected) in [
        ("PUT", "members", Some("member")),
        ("PUT", "operators", Some("admin")),
        ("DELETE", "operators", Some("member")),
        ("DELETE", "members", None),
    ] {
        home.group(act, &id, group).await;
        let (here, _) = home.log_in_anew(&ada).await;
        assert_eq!(here.page.location(), "/", "{:?}", here.page);
        assert_eq!(role().await.as_deref(), expected, "{act} {group}");
    }
}

async fn new_keys_and_other_algorithms_are_followed(c: Coordinator) {
    let home = Home::new(c, json!({}), json!({})).await;
    let (ada, _) = home.person("ada").await;
    home.log_in_anew(&ada).await;
    for (kind, algorithm) in [("rsa-generated", "RS256"), ("ecdsa-generated", "ES256")] {
        let key = json!({ "name": format!("{kind} of {}", home.client), "providerId": kind,
            "providerType": "org.keycloak.keys.KeyProvider", "config": { "priority": ["1000"] } });
        home.admin("POST", "/components", key).await;
        let all = home.admin("GET", &format!("/clients?clientId={}", home.client), Value::Null).await;
        let mut client = all[0].clone();
        client["attributes"]["id.token.signed.response.alg"] = algorithm.into();
        home.admin("PUT", &format!("/clients/{}", client["id"].as_str().unwrap()), client).await;
        let (here, _) = home.log_in_anew(&ada).await;
        assert_eq!((here.page.status, here.page.location()), (303, "/"), "{algorithm}: {:?}", here.page);
    }
}

async fn a_log_out_at_the_provider_ends_the_log_in_here(c: Coordinator) {
    let home = Home::new(c, json!({}), json!({})).await;
    let (ada, id) = home.person("ada").await;
    let (bob, _) = home.person("bob").await;
    let (mut hers, _) = home.log_in_anew(&ada).await;
    let (mut his, _) = home.log_in_anew(&bob).await;
    assert_eq!(hers.follow("/").await.status, 200);
    keep_time(&home.c);
    home.admin("POST", &format!("/users/{id}/logout"), json!({})).await;
    let told = async {
        while hers.get("/settings/identities").await.status != 303 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("her log-in ends");
    assert_eq!(his.get("/settings/identities").await.status, 200, "nobody else's has ended");
}

async fn who_is_not_vouched_for_stays_outside(c: Coordinator) {
    let home = Home::new(c, json!({}), json!({})).await;
    let (carol, _) = home.log_in_anew("carol").await;
    assert_eq!(carol.page.status, 403);
    assert!(carol.page.says("email_unverified"), "{:?}", carol.page);

    // An account of that address is nobody's by a provider's word alone, where that is not switched on.
    let (ada, _) = home.person("ada").await;
    home.c.person(&format!("{ada}@example.org")).await;
    let (here, _) = home.log_in_anew(&ada).await;
    assert!(here.page.status == 403 && here.page.says("account_exists"), "{:?}", here.page);

    // She connects both herself.
    let mut here = Browser::new(home.c.address);
    here.log_in(&format!("{ada}@example.org"), common::api::PASSWORD).await;
    here.get("/settings/identities").await;
    here.submit("/auth/oidc/keycloak/link", &[]).await;
    let back = log_in(&mut home.keycloak.browser(), &destination(&here), &ada).await;
    keep_time(&home.c);
    let page = here.get(path_of(&back)).await;
    assert_eq!(page.location(), "/settings/identities", "{page:?}");
    let (mut here, _) = home.log_in_anew(&ada).await;
    assert!(here.follow("/").await.says(&format!("{ada}@example.org")));
}

/// That a page tells a failure by its code, and a way forward.
fn fails(page: &Page, code: &str) {
    assert!(page.says(&format!("<code>{code}</code>")) && page.says("href=\"/login\""), "{code}: {page:?}");
    assert!(page.headers("set-cookie").iter().all(|cookie| !cookie.contains("wbs_")), "{code}");
}

async fn each_failure_has_a_page_of_its_own(c: Coordinator) {
    let home = Home::new(c, json!({}), json!({})).await;
    let (ada, _) = home.person("ada").await;
    let (mut here, mut there) = (Browser::new(home.c.address), home.keycloak.browser());
    keep_time(&home.c);
    let callback = "/auth/oidc/keycloak/callback";
    for missing in ["", "?code=x", "?code=x&state=unknown"] {
        fails(here.get(&format!("{callback}{missing}")).await, "login_state_unknown");
    }
    let url = leave(&mut here, "keycloak").await;
    let other = url.replace(&format!("nonce={}", field(&url, "nonce")), "nonce=another");
    let back = log_in(&mut there, &other, &ada).await;
    fails(here.get(path_of(&back)).await, "nonce_mismatch");
    fails(here.get(path_of(&back)).await, "login_state_used");

    keep_time(&home.c);
    provider::try_out(&home.c.app, &Operator::local("test"), &home.provider).await.unwrap();

    // Of one client Keycloak says no address; another realm is not there, and of a third nobody answers.
    let thin = format!("{}-thin", home.client);
    let (id, address, keycloak) = (thin.clone(), home.c.address, home.keycloak);
    let scopes = json!({ "defaultClientScopes": ["basic", "profile"], "optionalClientScopes": [] });
    blocking(move || keycloak.client(&id, address, &scopes)).await;
    let issuer = home.keycloak.issuer();
    let (nowhere, closed) =
        (issuer.replace("/home", "/nowhere"), format!("{}/realms/home", common::port::closed_url()));
    for (name, issuer, client) in
        [("thin", &issuer, &thin), ("nowhere", &nowhere, &thin), ("closed", &closed, &thin)]
    {
        let all = json!({ "name": name, "issuer": issuer, "client-id": client, "create-accounts": true,
            "scopes": ["profile"] });
        add(&home.c, all, "secret").await;
    }
    keep_time(&home.c);
    let url = leave(&mut here, "thin").await;
    let back = log_in(&mut there, &url, &ada).await;
    fails(here.get(path_of(&back)).await, "claim_missing");
    for (name, code) in [("nowhere", "provider_broken"), ("closed", "provider_unavailable")] {
        here.get("/login").await;
        fails(here.submit(&format!("/auth/oidc/{name}/login"), &[]).await, code);
    }

    home.log_in(&mut here, &mut there, &ada).await;
    assert_eq!(here.page.location(), "/", "{:?}", here.page);
    let email = format!("{ada}@example.org");
    wonder::service::user::disable(&home.c.app, &Operator::local("test"), &email).await.unwrap();
    home.log_in(&mut here, &mut there, &ada).await;
    fails(&here.page, "account_disabled");

    // At the end, as the clock of this coordinator goes wrong.
    let url = leave(&mut here, "keycloak").await;
    let back = log_in(&mut there, &url, &ada).await;
    home.c.later(Duration::from_secs(601));
    fails(here.get(path_of(&back)).await, "login_state_expired");
    let url = leave(&mut here, "keycloak").await;
    let back = log_in(&mut there, &url, &ada).await;
    fails(here.get(path_of(&back)).await, "clock_off");
}

async fn access_tokens_open_the_api(c: Coordinator) {
    let client = json!({ "directAccessGrantsEnabled": true, "serviceAccountsEnabled": true });
    let id = client_id();
    let home = Home::of(c, id.clone(), client, json!({ "bearer-audiences": [id] })).await;
    let (ada, _) = home.person("ada").await;
    let password = format!("{ada}-password");
    let form = [("grant_type", "password"), ("scope", "openid"), ("username", &ada), ("password", &password)];
    let tokens = home.token(&form).await;
    let access = tokens["access_token"].as_str().unwrap();
    let who = home.c.get("/api/v1/session", access).await;
    assert_eq!(who.status, 200, "{who:?}");
    assert_eq!(who.body["user"]["email"], format!("{ada}@example.org"));
    let org = who.body["organization"]["id"].as_str().unwrap();
    let token = home.c.post(&format!("/api/v1/organizations/{org}/tokens"), access, json!({})).await;
    assert_eq!(token.status, 201, "it acts as she does: {token:?}");
    assert_eq!(
        home.c.call("DELETE", "/api/v1/session", Some(access), None).await.problem(),
        (403, "log_in_needed")
    );

    for other in ["id_token", "refresh_token"] {
        let refused = home.c.get("/api/v1/session", tokens[other].as_str().unwrap()).await;
        assert_eq!(refused.problem(), (401, "token_not_accepted"), "{other}");
    }
    let program = home.token(&[("grant_type", "client_credentials")]).await;
    let refused = home.c.get("/api/v1/session", program["access_token"].as_str().unwrap()).await;
    assert_eq!(refused.problem(), (403, "service_account"));

    let (head, signature) = access.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    assert_eq!(home.c.get("/api/v1/session", &forged).await.problem(), (401, "token_not_accepted"));
    home.c.later(Duration::from_secs(400));
    assert_eq!(
        home.c.get("/api/v1/session", access).await.problem(),
        (401, "token_not_accepted"),
        "it is over"
    );

    let disabled = wonder::service::user::Operator::local("test");
    wonder::service::user::disable(&home.c.app, &disabled, &format!("{ada}@example.org")).await.unwrap();
    let fresh = home.token(&form).await;
    let refused = home.c.get("/api/v1/session", fresh["access_token"].as_str().unwrap()).await;
    assert_eq!(refused.problem(), (403, "account_disabled"));
}
