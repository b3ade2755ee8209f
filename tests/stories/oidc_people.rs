//! Stories of what an identity at a provider is worth once one is in, on SQLite and on PostgreSQL: it is connected and
//! disconnected, memberships stand on it, and what was refused is in the audit trail.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::oidc::add;
use common::page::Browser;
use common::strange::Signature;
use common::town::{Town, fails};
use serde_json::{Value, json};
use std::time::Duration;
use wonder::core::secret::Secret;
use wonder::service::oidc::{membership, provider};
use wonder::service::user::{self, Operator, Reset};

crate::coordinator_stories! {
    an_identity_is_disconnected_and_never_the_last_way_in
    a_membership_by_rule_stands_on_a_rule
    a_membership_by_rule_stands_on_log_ins
    a_disconnected_identity_takes_its_memberships_along
    what_was_refused_is_in_the_audit_trail_with_its_reason
    a_flood_of_refusals_is_counted_not_written
}

const DAY: Duration = Duration::from_secs(86_400);

/// Disconnects the identity that the page of the settings shows first.
async fn disconnect(browser: &mut Browser) -> (u16, String) {
    let page = browser.get("/settings").await;
    assert_eq!(page.status, 200, "{page:?}");
    let path =
        format!("/settings/identities/{}/disconnect", page.between("/settings/identities/", "/disconnect"));
    let page = browser.submit(&path, &[]).await;
    (page.status, if page.status == 303 { page.location().to_owned() } else { page.body.clone() })
}

async fn give_ada_a_password(c: &Coordinator) {
    let given = Reset { password: Secret::new(PASSWORD), factors: false };
    user::reset_password(&c.app, &Operator::local("test"), "ada@example.org", given).await.unwrap();
}

async fn an_identity_is_disconnected_and_never_the_last_way_in(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    let mut there = town.log_in("ada").await;
    let (status, said) = disconnect(&mut there).await;
    assert!(status == 409 && said.contains("last_way_in"), "{said}");
    assert_eq!(there.get("/settings").await.status, 200, "nothing has ended");

    give_ada_a_password(&town.c).await;
    let mut there = town.log_in("ada").await;
    let cli = town.c.log_in("ada@example.org").await;
    let list = town.c.get("/api/v1/identities", &cli).await;
    let [known] = &list.body["identities"].as_array().unwrap()[..] else { panic!("{list:?}") };
    assert_eq!((&known["provider"], &known["subject"]), (&json!("strange"), &json!("ada")));
    let path = format!("/api/v1/identities/{}", known["id"].as_str().unwrap());
    town.c.later(Duration::from_secs(11 * 60));
    let stale = town.c.call("DELETE", &path, Some(&cli), None).await;
    assert_eq!(stale.problem(), (403, "proof_needed"), "a log-in that is old proves nothing");
    let (owner, cli) = (town.c.log_in("owner@example.org").await, town.c.log_in("ada@example.org").await);
    let foreign = town.c.call("DELETE", &path, Some(&owner), None).await;
    assert_eq!(foreign.problem(), (404, "identity_not_found"), "it is hers alone");

    let mut here = Browser::new(town.c.address);
    here.log_in("ada@example.org", PASSWORD).await;
    assert_eq!(disconnect(&mut here).await, (303, "/settings".to_owned()));
    assert!(here.get("/settings").await.says("does not open your account any more"), "{:?}", here.page);
    assert_eq!(there.get("/settings").await.status, 303, "the log-in that came by it has ended");
    assert_eq!(town.c.get("/api/v1/session", &cli).await.status, 200, "one by password has not");
    let again = town.c.call("DELETE", &path, Some(&cli), None).await;
    assert_eq!(again.problem(), (404, "identity_not_found"));
    fails(&town.try_log_in("ada", |_| {}).await, 403, "account_exists", "it opens nothing by itself");
    let trail = town.c.get("/api/v1/audit?action=identity.unlink", &owner).await;
    let [event] = &trail.body["events"].as_array().unwrap()[..] else { panic!("{trail:?}") };
    assert_eq!(event["actor"]["name"], "ada@example.org");
    assert_eq!(event["target"]["name"], "ada@example.org");
}

/// A town with an organization that its provider's rules make members of.
struct Ruled {
    town: Town,
    founder: String,
    org: String,
}

impl Ruled {
    async fn new(c: Coordinator, roles: &[&str]) -> Ruled {
        let (founder, _) = c.person("founder@example.org").await;
        let made = c.post("/api/v1/organizations", &founder, json!({ "name": "crew" })).await;
        let org = made.body["organization"]["id"].as_str().unwrap().to_owned();
        let settings = json!({ "rules": rules(&org, roles), "bearer-audiences": ["wonder"] });
        Ruled { town: Town::new(c, settings).await, founder, org }
    }

    /// Ada logs in at the provider, which says that she is an operator.
    async fn ada(&self) -> Browser {
        let mut browser = Browser::new(self.town.c.address);
        let groups = |claims: &mut Value| claims["groups"] = json!(["operators"]);
        let back = self.town.leave(&mut browser, "ada", groups).await;
        assert_eq!(browser.get(&back).await.location(), "/");
        browser
    }

    /// What Ada is, after the coordinator has looked at all memberships by rule.
    async fn role(&self) -> Option<String> {
        membership::review(&self.town.c.app).await.unwrap();
        let path = format!("/api/v1/organizations/{}/members", self.org);
        let list = self.town.c.get(&path, &self.founder).await;
        let members = list.body["members"].as_array().unwrap_or_else(|| panic!("{list:?}"));
        assert!(members.iter().any(|member| member["role"] == "owner"), "the founder stays");
        let ada = members.iter().find(|member| member["email"] == "ada@example.org");
        ada.map(|member| member["role"].as_str().unwrap().to_owned())
    }

    /// Takes the provider out, and adds it with other rules.
    async fn rules_are(&self, roles: &[&str]) {
        self.remove().await;
        let settings = json!({ "name": "strange", "issuer": self.town.strange.issuer, "client-id": "wonder",
            "rules": rules(&self.org, roles), "bearer-audiences": ["wonder"] });
        add(&self.town.c, settings, "secret").await;
    }

    async fn remove(&self) {
        let name = "strange".parse().unwrap();
        provider::remove(&self.town.c.app, &Operator::local("test"), &name).await.unwrap();
    }
}

fn rules(org: &str, roles: &[&str]) -> Value {
    let rule = |role| json!({ "claim": "groups", "value": "operators", "organization": org, "role": role });
    roles.iter().map(rule).collect()
}

async fn a_membership_by_rule_stands_on_a_rule(c: Coordinator) {
    let ruled = Ruled::new(c, &["member", "admin"]).await;
    ruled.ada().await;
    assert_eq!(ruled.role().await.as_deref(), Some("admin"), "the highest role counts");
    ruled.rules_are(&["member"]).await;
    assert_eq!(ruled.role().await.as_deref(), Some("member"), "and is lowered when no rule gives it");
    ruled.rules_are(&["admin"]).await;
    assert_eq!(ruled.role().await.as_deref(), Some("member"), "only a log-in raises it");
    ruled.ada().await;
    assert_eq!(ruled.role().await.as_deref(), Some("admin"));
    ruled.rules_are(&[]).await;
    assert_eq!(ruled.role().await, None, "a rule that is gone ends it");
    ruled.rules_are(&["member"]).await;
    assert_eq!(ruled.role().await, None);
    ruled.ada().await;
    assert_eq!(ruled.role().await.as_deref(), Some("member"));
    ruled.remove().await;
    assert_eq!(ruled.role().await, None, "so does a provider that is gone");
    let path = format!("/api/v1/organizations/{}/audit?action=member", ruled.org);
    let trail = ruled.town.c.get(&path, &ruled.founder).await;
    let events = trail.body["events"].as_array().unwrap();
    let mut actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    // The clock stands still here, so their order says nothing.
    actions.sort_unstable();
    let expected =
        ["add", "add", "demote", "promote", "remove", "remove"].map(|verb| format!("member.{verb}"));
    assert_eq!(actions, expected);
    assert!(events.iter().all(|event| event["actor"]["kind"] == "coordinator"));
}

async fn a_membership_by_rule_stands_on_log_ins(c: Coordinator) {
    let ruled = Ruled::new(c, &["member"]).await;
    let c = &ruled.town.c;
    ruled.ada().await;
    c.later(29 * DAY);
    assert_eq!(ruled.role().await.as_deref(), Some("member"));
    // A token that speaks of the groups counts as a log-in, and one that says nothing of them does not.
    let token = |groups: Option<&str>| {
        let now = ruled.town.seconds();
        let mut claims = json!({ "iss": ruled.town.strange.issuer, "aud": "wonder", "sub": "ada", "iat": now,
            "exp": now + 300, "email": "ada@example.org", "email_verified": true });
        if let Some(group) = groups {
            claims["groups"] = json!([group]);
        }
        ruled.town.strange.sign(Signature::Es256, "at+jwt", &claims)
    };
    assert_eq!(c.get("/api/v1/session", &token(Some("operators"))).await.status, 200);
    c.later(20 * DAY);
    assert_eq!(c.get("/api/v1/session", &token(None)).await.status, 200);
    assert_eq!(ruled.role().await.as_deref(), Some("member"));
    c.later(11 * DAY);
    assert_eq!(ruled.role().await, None, "a month without a log-in there");
    ruled.ada().await;
    assert_eq!(ruled.role().await.as_deref(), Some("member"));
    ruled.town.c.later(DAY);
    let claims = json!({ "iss": ruled.town.strange.issuer, "aud": "wonder", "sub": "ada", "groups": ["others"],
        "iat": ruled.town.seconds(), "exp": ruled.town.seconds() + 300 });
    let token = ruled.town.strange.sign(Signature::Es256, "at+jwt", &claims);
    assert_eq!(ruled.town.c.get("/api/v1/session", &token).await.status, 200);
    assert_eq!(ruled.role().await, None, "a token that says she is no operator counts as well");
}

async fn a_disconnected_identity_takes_its_memberships_along(c: Coordinator) {
    let ruled = Ruled::new(c, &["admin"]).await;
    ruled.ada().await;
    give_ada_a_password(&ruled.town.c).await;
    let ada = ruled.town.c.log_in("ada@example.org").await;
    let keys = format!("/api/v1/organizations/{}/keys", ruled.org);
    let key = ruled.town.c.post(&keys, &ada, json!({ "name": "hers", "scopes": ["nodes:read"] })).await;
    let nodes = format!("/api/v1/organizations/{}/nodes", ruled.org);
    assert_eq!(ruled.town.c.get(&nodes, key.text("secret")).await.status, 200);
    let gone = ruled.town.c.call("DELETE", "/api/v1/identities/strange", Some(&ada), None).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(ruled.town.c.get(&nodes, &ada).await.problem(), (404, "organization_not_found"));
    assert_eq!(ruled.town.c.get(&nodes, key.text("secret")).await.status, 401, "nor by what she made");
    assert_eq!(ruled.role().await, None);
}

async fn what_was_refused_is_in_the_audit_trail_with_its_reason(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    let owner = town.c.log_in("owner@example.org").await;
    town.log_in("ada").await;
    let mut browser = Browser::new(town.c.address);
    browser.get("/auth/oidc/strange/callback?code=hush-hush&state=hush-hush").await;
    browser.get("/auth/oidc/hush-hush/callback?code=code&state=x").await;
    let back = town.leave(&mut browser, "ada", |claims| claims["nonce"] = "another".into()).await;
    browser.get(&back).await;
    browser.get(&back).await;
    let back = town.leave(&mut browser, "ada", |_| {}).await;
    town.c.later(Duration::from_secs(601));
    browser.get(&back).await;
    let now = town.seconds();
    town.try_log_in("ada", |claims| claims["exp"] = json!(now - 600)).await;
    town.strange.mind().userinfo = json!({ "sub": "eve" });
    town.try_log_in("eve", |claims| claims["email"] = Value::Null).await;
    town.try_log_in("eve", |claims| claims["email_verified"] = false.into()).await;
    town.try_log_in("ci", |claims| claims["preferred_username"] = "service-account-ci".into()).await;
    user::disable(&town.c.app, &Operator::local("test"), "ada@example.org").await.unwrap();
    town.try_log_in("ada", |_| {}).await;
    let back = town.leave(&mut browser, "eve", |_| {}).await;
    town.strange.mind().down = true;
    browser.get(&back).await;

    let trail = town.c.get("/api/v1/audit?action=identity.refuse", &owner).await;
    let events = trail.body["events"].as_array().unwrap();
    let told = |event: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        format!("{} {}", text(&event["target"]["name"]), text(&event["code"]))
    };
    let mut told: Vec<_> = events.iter().map(told).collect();
    // The clock stands still here, so their order says nothing.
    told.sort_unstable();
    let mut expected = [
        "strange login_state_unknown",
        "an unknown provider login_state_unknown",
        "strange nonce_mismatch",
        "strange login_state_used",
        "strange login_state_expired",
        "strange clock_off",
        "strange claim_missing",
        "strange email_unverified",
        "strange service_account",
        "strange account_disabled",
        "strange provider_unavailable",
    ];
    expected.sort_unstable();
    assert_eq!(told, expected);
    for event in events {
        assert_eq!((&event["result"], &event["actor"]["kind"]), (&json!("refused"), &json!("nobody")));
        assert!(event["address"].is_string(), "{event}");
    }
    assert!(!trail.body.to_string().contains("hush"), "nothing of what was brought is kept");
}

async fn a_flood_of_refusals_is_counted_not_written(c: Coordinator) {
    let (owner, _) = c.person("owner@example.org").await;
    let mut browser = Browser::new(c.address);
    for number in 0..60 {
        browser.get(&format!("/auth/oidc/nobody/callback?code=a&state={number}")).await;
    }
    c.later(Duration::from_secs(120));
    browser.get("/auth/oidc/nobody/callback?code=a&state=b").await;
    let trail = c.get("/api/v1/audit?action=identity.refuse", &owner).await;
    let events = trail.body["events"].as_array().unwrap();
    assert_eq!(events.len(), 21);
    assert!(events.iter().any(|event| event["unwritten"] == 40), "{trail:?}");
}
