//! Stories of log-ins at providers that misbehave, on SQLite and on PostgreSQL: each failure has a page with a code of
//! its own, and whatever does not prove who somebody is opens nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::oidc::{add, field, leave};
use common::page::Browser;
use common::strange::Signature;
use common::town::{Town, fails};
use serde_json::{Value, json};
use std::time::Duration;
use wonder::core::secret::Secret;
use wonder::service::oidc::log_out;
use wonder::service::user::{self, Operator};

crate::coordinator_stories! {
    a_log_in_by_every_algorithm_that_counts
    what_comes_back_counts_once_in_time_and_in_its_own_browser
    a_token_that_proves_nothing_opens_nothing
    whose_account_it_is_follows_the_rules
    a_provider_that_is_away_or_refuses_is_told_as_such
    keys_are_fetched_again_for_an_unknown_one_and_not_for_ever
    a_provider_that_names_no_keys_may_change_its_only_one
    logout_tokens_end_what_they_name_once
    a_log_out_that_cannot_be_judged_now_is_told_again
    a_removed_provider_opens_nothing
}

async fn a_log_in_by_every_algorithm_that_counts(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    for (signature, who) in [(Signature::Es256, "ada"), (Signature::EdDsa, "bob")] {
        town.strange.mind().signature = signature;
        let mut browser = town.log_in(who).await;
        assert!(browser.follow("/").await.says(&format!("{who}@example.org")));
    }
    // Many providers say the rest at their userinfo endpoint alone.
    town.strange.mind().userinfo =
        json!({ "sub": "eve", "email": "eve@example.org", "email_verified": true });
    let thin = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove("email"));
    assert_eq!(town.try_log_in("eve", thin).await.location(), "/");
    let unsaid = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove("email_verified"));
    assert_eq!(town.try_log_in("eve", unsaid).await.location(), "/");
    let other = town.try_log_in("mallory", thin).await;
    fails(&other, 403, "id_token_invalid", "userinfo of somebody else");
    // For several at once it is good where it says who asked.
    let several = |claims: &mut Value| {
        claims["aud"] = json!(["wonder", "other"]);
        claims["azp"] = "wonder".into();
    };
    assert_eq!(town.try_log_in("ada", several).await.location(), "/");
}

async fn what_comes_back_counts_once_in_time_and_in_its_own_browser(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    let mut browser = Browser::new(town.c.address);
    for nothing in ["", "?code=code", "?code=code&state=", "?code=code&state=guess", "?state=a&state=b"] {
        let page = browser.get(&format!("/auth/oidc/strange/callback{nothing}")).await.clone();
        fails(&page, 403, "login_state_unknown", nothing);
    }
    let back = town.leave(&mut browser, "ada", |_| {}).await;
    let mut other = Browser::new(town.c.address);
    fails(other.get(&back).await, 403, "login_state_other_browser", "stolen");
    leave(&mut other, "strange").await;
    fails(other.get(&back).await, 403, "login_state_other_browser", "stolen by one who left too");
    let elsewhere = back.replace("/strange/", "/other/");
    fails(browser.get(&elsewhere).await, 403, "login_state_unknown", "another provider's");
    assert_eq!(browser.get(&back).await.location(), "/", "all that has used nothing up");
    fails(browser.get(&back).await, 403, "login_state_used", "again");

    let back = town.leave(&mut other, "ada", |_| {}).await;
    town.c.later(Duration::from_secs(601));
    fails(other.get(&back).await, 403, "login_state_expired", "late");

    let mut late = Browser::new(town.c.address);
    let back = town.leave(&mut late, "ada", |claims| claims["nonce"] = "another".into()).await;
    fails(late.get(&back).await, 403, "nonce_mismatch", "nonce");
    let back = town.leave(&mut late, "ada", |_| {}).await;
    fails(late.get(&format!("{back}&iss=https%3A%2F%2Fevil.example")).await, 403, "issuer_mismatch", "iss");
    let page = late.get("/login?next=/settings/identities").await;
    assert!(page.says("/auth/oidc/strange/login"), "{page:?}");
    let url = {
        late.submit("/auth/oidc/strange/login", &[("next", "/settings/identities")]).await;
        common::oidc::destination(&late)
    };
    {
        let claims = town.claims("ada", field(&url, "nonce"));
        let mut mind = town.strange.mind();
        mind.claims = claims;
        field(&url, "code_challenge").clone_into(&mut mind.challenge);
    }
    let back = format!("/auth/oidc/strange/callback?code=code&state={}", field(&url, "state"));
    assert_eq!(
        late.get(&back).await.location(),
        "/settings/identities",
        "it leads on to where one was going"
    );
    let refused = late.get("/auth/oidc/strange/login").await;
    assert_eq!(refused.status, 405, "nobody sets out by a link");
}

async fn a_token_that_proves_nothing_opens_nothing(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    for signature in [Signature::None, Signature::Hs256, Signature::Foreign, Signature::Unknown] {
        town.strange.mind().signature = signature;
        fails(&town.try_log_in("ada", |_| {}).await, 403, "id_token_invalid", &format!("{signature:?}"));
    }
    town.strange.mind().signature = Signature::Es256;
    let now = town.seconds();
    let changes: [(&str, Value, &str); 8] = [
        ("iss", json!("https://evil.example"), "id_token_invalid"),
        ("aud", json!("another"), "id_token_invalid"),
        ("aud", json!(["wonder", "another"]), "id_token_invalid"),
        ("azp", json!("another"), "id_token_invalid"),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), "id_token_invalid"),
        ("exp", json!(now - 61), "clock_off"),
        ("iat", json!(now + 120), "clock_off"),
        ("nbf", json!(now + 120), "clock_off"),
    ];
    for (name, value, code) in changes {
        let page = town.try_log_in("ada", |claims| claims[name] = value.clone()).await;
        fails(&page, 403, code, &format!("{name}: {value}"));
    }
    let near = |claims: &mut Value| {
        claims["iat"] = json!(now + 50);
        claims["exp"] = json!(now - 50);
    };
    assert_eq!(town.try_log_in("ada", near).await.location(), "/", "a minute is allowed");
}

async fn whose_account_it_is_follows_the_rules(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    town.strange.mind().userinfo = json!({ "sub": "ada" });
    for (name, value, code) in [
        ("email", Value::Null, "claim_missing"),
        ("email", json!("nonsense"), "claim_missing"),
        ("email_verified", json!(false), "email_unverified"),
        ("email_verified", Value::Null, "email_unverified"),
        ("preferred_username", json!("service-account-ci"), "service_account"),
    ] {
        let page = town.try_log_in("ada", |claims| claims[name] = value.clone()).await;
        fails(&page, 403, code, &format!("{name}: {value}"));
    }
    let owner = town.try_log_in("owner", |_| {}).await;
    fails(&owner, 403, "account_exists", "an address is not enough");

    let mut ada = town.log_in("ada").await;
    let renamed = |claims: &mut Value| {
        claims["email"] = "owner@example.org".into();
        claims["email_verified"] = false.into();
    };
    let mut again = Browser::new(town.c.address);
    let back = town.leave(&mut again, "ada", renamed).await;
    assert_eq!(again.get(&back).await.location(), "/");
    assert!(again.follow("/").await.says("ada@example.org"), "who is known is known by the subject alone");

    // What belongs to somebody is connected with nobody else.
    let mut owner = Browser::new(town.c.address);
    owner.log_in("owner@example.org", PASSWORD).await;
    let link = async |browser: &mut Browser, who: &str| {
        browser.get("/settings/identities").await;
        browser.submit("/auth/oidc/strange/link", &[]).await;
        let url = common::oidc::destination(browser);
        let claims = town.claims(who, field(&url, "nonce"));
        let mut mind = town.strange.mind();
        mind.claims = claims;
        field(&url, "code_challenge").clone_into(&mut mind.challenge);
        format!("/auth/oidc/strange/callback?code=code&state={}", field(&url, "state"))
    };
    let back = link(&mut owner, "ada").await;
    fails(owner.get(&back).await, 409, "identity_taken", "ada's");
    let back = link(&mut owner, "boss").await;
    let mut gone = Browser::new(town.c.address);
    gone.cookies.clone_from(&owner.cookies);
    gone.cookies.remove("wonder");
    fails(gone.get(&back).await, 403, "link_lost", "logged out meanwhile");
    let back = link(&mut owner, "boss").await;
    assert_eq!(owner.get(&back).await.location(), "/settings/identities");
    assert!(town.log_in("boss").await.follow("/").await.says("owner@example.org"));

    user::disable(&town.c.app, &Operator::local("test"), "ada@example.org").await.unwrap();
    assert_eq!(ada.get("/settings/identities").await.status, 303);
    fails(&town.try_log_in("ada", |_| {}).await, 403, "account_disabled", "disabled");

    let strict = json!({ "name": "strict", "issuer": format!("{}/", town.strange.issuer), "client-id": "x" });
    add(&town.c, strict, "secret").await;
    let mut browser = Browser::new(town.c.address);
    browser.get("/login").await;
    let page = browser.submit("/auth/oidc/strict/login", &[]).await;
    fails(page, 503, "provider_broken", "its document names another issuer");
}

async fn a_provider_that_is_away_or_refuses_is_told_as_such(c: Coordinator) {
    let town = Town::new(c, json!({ "create-accounts": false })).await;
    town.strange.mind().down = true;
    let mut browser = Browser::new(town.c.address);
    browser.get("/login").await;
    let away = browser.submit("/auth/oidc/strange/login", &[]).await;
    fails(away, 503, "provider_unavailable", "away at the start");
    town.strange.mind().down = false;
    town.c.later(Duration::from_secs(5));

    let back = town.leave(&mut browser, "ada", |_| {}).await;
    town.strange.mind().down = true;
    fails(browser.get(&back).await, 503, "provider_unavailable", "away in between");
    town.strange.mind().down = false;
    for (error, status, code) in
        [("invalid_grant", 403, "log_in_refused"), ("invalid_client", 503, "provider_misconfigured")]
    {
        town.strange.mind().error = Some(error);
        fails(&town.try_log_in("ada", |_| {}).await, status, code, error);
    }
    town.strange.mind().error = None;
    fails(&town.try_log_in("ada", |_| {}).await, 403, "account_unknown", "no account");

    for said in ["access_denied", "%3Cscript%3E"] {
        let back =
            town.leave(&mut browser, "ada", |_| {}).await.replace("code=code", &format!("error={said}"));
        let page = browser.get(&back).await;
        fails(page, 403, "log_in_refused", said);
        assert!(!page.says("script>alert") && !page.says("%3Cscript"), "{page:?}");
    }
    browser.get("/login").await;
    fails(browser.submit("/auth/oidc/nobody/login", &[]).await, 404, "provider_not_found", "unknown");
    // What was known of a provider stays known while it is away.
    town.c.later(Duration::from_secs(4000));
    town.strange.mind().down = true;
    leave(&mut browser, "strange").await;
}

/// Of an access token for the API.
fn access_claims(town: &Town) -> Value {
    json!({ "iss": town.strange.issuer, "aud": "wonder", "sub": "ada", "iat": town.seconds(),
        "exp": town.seconds() + 300, "email": "ada@example.org", "email_verified": true })
}

async fn keys_are_fetched_again_for_an_unknown_one_and_not_for_ever(c: Coordinator) {
    let town = Town::new(c, json!({ "bearer-audiences": ["wonder"] })).await;
    let claims = access_claims(&town);
    let token = town.strange.sign(Signature::Es256, "at+jwt", &claims);
    assert_eq!(town.c.get("/api/v1/session", &token).await.status, 200);
    let unknown = town.strange.sign(Signature::Unknown, "at+jwt", &claims);
    let mut refused = Vec::new();
    for _ in 0..20 {
        refused.push(town.c.get("/api/v1/session", &unknown).await.status);
    }
    assert!(refused.iter().all(|status| matches!(status, 401 | 429)), "{refused:?}");
    assert!(town.strange.mind().key_calls <= 5, "{} calls", town.strange.mind().key_calls);
    assert_eq!(town.c.get("/api/v1/session", &token).await.status, 200, "good ones are good all the while");
    for (name, value) in
        [("aud", json!("other")), ("nonce", json!("x")), ("typ", json!("ID")), ("exp", json!(1))]
    {
        let mut claims = claims.clone();
        claims[name] = value;
        let token = town.strange.sign(Signature::Es256, "JWT", &claims);
        assert_eq!(
            town.c.get("/api/v1/session", &token).await.problem(),
            (401, "token_not_accepted"),
            "{name}"
        );
    }
}

async fn a_provider_that_names_no_keys_may_change_its_only_one(c: Coordinator) {
    let town = Town::new(c, json!({ "bearer-audiences": ["wonder"] })).await;
    let claims = access_claims(&town);
    let turns = [Signature::Nameless, Signature::NamelessNext];
    for signature in turns {
        town.strange.mind().signature = signature;
        assert_eq!(town.try_log_in("ada", |_| {}).await.location(), "/", "{signature:?}");
    }
    town.c.later(Duration::from_secs(60));
    for signature in turns {
        town.strange.mind().signature = signature;
        let token = town.strange.sign(signature, "at+jwt", &claims);
        assert_eq!(town.c.get("/api/v1/session", &token).await.status, 200, "{signature:?}");
    }
    let withdrawn = town.strange.sign(turns[0], "at+jwt", &claims);
    assert_eq!(town.c.get("/api/v1/session", &withdrawn).await.problem(), (401, "token_not_accepted"));
}

async fn logout_tokens_end_what_they_name_once(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    let (mut first, mut other) = (town.log_in("ada").await, town.log_in("bob").await);
    let usual = |id: &str| town.logout(id);
    let tell = async |token: &str| town.tell(token).await;
    let bad: [(&str, Value); 8] = [
        ("aud", json!("other")),
        ("iss", json!("https://evil.example")),
        ("nonce", json!("x")),
        ("events", json!({})),
        ("jti", Value::Null),
        ("exp", json!(town.seconds() - 61)),
        ("exp", json!(town.seconds() + 100_000)),
        ("iat", Value::Null),
    ];
    for (number, (name, value)) in bad.into_iter().enumerate() {
        let mut claims = usual(&format!("bad {number}"));
        claims[name] = value;
        let answer = tell(&town.strange.sign(Signature::Es256, "logout+jwt", &claims)).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (400, &json!("invalid_request")),
            "{name}: {answer:?}"
        );
    }
    let mut nobody = usual("nobody");
    nobody.as_object_mut().unwrap().retain(|name, _| name != "sub" && name != "sid");
    for (signature, kind, claims) in [
        (Signature::None, "logout+jwt", usual("a")),
        (Signature::Foreign, "logout+jwt", usual("b")),
        (Signature::Es256, "at+jwt", usual("c")),
        (Signature::Es256, "logout+jwt", nobody),
    ] {
        let answer = tell(&town.strange.sign(signature, kind, &claims)).await;
        assert_eq!(answer.status, 400, "{signature:?} {kind}: {answer:?}");
    }
    assert_eq!(tell("nonsense").await.status, 400);
    let owner = town.c.log_in("owner@example.org").await;
    let trail = town.c.get("/api/v1/audit?action=identity.refuse", &owner).await;
    let events = trail.body["events"].as_array().unwrap();
    assert_eq!(events.len(), 13, "{trail:?}");
    assert!(events.iter().all(|event| event["code"] == "logout_token_invalid"), "{trail:?}");
    assert_eq!(first.get("/settings/identities").await.status, 200, "all that has ended nothing");

    let token = town.strange.sign(Signature::Es256, "logout+jwt", &usual("good"));
    let told = tell(&token).await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(first.get("/settings/identities").await.status, 303);
    assert_eq!(other.get("/settings/identities").await.status, 200);
    let mut again = town.log_in("ada").await;
    assert_eq!(tell(&token).await.status, 400, "a token counts once");
    let (shown, from) = (Secret::new(&*token), wonder::service::audit::Origin::default());
    let used = log_out::told(&town.c.app, "strange", &shown, from);
    assert!(used.await.unwrap_err().message().contains("used before"));
    assert_eq!(again.get("/settings/identities").await.status, 200);
    // Without a session all of the person's end.
    let mut all = usual("all");
    all.as_object_mut().unwrap().remove("sid");
    assert_eq!(tell(&town.strange.sign(Signature::EdDsa, "logout+jwt", &all)).await.status, 200);
    assert_eq!(again.get("/settings/identities").await.status, 303);
}

/// A provider takes 400 for its last word, and tells again after 503 (Back-Channel Logout 1.0 section 2.8).
async fn a_log_out_that_cannot_be_judged_now_is_told_again(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    let sign = |signature| town.strange.sign(signature, "logout+jwt", &town.logout("good"));
    let (good, forged, unknown) =
        (sign(Signature::Es256), sign(Signature::Foreign), sign(Signature::Unknown));
    let unjudged = async |token: &str, what: &str| {
        let answer = town.tell(token).await;
        assert_eq!(answer.problem(), (503, "provider_unavailable"), "{what}: {answer:?}");
        assert!(answer.head.to_lowercase().contains("retry-after: 5"), "{what}: {answer:?}");
        town.c.later(Duration::from_secs(5));
    };
    town.strange.mind().down = true;
    unjudged(&good, "nothing is known of it yet").await;
    assert_eq!(town.tell("nonsense").await.status, 400, "no key makes that a token");
    town.strange.mind().down = false;
    town.strange.mind().document.insert("jwks_uri".to_owned(), "http://127.0.0.1:1/jwks".into());
    unjudged(&good, "nobody answers where its keys are to be").await;

    town.strange.mind().document.clear();
    let mut ada = town.log_in("ada").await;
    town.strange.mind().down = true;
    unjudged(&unknown, "this may be by a new key of it").await;
    assert_eq!(town.tell(&forged).await.status, 400, "this is by none that it has");
    assert_eq!(ada.get("/settings/identities").await.status, 200, "all that has ended nothing");
    town.strange.mind().down = false;
    assert_eq!(town.tell(&unknown).await.status, 400, "there is no such key");
    assert_eq!(town.tell(&good).await.status, 200, "and it was told again");
    assert_eq!(ada.get("/settings/identities").await.status, 303);
}

async fn a_removed_provider_opens_nothing(c: Coordinator) {
    let town = Town::new(c, json!({ "bearer-audiences": ["wonder"] })).await;
    let mut ada = town.log_in("ada").await;
    let name = "strange".parse().unwrap();
    let operator = Operator::local("test");
    wonder::service::oidc::provider::remove(&town.c.app, &operator, &name).await.unwrap();
    assert_eq!(ada.get("/settings/identities").await.location(), "/login?next=/settings/identities");
    assert!(!ada.get("/login").await.says("strange"));
    let claims = json!({ "iss": town.strange.issuer, "aud": "wonder", "sub": "ada", "iat": town.seconds(),
        "exp": town.seconds() + 300 });
    let token = town.strange.sign(Signature::Es256, "at+jwt", &claims);
    assert_eq!(town.c.get("/api/v1/session", &token).await.problem(), (401, "token_not_accepted"));
    let again = wonder::service::oidc::provider::remove(&town.c.app, &operator, &name).await;
    assert_eq!(again.unwrap_err().code(), "provider_not_found");
}
