//! Stories of passkeys by hand, on SQLite and on PostgreSQL: whatever is not signed by the right passkey, for the right
//! page, for what this browser was asked just now, opens nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::page::Browser;
use common::passkey::{Authenticator, add, ask, pack};
use common::town::Town;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use wonder::core::secret::Secret;
use wonder::service::user::{self, Operator, Reset};

const ADA: &str = "ada@example.org";
const ORIGIN: &str = "http://localhost:8080";
const SETTINGS: &str = "url = \"http://localhost:8080\"";

crate::coordinator_stories! {
    with SETTINGS:
    a_passkey_stands_for_both_factors
    what_is_not_signed_for_this_opens_nothing
    a_counter_that_goes_back_is_told_and_refused
    an_answer_counts_once_whoever_brings_it_at_the_same_time
    what_no_browser_sends_is_refused_as_such
    the_last_way_in_of_who_has_no_password_stays
}

/// Ada, logged in, with a passkey; and what her authenticator asks for at each log-in.
async fn town(c: &Coordinator) -> (Browser, Authenticator) {
    c.person(ADA).await;
    let mut ada = Browser::new(c.address);
    ada.log_in(ADA, PASSWORD).await;
    let mut key = Authenticator::new(ORIGIN);
    add(&mut ada, &mut key, "laptop").await;
    assert_eq!(ada.page.body.matches("<li><code>").count(), 10, "{:?}", ada.page);
    ada.get("/settings/factors").await;
    (ada, key)
}

/// A browser at the log-in page, and what it is asked.
async fn asked(c: &Coordinator) -> (Browser, Value) {
    let mut browser = Browser::new(c.address);
    browser.get("/login").await;
    let options = ask(&mut browser, "/login/passkey/ask").await;
    (browser, options)
}

async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/settings").await.status == 200
}

async fn count(c: &Coordinator, sql: &'static str) -> i64 {
    c.app.store().read(move |read| read.first(sql, &[])?.unwrap().take::<i64>(0)).await.unwrap()
}

async fn a_passkey_stands_for_both_factors(c: Coordinator) {
    let (mut ada, mut key) = town(&c).await;
    assert!(ada.page.says("laptop") && ada.page.says("10 left"), "{:?}", ada.page);
    let (mut browser, options) = asked(&c).await;
    let answer = key.show(&options).to_string();
    browser.submit("/login/passkey", &[("answer", &answer), ("next", "/settings")]).await;
    assert_eq!((browser.page.status, browser.page.location()), (303, "/settings"), "{:?}", browser.page);
    assert!(is_in(&mut browser).await);
    // After a password it is the second factor.
    let mut other = Browser::new(c.address);
    other.get("/login").await;
    other.submit("/login", &[("email", ADA), ("password", PASSWORD)]).await;
    assert_eq!(other.page.location(), "/login/step");
    other.get("/login/step").await;
    let options = ask(&mut other, "/login/passkey/ask").await;
    other.submit("/login/step/passkey", &[("answer", &key.show(&options).to_string())]).await;
    assert_eq!((other.page.status, other.page.location()), (303, "/"), "{:?}", other.page);
    assert!(is_in(&mut other).await);
    // It shows once more who somebody is.
    c.later(Duration::from_secs(11 * 60));
    assert_eq!(ada.get("/settings/factors").await.location(), "/settings/confirm?next=/settings/factors");
    ada.get("/settings/confirm?next=/settings/factors").await;
    let options = ask(&mut ada, "/login/passkey/ask").await;
    let answer = key.show(&options).to_string();
    ada.submit("/settings/confirm/passkey", &[("answer", &answer), ("next", "/settings/factors")]).await;
    assert_eq!((ada.page.status, ada.page.location()), (303, "/settings/factors"), "{:?}", ada.page);
    // Removed, it opens nothing; what was begun with it has ended.
    let id = ada.get("/settings/factors").await.between("/settings/factors/passkeys/", "/remove");
    ada.submit(&format!("/settings/factors/passkeys/{id}/remove"), &[]).await;
    assert_eq!((ada.page.status, ada.page.location()), (303, "/settings/factors"));
    assert!(is_in(&mut ada).await && !is_in(&mut other).await && !is_in(&mut browser).await);
    let (mut browser, options) = asked(&c).await;
    browser.submit("/login/passkey", &[("answer", &key.show(&options).to_string())]).await;
    assert!(browser.page.status == 401 && browser.page.says("was not accepted"), "{:?}", browser.page);
    Browser::new(c.address).log_in(ADA, PASSWORD).await;
    let ways = ["passkey", "password", "password", "password", "password and passkey"];
    assert_eq!(c.ways_in().await, ways);
    // A disabled account is opened by none; the host takes off what is lost.
    add(&mut ada, &mut key, "again").await;
    user::disable(&c.app, &Operator::local("test"), ADA).await.unwrap();
    let (mut browser, options) = asked(&c).await;
    browser.submit("/login/passkey", &[("answer", &key.show(&options).to_string())]).await;
    assert!(browser.page.status == 401 && browser.page.says("is disabled"), "{:?}", browser.page);
    user::enable(&c.app, &Operator::local("test"), ADA).await.unwrap();
    let reset = Reset { password: Secret::new(PASSWORD), factors: true };
    user::reset_password(&c.app, &Operator::local("test"), ADA, reset).await.unwrap();
    assert_eq!(count(&c, "SELECT COUNT(*) FROM passkeys").await, 0);
    Browser::new(c.address).log_in(ADA, PASSWORD).await;
}

/// What is wrong with an authenticator.
type Change = fn(&mut Authenticator);

async fn what_is_not_signed_for_this_opens_nothing(c: Coordinator) {
    let (_ada, key) = town(&c).await;
    let wrong: [(&str, Change); 8] = [
        ("another site's page", |key| key.origin = "https://evil.example".into()),
        ("another port's page", |key| key.origin = "http://localhost:8081".into()),
        ("https in the place of http", |key| key.origin = "https://localhost:8080".into()),
        ("within another site's page", |key| key.cross_origin = true),
        ("for another site", |key| key.rp_id = "evil.example".into()),
        ("by nobody known", |key| key.flags = 0),
        ("by another passkey", |key| key.id = vec![7; 32]),
        ("by another key", |key| key.key = Authenticator::new(ORIGIN).key),
    ];
    for (what, change) in wrong {
        let (mut browser, options) = asked(&c).await;
        let mut other = key.clone();
        change(&mut other);
        let answer = other.show(&options);
        browser.submit("/login/passkey", &[("answer", &answer.to_string())]).await;
        assert!(
            browser.page.status == 401 && browser.page.says("was not accepted"),
            "{what}: {:?}",
            browser.page
        );
        assert!(!is_in(&mut browser).await, "{what}");
    }
    what_was_not_asked_counts_for_nothing(&c, key).await;
}

async fn what_was_not_asked_counts_for_nothing(c: &Coordinator, mut key: Authenticator) {
    let refused = async |browser: &mut Browser, answer: &Value| {
        browser.get("/login").await;
        browser.submit("/login/passkey", &[("answer", &answer.to_string())]).await;
        assert!(browser.page.status == 401 && browser.page.says("was not accepted"), "{:?}", browser.page);
    };
    // By nobody; of another browser; of a log-in that has used it; of a passkey that is to be made; too late.
    let (mut browser, mut options) = asked(c).await;
    let own = options.clone();
    options["challenge"] = pack(&[1; 16]).into();
    refused(&mut browser, &key.show(&options)).await;
    let (mut other, _) = asked(c).await;
    let answer = key.show(&own);
    refused(&mut other, &answer).await;
    browser.get("/login").await;
    browser.submit("/login/passkey", &[("answer", &answer.to_string())]).await;
    assert_eq!(browser.page.status, 303, "{:?}", browser.page);
    let mut again = Browser::new(c.address);
    again.cookies.insert("wonder-form".into(), other.cookies["wonder-form"].clone());
    refused(&mut again, &answer).await;
    browser.get("/settings/factors").await;
    let to_make = ask(&mut browser, "/settings/factors/passkeys/ask").await;
    let shown = key.show(&to_make).to_string();
    browser.get("/settings/confirm").await;
    browser.submit("/settings/confirm/passkey", &[("answer", &shown)]).await;
    assert_eq!(browser.page.status, 401, "{:?}", browser.page);
    let (mut late, options) = asked(c).await;
    c.later(Duration::from_secs(301));
    refused(&mut late, &key.show(&options)).await;
    // Another's passkey is no second factor of Ada's.
    c.person("bob@example.org").await;
    let (mut bob, mut his) = (Browser::new(c.address), Authenticator::new(ORIGIN));
    bob.log_in("bob@example.org", PASSWORD).await;
    add(&mut bob, &mut his, "his").await;
    let mut half = Browser::new(c.address);
    half.get("/login").await;
    half.submit("/login", &[("email", ADA), ("password", PASSWORD)]).await;
    half.get("/login/step").await;
    let options = ask(&mut half, "/login/passkey/ask").await;
    half.submit("/login/step/passkey", &[("answer", &his.show(&options).to_string())]).await;
    assert!(half.page.status == 401 && half.page.says("another account"), "{:?}", half.page);
    // Nor is Ada's made his.
    bob.get("/settings/factors").await;
    let options = ask(&mut bob, "/settings/factors/passkeys/ask").await;
    let stolen = key.make(&options).to_string();
    bob.submit("/settings/factors/passkeys", &[("name", "stolen"), ("answer", &stolen)]).await;
    assert_eq!(bob.page.status, 401, "{:?}", bob.page);
}

async fn a_counter_that_goes_back_is_told_and_refused(c: Coordinator) {
    let (_ada, mut key) = town(&c).await;
    let copy = key.clone();
    for _ in 0..2 {
        let (mut browser, options) = asked(&c).await;
        browser.submit("/login/passkey", &[("answer", &key.show(&options).to_string())]).await;
        assert_eq!(browser.page.status, 303, "{:?}", browser.page);
    }
    let (mut browser, options) = asked(&c).await;
    browser.submit("/login/passkey", &[("answer", &copy.clone().show(&options).to_string())]).await;
    assert!(browser.page.status == 401 && browser.page.says("there may be a copy"), "{:?}", browser.page);
    let told = "SELECT COUNT(*) FROM audit_events WHERE action = 'passkey.refuse'";
    assert_eq!(count(&c, told).await, 1);
    // An authenticator that counts nothing says 0 each time.
    c.person("bob@example.org").await;
    let mut bob = Browser::new(c.address);
    bob.log_in("bob@example.org", PASSWORD).await;
    let mut still = Authenticator { counter: 0, ..Authenticator::new(ORIGIN) };
    add(&mut bob, &mut still, "still").await;
    for _ in 0..2 {
        let (mut browser, options) = asked(&c).await;
        browser.submit("/login/passkey", &[("answer", &still.show(&options).to_string())]).await;
        assert_eq!(browser.page.status, 303, "{:?}", browser.page);
    }
}

async fn an_answer_counts_once_whoever_brings_it_at_the_same_time(c: Coordinator) {
    let (_ada, mut key) = town(&c).await;
    let (browser, options) = asked(&c).await;
    let (csrf, cookies, answer) =
        (browser.page.csrf(), browser.cookies.clone(), key.show(&options).to_string());
    let tasks = (0..8).map(|_| async {
        let mut browser = Browser::new(c.address);
        browser.cookies.clone_from(&cookies);
        browser.post("/login/passkey", &[("csrf", &csrf), ("answer", &answer)]).await.status
    });
    let mut statuses = join_all(tasks).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![303], vec![401; 7]].concat());
}

async fn what_no_browser_sends_is_refused_as_such(c: Coordinator) {
    let (mut ada, mut key) = town(&c).await;
    let (mut browser, options) = asked(&c).await;
    let good = key.show(&options);
    let mut bad: Vec<String> =
        ["", "null", "[]", "{}", "{\"id\":1}", "\u{0}", "{\"response\":{}}"].map(Into::into).into();
    for member in ["clientDataJSON", "authenticatorData", "signature", "userHandle"] {
        for value in [Value::Null, json!(7), json!("?"), json!("AAAA"), json!("A".repeat(20_000))] {
            let mut broken = good.clone();
            broken["response"][member] = value;
            bad.push(broken.to_string());
        }
    }
    for answer in bad {
        c.later(Duration::from_secs(2));
        browser.get("/login").await;
        browser.submit("/login/passkey", &[("answer", &answer)]).await;
        assert!(matches!(browser.page.status, 400 | 401), "{answer}: {:?}", browser.page);
    }
    browser.get("/login").await;
    browser.submit("/login/passkey", &[("answer", &"A".repeat(70_000))]).await;
    assert_eq!(browser.page.status, 413);
    for name in ["", "  ", &"x".repeat(61), "a\nb"] {
        ada.get("/settings/factors").await;
        let csrf = ada.page.csrf();
        let asked = ada.post("/settings/factors/passkeys/ask", &[("csrf", &csrf), ("name", name)]).await;
        assert!(asked.status == 400, "no authenticator makes one in vain: {asked:?}");
        ada.get("/settings/factors").await;
        let options = ask(&mut ada, "/settings/factors/passkeys/ask").await;
        let answer = key.make(&options).to_string();
        ada.submit("/settings/factors/passkeys", &[("name", name), ("answer", &answer)]).await;
        assert_eq!(ada.page.status, 400, "{name:?}: {:?}", ada.page);
    }
    // Who asks without end is asked to wait.
    let mut statuses = Vec::new();
    for _ in 0..70 {
        browser.get("/login").await;
        let csrf = browser.page.csrf();
        statuses.push(browser.post("/login/passkey/ask", &[("csrf", &csrf)]).await.status);
    }
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
}

async fn the_last_way_in_of_who_has_no_password_stays(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    let (mut ada, mut key) = (town.log_in("ada").await, Authenticator::new(ORIGIN));
    add(&mut ada, &mut key, "laptop").await;
    // With a passkey the provider is not the last way in.
    let id = ada.get("/settings/identities").await.between("/settings/identities/", "/disconnect");
    ada.submit(&format!("/settings/identities/{id}/disconnect"), &[]).await;
    assert_eq!((ada.page.status, ada.page.location()), (303, "/settings"), "{:?}", ada.page);
    let (mut ada, options) = asked(&town.c).await;
    ada.submit("/login/passkey", &[("answer", &key.show(&options).to_string())]).await;
    assert!(is_in(&mut ada).await, "{:?}", ada.page);
    // Now the passkey is.
    let id = ada.get("/settings/factors").await.between("/settings/factors/passkeys/", "/remove");
    ada.submit(&format!("/settings/factors/passkeys/{id}/remove"), &[]).await;
    assert!(ada.page.status == 409 && ada.page.says("last_way_in"), "{:?}", ada.page);
    let mut other = Authenticator::new(ORIGIN);
    add(&mut ada, &mut other, "phone").await;
    ada.get("/settings/factors").await;
    ada.submit(&format!("/settings/factors/passkeys/{id}/remove"), &[]).await;
    assert_eq!((ada.page.status, ada.page.location()), (303, "/settings/factors"), "{:?}", ada.page);
    let (mut browser, options) = asked(&town.c).await;
    browser.submit("/login/passkey", &[("answer", &other.show(&options).to_string())]).await;
    assert!(is_in(&mut browser).await, "the other one opens it");
}
