//! Stories of providers in a real Chromium: an administrator adds one and takes it out, people log in there and
//! disconnect it, an app has them log out, and each failure on the way has a page that says what to do. Pictures are
//! kept under `target/screenshots`; axe-core finds nothing serious.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::chromium::Chromium;
use common::oidc::keep_time;
use common::strange::Strange;
use common::town::Town;
use serde_json::{Value, json};
use std::time::Duration;
use wonder::service::user::{self, Operator};

const OWNER: &str = "owner@example.org";

async fn browser_at(c: &Coordinator) -> Chromium {
    Chromium::at(&format!("http://{}", c.address)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_adds_a_provider_and_takes_it_out() {
    let c = Coordinator::with_settings("provider-networks = ['127.0.0.1']").await;
    keep_time(&c);
    let (token, _) = c.person(OWNER).await;
    let made = c.post("/api/v1/organizations", &token, json!({ "name": "crew" })).await;
    let org = made.body["organization"]["id"].as_str().unwrap();
    let strange = Strange::start().await;
    let browser = browser_at(&c).await;
    browser.go("/login").await;
    browser.log_in(OWNER, PASSWORD).await;
    browser.arrives("/o/owner").await;
    browser.click(".menu.right summary").await;
    browser.press("Providers").await;
    browser.shows("No provider yet").await;
    browser.inspect("providers-empty").await;
    browser.press("Add a provider").await;
    browser.inspect("provider-name").await;
    browser.fill("name", "home").await;
    browser.press("Go on").await;
    browser.shows("/auth/oidc/home/callback").await;
    browser.inspect("provider-new").await;
    browser.fill("issuer", &format!("{}/", strange.issuer)).await;
    browser.fill("client_id", "wonder").await;
    browser.fill("secret", "secret").await;
    browser.fill("title", "Our home").await;
    browser.fill("rules", &format!("groups=operators:{org}:admin")).await;
    // The pictures take their time, and the clock here stands still.
    keep_time(&c);
    browser.press("Try it and add it").await;
    browser.shows("calls itself").await;
    browser.inspect("provider-refused").await;
    browser.fill("issuer", &strange.issuer).await;
    browser.fill("secret", "secret").await;
    keep_time(&c);
    browser.press("Try it and add it").await;
    browser.arrives("/coordinator/providers/home").await;
    browser.shows("Reachable").await;
    browser.shows("crew").await;
    browser.inspect("provider").await;
    browser.press("Change it").await;
    browser.shows("It stays: people are known by it").await;
    browser.inspect("provider-edit").await;
    browser.fill("client_id", "another").await;
    keep_time(&c);
    browser.press("Save").await;
    browser.arrives("/coordinator/providers/home").await;
    browser.shows("another").await;
    strange.mind().down = true;
    c.later(Duration::from_secs(5));
    browser.go("/coordinator/providers").await;
    browser.press("Ask them all now").await;
    browser.shows("it answers 502").await;
    browser.inspect("providers").await;
    browser.press("Our home").await;
    browser.press("Remove this provider…").await;
    browser.picture("provider-remove").await;
    browser.fill("confirm", "home").await;
    browser.press("Remove it").await;
    browser.shows("Our home was removed. Accounts stay.").await;
}

/// A town whose provider says of the next browser that it is Ada, with this change.
fn next(town: &Town, change: impl FnOnce(&mut Value)) {
    let mut claims = town.claims("ada", "");
    change(&mut claims);
    town.strange.mind().claims = claims;
}

async fn log_in(browser: &Chromium) {
    browser.go("/login").await;
    browser.press("Log in with strange").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_log_in_elsewhere_and_disconnect_it() {
    let c = Coordinator::on_sqlite().await;
    let town = Town::new(c, json!({ "create-accounts": true })).await;
    let browser = browser_at(&town.c).await;
    next(&town, |_| {});
    log_in(&browser).await;
    browser.arrives("/o/ada").await;
    browser.go("/settings").await;
    browser.shows("Ways to log in").await;
    browser.inspect("settings-identities").await;
    browser.press("Disconnect").await;
    browser.picture("identity-disconnect").await;
    browser.press("Disconnect it").await;
    browser.shows("Nothing else opens your account").await;
    browser.inspect("last-way-in").await;

    // An app has her log out; she is asked, as it proves nothing.
    let (token, _) = town.c.person("boss@example.org").await;
    let app =
        json!({ "client_name": "Zeppelin", "post_logout_redirect_uris": ["https://zeppelin.example/out"] });
    let app = town.c.post("/oauth/clients", &token, app).await;
    let path = "/oauth/end_session?post_logout_redirect_uri=https%3A%2F%2Fzeppelin.example%2Fout&client_id=";
    browser.go(&format!("{path}{}", app.text("client_id"))).await;
    browser.shows("Zeppelin asks whether you want to log out").await;
    browser.inspect("end-session").await;
    browser.press("Stay logged in").await;
    browser.arrives("/o/ada").await;
    browser.go("/oauth/end_session").await;
    browser.press("Log out").await;
    browser.arrives("/login").await;
    browser.go(&format!("{path}{}", app.text("client_id"))).await;
    browser.shows("You are logged out").await;
    browser.inspect("end-session-done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_on_the_way_has_a_page_that_says_what_to_do() {
    let c = Coordinator::on_sqlite().await;
    let town = Town::new(c, json!({})).await;
    let browser = browser_at(&town.c).await;
    let fails = async |code: &str| {
        browser.shows(code).await;
        browser.shows("Back to the log-in").await;
        browser.picture(&format!("failure-{code}")).await;
    };
    let back = || {
        let back = town.strange.mind().back.clone();
        back[back.find("/auth/").unwrap()..].to_owned()
    };
    browser.go("/auth/oidc/strange/callback").await;
    fails("login_state_unknown").await;
    browser.inspect("failure").await;
    next(&town, |_| {});
    log_in(&browser).await;
    browser.arrives("/o/ada").await;
    browser.go(&back()).await;
    fails("login_state_used").await;
    browser.click("a.button").await;
    browser.arrives("/o/ada").await;
    browser.client.delete_all_cookies().await.unwrap();

    town.strange.mind().hold = true;
    next(&town, |_| {});
    log_in(&browser).await;
    browser.shows("Not yet.").await;
    town.c.later(Duration::from_secs(601));
    browser.go(&back()).await;
    fails("login_state_expired").await;
    town.strange.mind().hold = false;

    let over = town.seconds() - 600;
    let changes: [(&str, Value, &str); 5] = [
        ("nonce", json!("another"), "nonce_mismatch"),
        ("exp", json!(over), "clock_off"),
        ("email", Value::Null, "claim_missing"),
        ("email_verified", json!(false), "email_unverified"),
        ("preferred_username", json!("service-account-ci"), "service_account"),
    ];
    town.strange.mind().userinfo = json!({ "sub": "eve" });
    for (name, value, code) in changes {
        next(&town, |claims| {
            claims["sub"] = "eve".into();
            claims[name] = value;
        });
        log_in(&browser).await;
        fails(code).await;
    }
    user::disable(&town.c.app, &Operator::local("test"), "ada@example.org").await.unwrap();
    next(&town, |_| {});
    log_in(&browser).await;
    fails("account_disabled").await;

    town.strange.mind().hold = true;
    next(&town, |_| {});
    log_in(&browser).await;
    browser.shows("Not yet.").await;
    town.strange.mind().down = true;
    browser.go(&back()).await;
    fails("provider_unavailable").await;
}
