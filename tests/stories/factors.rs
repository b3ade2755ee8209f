//! Stories of second factors by hand, on SQLite and on PostgreSQL: codes by time, recovery codes, and the log-in between
//! the password and them. What counts once counts once, whoever shows it at the same time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Answer, Coordinator, PASSWORD};
use common::page::Browser;
use common::totp::{Authenticator, add_app};
use futures_util::future::join_all;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use wonder::core::secret::Secret;
use wonder::service::user::{self, Operator, Reset};
use wonder::service::{factor, key_ring};
use wonder::store::sealed_secret;

crate::coordinator_stories! {
    codes_by_time_are_asked_for_and_never_count_twice
    a_recovery_code_works_once
    the_same_code_at_once_opens_one_log_in
    guesses_are_limited_and_tell_nothing_to_who_has_no_password
    a_half_log_in_is_short_and_of_one_browser
    changes_take_a_fresh_proof
    a_rotated_master_key_opens_what_the_old_one_sealed
    who_is_locked_out_is_let_in_on_the_host
}

const ADA: &str = "ada@example.org";
const STEP: Duration = Duration::from_secs(30);

/// A coordinator, and Ada with an authenticator app.
struct Town {
    c: Coordinator,
    ada: Browser,
    app: Authenticator,
    codes: Vec<String>,
}

impl Town {
    async fn new(c: Coordinator) -> Town {
        c.person(ADA).await;
        let mut ada = Browser::new(c.address);
        ada.log_in(ADA, PASSWORD).await;
        let (app, codes) = add_app(&c, &mut ada).await;
        c.later(STEP);
        Town { c, ada, app, codes }
    }

    /// The code that the app shows now.
    fn code(&self) -> String {
        self.app.code(self.c.clock.now())
    }

    /// A browser whose password was right.
    async fn halfway(&self) -> Browser {
        let mut browser = Browser::new(self.c.address);
        browser.get("/login").await;
        browser.submit("/login", &[("email", ADA), ("password", PASSWORD)]).await;
        assert_eq!(
            (browser.page.status, browser.page.location()),
            (303, "/login/step"),
            "{:?}",
            browser.page
        );
        browser.get("/login/step").await;
        browser
    }

    async fn log_in(&self, code: Option<&str>) -> Answer {
        log_in(&self.c, PASSWORD, code).await
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let count = self.c.app.store().read(move |read| read.first(sql, &[])?.unwrap().take::<i64>(0));
        count.await.unwrap()
    }
}

async fn log_in(c: &Coordinator, password: &str, code: Option<&str>) -> Answer {
    let mut body = json!({ "email": ADA, "password": password, "label": "a test" });
    if let Some(code) = code {
        body["code"] = code.into();
    }
    c.call("POST", "/api/v1/sessions", None, Some(body)).await
}

/// Whether the browser is logged in.
async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/settings").await.status == 200
}

async fn codes_by_time_are_asked_for_and_never_count_twice(c: Coordinator) {
    let (token, _) = c.person(ADA).await;
    let (mut ada, mut other) = (Browser::new(c.address), Browser::new(c.address));
    ada.log_in(ADA, PASSWORD).await;
    other.log_in(ADA, PASSWORD).await;
    let (app, codes) = add_app(&c, &mut ada).await;
    let mut town = Town { c, ada, app, codes };
    assert_eq!(town.codes.len(), 10);
    assert!(is_in(&mut town.ada).await && !is_in(&mut other).await, "log-ins of before ended");
    assert_eq!(town.c.get("/api/v1/session", &token).await.status, 401);

    // The code that switched it on does not count again.
    let used = town.code();
    assert_eq!(town.log_in(None).await.problem(), (401, "second_factor_required"));
    assert_eq!(town.log_in(Some(&used)).await.problem(), (401, "wrong_code"));
    let mut browser = town.halfway().await;
    assert!(!is_in(&mut browser).await, "a password alone opens nothing");
    browser.get("/login/step").await;
    browser.submit("/login/step", &[("code", &used)]).await;
    assert!(
        browser.page.status == 401 && browser.page.says("is wrong, or was used already"),
        "{:?}",
        browser.page
    );

    // The next one does, once, however it is written.
    town.c.later(STEP);
    let code = town.code();
    browser
        .submit("/login/step", &[("code", &format!("{} {}", &code[..3], &code[3..])), ("next", "/settings")])
        .await;
    assert_eq!((browser.page.status, browser.page.location()), (303, "/settings"), "{:?}", browser.page);
    assert!(is_in(&mut browser).await && !browser.cookies.contains_key("wonder-half"));
    assert_eq!(town.log_in(Some(&code)).await.problem(), (401, "wrong_code"));
    assert_eq!(town.log_in(Some(&used)).await.problem(), (401, "wrong_code"), "nor an older one");

    // A clock may be off by a step, not by two.
    let (now, off) = (town.c.clock.now(), town.app.code(town.c.clock.now().plus(2 * STEP)));
    assert_eq!(town.log_in(Some(&off)).await.problem(), (401, "wrong_code"));
    let ahead = town.app.code(now.plus(STEP));
    assert_eq!(town.log_in(Some(&ahead)).await.status, 201);
    town.c.later(STEP);
    assert_eq!(town.log_in(Some(&ahead)).await.problem(), (401, "wrong_code"));
    town.c.later(2 * STEP);
    let behind = town.app.code(now.plus(2 * STEP));
    assert_eq!(town.log_in(Some(&behind)).await.status, 201);
}

async fn a_recovery_code_works_once(c: Coordinator) {
    let mut town = Town::new(c).await;
    let first = town.codes[0].clone();
    let mut browser = town.halfway().await;
    browser.submit("/login/step", &[("code", &first.to_uppercase().replace('-', " "))]).await;
    assert_eq!(browser.page.status, 303, "{:?}", browser.page);
    assert!(browser.get("/settings").await.says("Of those you have left: 9."), "{:?}", browser.page);
    assert_eq!(town.log_in(Some(&first)).await.problem(), (401, "wrong_code"));
    assert_eq!(town.log_in(Some(&town.codes[1])).await.status, 201);
    assert!(town.ada.get("/settings/factors").await.says("8 left"));
    town.ada.submit("/settings/factors/codes", &[]).await;
    let renewed = town.ada.page.between("<li><code>", "</code>");
    assert_eq!(town.log_in(Some(&town.codes[2])).await.problem(), (401, "wrong_code"), "those of before");
    assert_eq!(town.log_in(Some(&renewed)).await.status, 201);
    let used = "SELECT COUNT(*) FROM audit_events WHERE action = 'recovery_code.use'";
    assert_eq!(town.count(used).await, 3);
    let hashes = "SELECT COUNT(*) FROM recovery_codes WHERE LENGTH(code_hash) = 32";
    assert_eq!(
        town.count(hashes).await,
        10,
        "those of before are gone, and of these the hashes alone are there"
    );
    // Without a factor there is nothing to recover.
    town.ada.get("/settings/factors").await;
    town.ada.submit("/settings/factors/app/remove", &[]).await;
    assert_eq!(town.count("SELECT COUNT(*) FROM recovery_codes").await, 0);
    assert_eq!(town.log_in(None).await.status, 201);
}

async fn the_same_code_at_once_opens_one_log_in(c: Coordinator) {
    let town = Town::new(c).await;
    for code in [town.code(), town.codes[0].clone()] {
        let tasks = (0..8).map(|_| town.log_in(Some(&code)));
        let answers = join_all(tasks).await;
        let opened = answers.iter().filter(|answer| answer.status == 201).count();
        let refused = answers.iter().filter(|answer| answer.problem() == (401, "wrong_code")).count();
        assert_eq!((opened, refused), (1, 7), "{answers:?}");
        town.c.later(Duration::from_secs(3600));
    }
    // One waiting log-in, ended eight times at once, is one log-in.
    let halfway = town.halfway().await;
    let (csrf, cookies, code) = (halfway.page.csrf(), halfway.cookies.clone(), town.code());
    let tasks = (0..8).map(|_| async {
        let mut browser = Browser::new(town.c.address);
        browser.cookies.clone_from(&cookies);
        browser.post("/login/step", &[("csrf", &csrf), ("code", &code)]).await;
        browser.cookies.get("wonder").cloned()
    });
    let opened: Vec<_> = join_all(tasks).await.into_iter().flatten().collect();
    assert_eq!(opened.len(), 1);
    let ways =
        ["password", "password", "password and code", "password and code", "password and recovery code"];
    assert_eq!(town.c.ways_in().await, ways, "each log-in is in the trail with what it took");
}

async fn guesses_are_limited_and_tell_nothing_to_who_has_no_password(c: Coordinator) {
    let town = Town::new(c).await;
    // Nobody learns of a factor, or of a right code, without the password.
    for code in [None, Some(town.code()), Some(town.codes[0].clone())] {
        assert_eq!(
            log_in(&town.c, "not the password", code.as_deref()).await.problem(),
            (401, "wrong_credentials")
        );
    }
    let bob =
        json!({ "email": "bob@example.org", "password": "not the password", "label": "x", "code": "123456" });
    let nobody = town.c.call("POST", "/api/v1/sessions", None, Some(bob)).await;
    assert_eq!(nobody.problem(), (401, "wrong_credentials"));
    town.c.later(Duration::from_secs(1800));
    let mut outcomes = Vec::new();
    for _ in 0..12 {
        outcomes.push(town.log_in(Some("000000")).await.status);
    }
    assert_eq!(outcomes.iter().filter(|status| **status == 429).count(), 2, "{outcomes:?}");
    let limited = town.log_in(Some(&town.codes[0])).await;
    assert_eq!(limited.problem(), (429, "too_many_attempts"), "a right one as well");
    assert!(limited.head.to_lowercase().contains("retry-after: 180"), "{limited:?}");
    town.c.later(Duration::from_secs(181));
    assert_eq!(town.log_in(Some(&town.codes[0])).await.status, 201);
    // Who has no factor may say what they like.
    town.c.person("bob@example.org").await;
    let bob = json!({ "email": "bob@example.org", "password": PASSWORD, "label": "x", "code": "123456" });
    assert_eq!(town.c.call("POST", "/api/v1/sessions", None, Some(bob)).await.status, 201);
    let refused = "SELECT COUNT(*) FROM audit_events WHERE code = 'wrong_code'";
    assert!(town.count(refused).await >= 10);
}

async fn a_half_log_in_is_short_and_of_one_browser(c: Coordinator) {
    let town = Town::new(c).await;
    let elsewhere = Browser::new(town.c.address).get("/login/step?next=/settings").await.clone();
    assert_eq!((elsewhere.status, elsewhere.location()), (303, "/login?next=/settings"));
    // Five may wait, for five minutes.
    let mut waiting = Vec::new();
    for _ in 0..7 {
        waiting.push(town.halfway().await);
        town.c.later(Duration::from_secs(1));
    }
    assert_eq!(town.count("SELECT COUNT(*) FROM half_log_ins").await, 5);
    let mut first = waiting.remove(0);
    first.submit("/login/step", &[("code", &town.code())]).await;
    assert_eq!(first.page.location(), "/login", "{:?}", first.page);
    town.c.later(Duration::from_secs(294));
    let mut last = waiting.pop().unwrap();
    assert_eq!(last.get("/login/step").await.status, 200);
    town.c.later(Duration::from_secs(6));
    let csrf = last.page.csrf();
    last.post("/login/step", &[("csrf", &csrf), ("code", &town.code())]).await;
    assert_eq!((last.page.status, last.page.location()), (303, "/login"));
    assert!(!is_in(&mut last).await);
    // It ends with the password that it was begun with, and with the account.
    let operator = Operator::local("test");
    let mut browser = town.halfway().await;
    let reset = Reset { password: Secret::new(PASSWORD), factors: false };
    user::reset_password(&town.c.app, &operator, ADA, reset).await.unwrap();
    browser.submit("/login/step", &[("code", &town.codes[0])]).await;
    assert_eq!(browser.page.location(), "/login");
    let mut browser = town.halfway().await;
    user::disable(&town.c.app, &operator, ADA).await.unwrap();
    browser.submit("/login/step", &[("code", &town.codes[0])]).await;
    assert_eq!(browser.page.location(), "/login");
    assert_eq!(town.log_in(Some(&town.codes[0])).await.problem(), (401, "account_disabled"));
}

async fn changes_take_a_fresh_proof(c: Coordinator) {
    let mut town = Town::new(c).await;
    assert_eq!(town.ada.get("/settings/factors").await.status, 200, "she has just logged in");
    town.c.later(Duration::from_secs(11 * 60));
    let confirm = "/settings/confirm?next=/settings/factors";
    for path in ["/settings/factors/app/remove", "/settings/factors/codes", "/settings/factors/app"] {
        town.ada.get("/settings").await;
        town.ada.submit(path, &[]).await;
        assert_eq!((town.ada.page.status, town.ada.page.location()), (303, confirm), "{path}");
    }
    assert_eq!(town.ada.get("/settings/factors").await.location(), confirm);
    // A browser that was left alone connects nobody else, and disconnects nobody.
    for path in ["/auth/oidc/home/link", "/settings/identities/home/disconnect"] {
        town.ada.get("/settings").await;
        town.ada.submit(path, &[]).await;
        let confirm = "/settings/confirm?next=/settings/identities";
        assert_eq!((town.ada.page.status, town.ada.page.location()), (303, confirm), "{path}");
    }
    // Nor does one who knows the password as well change it.
    town.ada.get("/settings").await;
    let change = [("present", PASSWORD), ("new", "a password of a thief")];
    town.ada.submit("/settings/password", &change).await;
    assert_eq!((town.ada.page.status, town.ada.page.location()), (303, "/settings/confirm?next=/settings"));
    town.ada.get(confirm).await;
    town.ada
        .submit("/settings/confirm", &[("password", "not the password"), ("next", "/settings/factors")])
        .await;
    assert!(
        town.ada.page.status == 403 && town.ada.page.says("a password is not enough"),
        "{:?}",
        town.ada.page
    );
    town.ada.submit("/settings/confirm", &[("password", PASSWORD)]).await;
    assert_eq!(town.ada.page.status, 403, "nor is the right one");
    assert!(!town.ada.page.says("type=\"password\""), "it is not asked for: {:?}", town.ada.page);
    town.ada.submit("/settings/confirm", &[("code", "000000")]).await;
    assert!(town.ada.page.status == 401 && town.ada.page.says("is wrong"), "{:?}", town.ada.page);
    let code = town.code();
    town.ada.submit("/settings/confirm", &[("code", &code), ("next", "/settings/factors")]).await;
    assert_eq!((town.ada.page.status, town.ada.page.location()), (303, "/settings/factors"));
    assert_eq!(town.ada.get("/settings/factors").await.status, 200);
    town.c.later(Duration::from_secs(11 * 60));
    town.ada.get(confirm).await;
    town.ada.submit("/settings/confirm", &[("code", &code)]).await;
    assert_eq!(town.ada.page.status, 401, "a code counts once here too");
    let recovery = town.codes[0].clone();
    town.ada.submit("/settings/confirm", &[("code", &recovery), ("next", "//evil.example")]).await;
    assert_eq!((town.ada.page.status, town.ada.page.location()), (303, "/settings"));
    town.ada.get("/settings/factors").await;
    town.ada.submit("/settings/factors/app/remove", &[]).await;
    assert_eq!((town.ada.page.status, town.ada.page.location()), (303, "/settings/factors"));
    assert_eq!(town.log_in(None).await.status, 201, "a password alone is enough again");
    let sealed = "SELECT COUNT(*) FROM sealed_secrets WHERE name LIKE 'codes by time%'";
    assert_eq!((town.count("SELECT COUNT(*) FROM totp").await, town.count(sealed).await), (0, 0));
    a_password_proves_alone_where_there_is_no_factor(&mut town).await;
    it_is_all_written_down(&town).await;
}

async fn it_is_all_written_down(town: &Town) {
    let told = "SELECT COUNT(*) FROM audit_events WHERE action = 'factor.refuse'";
    assert_eq!(town.count(told).await, 5);
    for action in ["totp.enable", "totp.disable", "recovery_code.create", "factor.prove"] {
        let seen = town.c.app.store().read(move |read| {
            let sql = "SELECT action FROM audit_events WHERE action = ?1";
            Ok(read.first(sql, &[action.into()])?.is_some())
        });
        assert!(seen.await.unwrap(), "{action}");
    }
    let sql = "SELECT target_name FROM audit_events WHERE action = 'factor.prove' ORDER BY at";
    let rows = town.c.app.store().read(move |read| read.query(sql, &[])).await.unwrap();
    let proofs: Vec<String> = rows.into_iter().map(|mut row| row.take(0).unwrap()).collect();
    let shown = ["code", "recovery code", "password"].map(|by| format!("{ADA}, by {by}"));
    assert_eq!(proofs, shown, "what was shown is written down");
}

async fn a_password_proves_alone_where_there_is_no_factor(town: &mut Town) {
    town.c.later(Duration::from_secs(11 * 60));
    town.ada.get("/settings/confirm?next=/settings/factors").await;
    town.ada.submit("/settings/confirm", &[("password", "not the password")]).await;
    assert!(town.ada.page.status == 401 && town.ada.page.says("is wrong"), "{:?}", town.ada.page);
    town.ada.submit("/settings/confirm", &[("password", PASSWORD)]).await;
    assert_eq!(town.ada.page.status, 303, "{:?}", town.ada.page);
    let sealed = "SELECT COUNT(*) FROM sealed_secrets WHERE name LIKE 'codes by time%'";
    // What is begun and never confirmed counts for nothing, and is forgotten.
    town.ada.get("/settings/factors").await;
    town.ada.submit("/settings/factors/app", &[]).await;
    assert_eq!((town.log_in(None).await.status, town.count(sealed).await), (201, 1));
    town.c.later(Duration::from_secs(3601));
    factor::sweep(&town.c.app).await.unwrap();
    assert_eq!((town.count("SELECT COUNT(*) FROM totp").await, town.count(sealed).await), (0, 0));
}

async fn a_rotated_master_key_opens_what_the_old_one_sealed(c: Coordinator) {
    let town = Town::new(c).await;
    let vault = Arc::clone(town.c.app.settings().master.as_ref().unwrap());
    let name = |secret: &sealed_secret::SealedSecret| secret.name.starts_with("codes by time of ");
    let before = town.c.app.store().read(sealed_secret::all).await.unwrap();
    let before = before.into_iter().find(name).unwrap();
    vault.add_key().unwrap();
    key_ring::rotate(&town.c.app, &Operator::local("test"), vault.ring()).await.unwrap();
    vault.forget_older().unwrap();
    let after = town.c.app.store().read(sealed_secret::all).await.unwrap();
    let after = after.into_iter().find(name).unwrap();
    assert!(before.key_id != after.key_id && before.sealed != after.sealed);
    assert_eq!(town.log_in(Some(&town.code())).await.status, 201);
    // A secret that is lost opens nothing; the recovery codes are for that.
    key_ring::reset(&town.c.app, &Operator::local("test")).await.unwrap();
    town.c.later(STEP);
    assert_eq!(town.log_in(Some(&town.code())).await.problem(), (401, "wrong_code"));
    assert_eq!(town.log_in(Some(&town.codes[0])).await.status, 201);
}

async fn who_is_locked_out_is_let_in_on_the_host(c: Coordinator) {
    let mut town = Town::new(c).await;
    let operator = Operator::local("test");
    let reset = |factors| Reset { password: Secret::new("another long password"), factors };
    user::reset_password(&town.c.app, &operator, ADA, reset(false)).await.unwrap();
    let asked = log_in(&town.c, "another long password", None).await;
    assert_eq!(asked.problem(), (401, "second_factor_required"), "a new password leaves the factors");
    user::reset_password(&town.c.app, &operator, ADA, reset(true)).await.unwrap();
    assert!(!is_in(&mut town.ada).await);
    assert_eq!(log_in(&town.c, "another long password", None).await.status, 201);
    let sealed = "SELECT COUNT(*) FROM sealed_secrets WHERE name LIKE 'codes by time%'";
    assert_eq!((town.count("SELECT COUNT(*) FROM recovery_codes").await, town.count(sealed).await), (0, 0));
    assert_eq!(town.count("SELECT COUNT(*) FROM audit_events WHERE action = 'factor.reset'").await, 1);
}
