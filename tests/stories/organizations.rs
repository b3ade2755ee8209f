//! Stories of organizations that several people share, over the HTTP API, on SQLite and on PostgreSQL: who
//! comes in, who goes, what ends with them, and that there is always exactly one owner.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Answer, Coordinator, PASSWORD};
use common::device::{Device, Encoding, Site};
use common::page::Browser;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

use wonder::service::user::{self, Operator};

crate::coordinator_stories! {
    an_organization_is_made_renamed_and_deleted
    a_personal_organization_stays
    an_invitation_makes_a_member
    an_invitation_is_for_one_account
    an_invitation_is_good_once_for_a_while_and_until_revoked
    of_many_who_accept_at_once_each_is_a_member_once
    an_invitation_ends_with_the_right_to_make_it
    only_the_owner_makes_and_removes_admins
    the_owner_stays_until_somebody_else_is
    of_many_transfers_at_once_one_happens
    transfers_and_removals_at_once_leave_exactly_one_owner
    what_somebody_made_ends_when_they_go
    what_an_admin_made_ends_when_they_are_one_no_more
    devices_of_who_goes_are_listed_and_by_choice_expired
    a_deleted_organization_is_gone_and_its_devices_are_told
    a_device_that_joins_while_its_organization_is_deleted_is_left_nowhere
    what_an_app_let_in_elsewhere_ends_with_the_organization_of_the_app
    who_is_disabled_is_shown_so_and_is_made_no_owner
    every_act_is_in_the_audit_trail
}

const DAY: Duration = Duration::from_secs(86_400);

fn at(org: &str, rest: &str) -> String {
    format!("/api/v1/organizations/{org}{rest}")
}

/// Makes an organization; gives its id.
async fn found(c: &Coordinator, owner: &str, name: &str) -> String {
    let made = c.post("/api/v1/organizations", owner, json!({ "name": name })).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["organization"]["id"].as_str().unwrap().to_owned()
}

async fn invite(c: &Coordinator, by: &str, org: &str, email: &str, role: &str) -> Answer {
    c.post(&at(org, "/invitations"), by, json!({ "email": email, "role": role })).await
}

async fn accept(c: &Coordinator, who: &str, code: &str) -> Answer {
    c.post("/api/v1/invitations/accept", who, json!({ "code": code })).await
}

/// Makes an account and lets it into an organization; gives its bearer token.
async fn member(c: &Coordinator, owner: &str, org: &str, email: &str, role: &str) -> String {
    let (bearer, _) = c.person(email).await;
    let invited = invite(c, owner, org, email, role).await;
    assert_eq!(invited.status, 201, "{invited:?}");
    let accepted = accept(c, &bearer, invited.text("code")).await;
    assert_eq!(
        (accepted.status, &accepted.body["organization"]["role"]),
        (200, &json!(role)),
        "{accepted:?}"
    );
    bearer
}

async fn delete(c: &Coordinator, who: &str, path: &str) -> Answer {
    c.call("DELETE", path, Some(who), None).await
}

async fn set_role(c: &Coordinator, who: &str, org: &str, email: &str, role: &str) -> Answer {
    let path = at(org, &format!("/members/{email}"));
    c.call("PATCH", &path, Some(who), Some(json!({ "role": role }))).await
}

async fn transfer(c: &Coordinator, who: &str, org: &str, email: &str) -> Answer {
    c.post(&at(org, "/transfer"), who, json!({ "member": email })).await
}

/// Everybody in the organization, as `role email`.
async fn members(c: &Coordinator, who: &str, org: &str) -> BTreeSet<String> {
    let listed = c.get(&at(org, "/members"), who).await;
    let all = listed.body["members"].as_array().unwrap_or_else(|| panic!("{listed:?}"));
    all.iter().map(|m| format!("{} {}", m["role"].as_str().unwrap(), m["email"].as_str().unwrap())).collect()
}

fn set<const N: usize>(all: [&str; N]) -> BTreeSet<String> {
    all.map(str::to_owned).into()
}

/// Ada's organization, with an admin and a member; their bearer tokens in this order, and its id.
async fn acme(c: &Coordinator) -> ([String; 3], String) {
    let (ada, _) = c.person("ada@example.org").await;
    let org = found(c, &ada, "acme").await;
    let adam = member(c, &ada, &org, "adam@example.org", "admin").await;
    let mia = member(c, &ada, &org, "mia@example.org", "member").await;
    ([ada, adam, mia], org)
}

async fn an_organization_is_made_renamed_and_deleted(c: Coordinator) {
    let (ada, own) = c.person("ada@example.org").await;
    let made = c.post("/api/v1/organizations", &ada, json!({ "name": "Acme & Sons" })).await;
    let org = made.body["organization"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made.body["organization"]["realm"]["domain"], "acme-sons.wonder.internal");
    assert_eq!(
        (&made.body["organization"]["role"], &made.body["organization"]["personal"]),
        (&json!("owner"), &json!(false))
    );
    let twin = c.post("/api/v1/organizations", &ada, json!({ "name": "Acme & Sons" })).await;
    assert_eq!(twin.body["organization"]["realm"]["domain"], "acme-sons-1.wonder.internal");
    let ambiguous = c.get(&at("Acme%20%26%20Sons", ""), &ada).await;
    assert_eq!(ambiguous.problem(), (400, "ambiguous_organization"));
    let renamed = c.call("PATCH", &at(&org, ""), Some(&ada), Some(json!({ "name": "Acme" }))).await;
    assert_eq!(renamed.body["organization"]["name"], "Acme");
    assert_eq!(renamed.body["organization"]["realm"], made.body["organization"]["realm"], "devices know it");
    let bad = c.call("PATCH", &at(&org, ""), Some(&ada), Some(json!({ "name": "a\nb" }))).await;
    assert_eq!(bad.problem(), (400, "malformed_name"));
    for (query, code) in [("", "malformed_query"), ("?confirm=acme", "not_confirmed")] {
        assert_eq!(delete(&c, &ada, &at(&org, query)).await.problem(), (400, code));
    }
    let deleted = delete(&c, &ada, &at(&org, "?confirm=Acme")).await;
    assert_eq!((deleted.status, &deleted.body["nodes_removed"]), (200, &json!(0)), "{deleted:?}");
    assert_eq!(c.get(&at(&org, ""), &ada).await.problem(), (404, "organization_not_found"));
    let left = c.get("/api/v1/organizations", &ada).await;
    assert_eq!(left.body["organizations"].as_array().unwrap().len(), 2);
    assert_eq!(left.body["organizations"][0]["id"], own);
    let again = c.post("/api/v1/organizations", &ada, json!({ "name": "Acme & Sons" })).await;
    let domain = &again.body["organization"]["realm"]["domain"];
    assert_eq!(domain, "acme-sons-2.wonder.internal", "the label of a deleted one is nobody's");
}

async fn a_personal_organization_stays(c: Coordinator) {
    let (ada, own) = c.person("ada@example.org").await;
    let refused = (409, "personal_organization");
    assert_eq!(delete(&c, &ada, &at(&own, "?confirm=ada")).await.problem(), refused);
    assert_eq!(delete(&c, &ada, &at(&own, "/membership")).await.problem(), refused);
    let bob = member(&c, &ada, &own, "bob@example.org", "admin").await;
    assert_eq!(transfer(&c, &ada, &own, "bob@example.org").await.problem(), refused);
    let mine = c.get("/api/v1/organizations", &bob).await;
    let names: Vec<_> = mine.body["organizations"].as_array().unwrap().iter().map(|o| &o["name"]).collect();
    assert_eq!(names, ["bob", "ada"], "one's own stands first");
    assert_eq!(delete(&c, &bob, &at(&own, "/membership")).await.status, 200, "a guest leaves");
}

async fn an_invitation_makes_a_member(c: Coordinator) {
    let (ada, _) = c.person("ada@example.org").await;
    let (bob, _) = c.person("bob@example.org").await;
    let org = found(&c, &ada, "acme").await;
    let invited = invite(&c, &ada, &org, "Bob@Example.org", "member").await;
    let (code, invitation) = (invited.text("code"), &invited.body["invitation"]);
    assert_eq!((&invitation["email"], &invitation["status"]), (&json!("bob@example.org"), &json!("open")));
    assert_eq!(invitation["invited_by"], "ada@example.org");
    assert_eq!(invitation["expires_at"], common::api::START.plus(7 * DAY).to_string());
    assert_eq!(invited.text("url"), format!("http://{}/invitation/{code}", c.address));
    assert_eq!(c.get(&at(&org, ""), &bob).await.problem(), (404, "organization_not_found"));
    let accepted = accept(&c, &bob, invited.text("url")).await;
    assert_eq!((accepted.status, accepted.body["organization"]["id"].as_str()), (200, Some(&*org)));
    assert_eq!(members(&c, &bob, &org).await, set(["owner ada@example.org", "member bob@example.org"]));
    let again = accept(&c, &bob, code).await;
    assert_eq!(again.status, 200, "who is in already has nothing to do");
    let listed = c.get(&at(&org, "/invitations"), &ada).await;
    assert_eq!(listed.body["invitations"][0]["status"], "accepted");
    let mut browser = Browser::new(c.address);
    browser.log_in("ada@example.org", PASSWORD).await;
    let page = browser.get(&format!("/o/{org}/members")).await;
    assert!(page.says("bob@example.org") && !page.says("in 7 days"), "it is over: {page:?}");
    assert!(!listed.body.to_string().contains(code));
    assert_eq!(invite(&c, &ada, &org, "bob@example.org", "admin").await.problem(), (409, "already_member"));
    assert_eq!(invite(&c, &ada, &org, "eve@example.org", "owner").await.problem(), (400, "role_by_transfer"));
    assert_eq!(invite(&c, &ada, &org, "eve", "member").await.problem(), (400, "malformed_email"));
}

async fn an_invitation_is_for_one_account(c: Coordinator) {
    let (ada, _) = c.person("ada@example.org").await;
    let (eve, _) = c.person("eve@example.org").await;
    let org = found(&c, &ada, "acme").await;
    let invited = invite(&c, &ada, &org, "bob@example.org", "admin").await;
    let (theirs, nobodys) =
        (accept(&c, &eve, invited.text("code")).await, accept(&c, &eve, "wiv_guess").await);
    assert_eq!(theirs.problem(), (404, "invitation_not_found"));
    let told = |answer: &Answer| {
        ["code", "detail", "hint", "title", "type"].map(|member| answer.body[member].clone())
    };
    assert_eq!(told(&theirs), told(&nobodys), "which of them it was is not told");
    assert_eq!(accept(&c, &eve, "hello").await.problem(), (400, "malformed_code"));
    let key = c.post("/api/v1/organizations/ada/keys", &ada, json!({ "name": "k" })).await;
    assert_eq!(accept(&c, key.text("secret"), "wiv_guess").await.problem(), (403, "people_only"));
    let mut tries = 0;
    while accept(&c, &eve, "wiv_guess").await.problem() != (429, "too_many_attempts") {
        tries += 1;
        assert!(tries < 50, "guessing goes on");
    }
    let (bob, _) = c.person("bob@example.org").await;
    assert_eq!(accept(&c, &bob, invited.text("code")).await.status, 200, "the guesser's limit is their own");
}

async fn an_invitation_is_good_once_for_a_while_and_until_revoked(c: Coordinator) {
    let (ada, _) = c.person("ada@example.org").await;
    let (bob, _) = c.person("bob@example.org").await;
    let org = found(&c, &ada, "acme").await;
    let first = invite(&c, &ada, &org, "bob@example.org", "member").await;
    // Of two in one millisecond nobody knows which is the newer one.
    c.later(Duration::from_millis(1));
    let second = invite(&c, &ada, &org, "bob@example.org", "member").await;
    let replaced = accept(&c, &bob, first.text("code")).await;
    assert_eq!(replaced.problem(), (403, "invitation_revoked"), "one at a time for an address");
    let path = at(&org, "/invitations/bob@example.org");
    let revoked = delete(&c, &ada, &path).await;
    assert_eq!(revoked.body["invitation"]["status"], "revoked", "{revoked:?}");
    assert_eq!(delete(&c, &ada, &path).await.body, revoked.body, "to revoke it twice changes nothing");
    assert_eq!(accept(&c, &bob, second.text("code")).await.problem(), (403, "invitation_revoked"));
    let third = c
        .post(&at(&org, "/invitations"), &ada, json!({ "email": "bob@example.org", "ttl_seconds": 60 }))
        .await;
    c.later(Duration::from_secs(60));
    assert_eq!(accept(&c, &bob, third.text("code")).await.problem(), (403, "invitation_expired"));
    let fourth = invite(&c, &ada, &org, "bob@example.org", "member").await;
    assert_eq!(accept(&c, &bob, fourth.text("code")).await.status, 200);
    assert_eq!(delete(&c, &ada, &path).await.problem(), (409, "invitation_accepted"));
    assert_eq!(delete(&c, &bob, &at(&org, "/membership")).await.status, 200);
    let used = accept(&c, &bob, fourth.text("code")).await;
    assert_eq!(used.problem(), (403, "invitation_used"), "who has left does not come back with it");
    for wish in [json!({ "ttl_seconds": 0 }), json!({ "ttl_seconds": 4_000_000_000u32 })] {
        let mut wish = wish;
        wish["email"] = "x@example.org".into();
        assert_eq!(c.post(&at(&org, "/invitations"), &ada, wish).await.problem(), (400, "malformed_ttl"));
    }
}

async fn of_many_who_accept_at_once_each_is_a_member_once(c: Coordinator) {
    let (ada, _) = c.person("ada@example.org").await;
    let (bob, _) = c.person("bob@example.org").await;
    let org = found(&c, &ada, "acme").await;
    let invited = invite(&c, &ada, &org, "bob@example.org", "member").await;
    let answers = join_all((0..16).map(|_| accept(&c, &bob, invited.text("code")))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(actions(&c, &org).await.iter().filter(|a| *a == "invitation.accept").count(), 1);
    let invited = invite(&c, &ada, &org, "cleo@example.org", "member").await;
    let (cleo, _) = c.person("cleo@example.org").await;
    let path = at(&org, "/invitations/cleo@example.org");
    let (accepted, revoked) = tokio::join!(accept(&c, &cleo, invited.text("code")), delete(&c, &ada, &path));
    let is_in = members(&c, &ada, &org).await.contains("member cleo@example.org");
    assert_eq!((accepted.status == 200, revoked.status == 200), (is_in, !is_in), "{accepted:?} {revoked:?}");
}

async fn an_invitation_ends_with_the_right_to_make_it(c: Coordinator) {
    let ([ada, adam, _], org) = acme(&c).await;
    let (bob, _) = c.person("bob@example.org").await;
    let invited = invite(&c, &adam, &org, "bob@example.org", "member").await;
    assert_eq!(set_role(&c, &ada, &org, "adam@example.org", "member").await.status, 200);
    assert_eq!(accept(&c, &bob, invited.text("code")).await.problem(), (403, "invitation_revoked"));
    let by_owner = invite(&c, &ada, &org, "bob@example.org", "admin").await;
    assert_eq!(transfer(&c, &ada, &org, "mia@example.org").await.status, 200);
    let late = accept(&c, &bob, by_owner.text("code")).await;
    assert_eq!(late.problem(), (403, "invitation_revoked"), "an admin makes no admins");
}

async fn only_the_owner_makes_and_removes_admins(c: Coordinator) {
    let ([ada, adam, mia], org) = acme(&c).await;
    let too_low = (403, "role_too_low");
    assert_eq!(invite(&c, &adam, &org, "bob@example.org", "admin").await.problem(), too_low);
    assert_eq!(invite(&c, &mia, &org, "bob@example.org", "member").await.problem(), too_low);
    assert_eq!(set_role(&c, &adam, &org, "mia@example.org", "admin").await.problem(), too_low);
    assert_eq!(delete(&c, &mia, &at(&org, "/members/adam@example.org")).await.problem(), too_low);
    let second = member(&c, &ada, &org, "ann@example.org", "admin").await;
    assert_eq!(delete(&c, &adam, &at(&org, "/members/ann@example.org")).await.problem(), too_low);
    let oneself = delete(&c, &adam, &at(&org, "/members/adam@example.org")).await;
    assert_eq!(oneself.problem(), (409, "that_is_you"));
    assert_eq!(delete(&c, &adam, &at(&org, "/members/mia@example.org")).await.status, 200);
    assert_eq!(c.get(&at(&org, ""), &mia).await.problem(), (404, "organization_not_found"), "at once");
    assert_eq!(delete(&c, &ada, &at(&org, "/members/ann@example.org")).await.status, 200);
    assert_eq!(c.get(&at(&org, "/members"), &second).await.status, 404);
    let nobody = delete(&c, &ada, &at(&org, "/members/nobody@example.org")).await;
    assert_eq!(nobody.problem(), (404, "member_not_found"));
    assert_eq!(members(&c, &ada, &org).await, set(["owner ada@example.org", "admin adam@example.org"]));
}

async fn the_owner_stays_until_somebody_else_is(c: Coordinator) {
    let ([ada, adam, _], org) = acme(&c).await;
    let stays = (409, "owner_stays");
    assert_eq!(delete(&c, &ada, &at(&org, "/membership")).await.problem(), stays);
    assert_eq!(delete(&c, &adam, &at(&org, "/members/ada@example.org")).await.problem(), stays);
    assert_eq!(set_role(&c, &ada, &org, "ada@example.org", "member").await.problem(), stays);
    let second = set_role(&c, &ada, &org, "adam@example.org", "owner").await;
    assert_eq!(second.problem(), (400, "role_by_transfer"));
    assert_eq!(transfer(&c, &ada, &org, "eve@example.org").await.problem(), (404, "member_not_found"));
    assert_eq!(transfer(&c, &ada, &org, "ada@example.org").await.body["member"]["role"], "owner");
    let moved = transfer(&c, &ada, &org, "mia@example.org").await;
    assert_eq!((moved.status, &moved.body["member"]["role"]), (200, &json!("owner")), "{moved:?}");
    let all = set(["admin ada@example.org", "admin adam@example.org", "owner mia@example.org"]);
    assert_eq!(members(&c, &ada, &org).await, all);
    assert_eq!(transfer(&c, &ada, &org, "adam@example.org").await.problem(), (403, "role_too_low"));
    assert_eq!(delete(&c, &ada, &at(&org, "/membership")).await.status, 200);
}

async fn of_many_transfers_at_once_one_happens(c: Coordinator) {
    let ([ada, adam, _], org) = acme(&c).await;
    let to = ["adam@example.org", "mia@example.org"];
    let answers = join_all((0..8).map(|n| transfer(&c, &ada, &org, to[n % 2]))).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{answers:?}");
    let owners = members(&c, &adam, &org).await.into_iter().filter(|m| m.starts_with("owner")).count();
    assert_eq!(owners, 1);
}

async fn transfers_and_removals_at_once_leave_exactly_one_owner(c: Coordinator) {
    let (ada, _) = c.person("ada@example.org").await;
    for round in 0..4 {
        let org = found(&c, &ada, &format!("acme{round}")).await;
        let email = format!("heir{round}@example.org");
        let heir = member(&c, &ada, &org, &email, "admin").await;
        let path = at(&org, &format!("/members/{email}"));
        let leave = at(&org, "/membership");
        let (given, removed, left, lowered) = tokio::join!(
            transfer(&c, &ada, &org, &email),
            delete(&c, &ada, &path),
            delete(&c, &heir, &leave),
            set_role(&c, &ada, &org, &email, "member"),
        );
        let asker = if given.status == 200 { &heir } else { &ada };
        let all = members(&c, asker, &org).await;
        let owners: Vec<_> = all.iter().filter(|m| m.starts_with("owner")).collect();
        assert_eq!(owners.len(), 1, "{all:?} {given:?} {removed:?} {left:?} {lowered:?}");
        let gone = removed.status == 200 || left.status == 200;
        assert!(!(gone && given.status == 200), "an owner has gone: {given:?} {removed:?} {left:?}");
    }
}

async fn what_somebody_made_ends_when_they_go(c: Coordinator) {
    let ([ada, adam, _], org) = acme(&c).await;
    let token = c.post(&at(&org, "/tokens"), &adam, json!({ "uses": 5, "name": "adam's" })).await;
    let key = c.post(&at(&org, "/keys"), &adam, json!({ "name": "k", "scopes": ["nodes:read"] })).await;
    let kept = c.post(&at(&org, "/tokens"), &ada, json!({ "name": "ada's" })).await;
    invite(&c, &adam, &org, "bob@example.org", "member").await;
    let elsewhere = c.post("/api/v1/organizations/adam/tokens", &adam, json!({})).await;
    let (secret, nodes) = (key.text("secret").to_owned(), at(&org, "/nodes"));
    assert_eq!(c.get(&nodes, &secret).await.status, 200);
    let gone = delete(&c, &ada, &at(&org, "/members/adam@example.org")).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    let counts = ["tokens_revoked", "keys_revoked", "invitations_revoked"].map(|n| gone.body[n].clone());
    assert_eq!(counts, [json!(1), json!(1), json!(1)]);
    assert_eq!(c.get(&nodes, &secret).await.status, 401);
    for (token, status) in [(&token, 403), (&kept, 201), (&elsewhere, 201)] {
        let joined =
            c.call("POST", "/api/v1/join", None, Some(json!({ "token": token.text("secret") }))).await;
        assert_eq!(joined.status, status, "{joined:?}");
    }
    assert_eq!(c.get("/api/v1/session", &adam).await.status, 200, "the log-in is the person's own");
}

async fn what_an_admin_made_ends_when_they_are_one_no_more(c: Coordinator) {
    let ([ada, adam, _], org) = acme(&c).await;
    let token = c.post(&at(&org, "/tokens"), &adam, json!({ "uses": 5 })).await;
    let key = c.post(&at(&org, "/keys"), &adam, json!({ "name": "k" })).await;
    let lowered = set_role(&c, &ada, &org, "adam@example.org", "member").await;
    assert_eq!(lowered.body["member"]["role"], "member", "{lowered:?}");
    assert_eq!(c.get(&at(&org, "/nodes"), key.text("secret")).await.problem().0, 401);
    let joined = c.call("POST", "/api/v1/join", None, Some(json!({ "token": token.text("secret") }))).await;
    assert_eq!(joined.problem(), (403, "token_revoked"));
    assert_eq!(c.get(&at(&org, "/tokens"), &adam).await.problem(), (403, "role_too_low"));
    assert_eq!(c.get(&at(&org, "/nodes"), &adam).await.status, 200);
}

/// A device of `who` in the organization, online, with the stream of what it is told.
async fn device(c: &Coordinator, who: &str, org: &str, name: &str) -> (Device, common::device::MapStream) {
    device_by(c, &c.post(&at(org, "/tokens"), who, json!({})).await, name).await
}

/// A device that joins by this token.
async fn device_by(c: &Coordinator, token: &Answer, name: &str) -> (Device, common::device::MapStream) {
    let site = Site::at(c.address).await.unwrap();
    let mut device = Device::join(site, token.text("auth_key"), name).await;
    let stream = device.online(Encoding::Zstd).await.unwrap();
    (device, stream)
}

/// Waits until the device is told that its key is over.
async fn told_expired(stream: &mut common::device::MapStream) {
    let told = async {
        loop {
            let message = stream.next().await.unwrap();
            if message["Node"]["Expired"] == true {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("the device is told in time");
}

async fn devices_of_who_goes_are_listed_and_by_choice_expired(c: Coordinator) {
    let ([ada, adam, _], org) = acme(&c).await;
    let (_kept, _ada_stream) = device(&c, &ada, &org, "kept").await;
    let (mut laptop, mut stream) = device(&c, &adam, &org, "laptop").await;
    let gone = delete(&c, &adam, &at(&org, "/membership")).await;
    let names = |gone: &Answer| -> Vec<String> {
        let all = gone.body["devices"].as_array().unwrap_or_else(|| panic!("{gone:?}"));
        all.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((names(&gone), &gone.body["devices_expired"]), (vec!["laptop".to_owned()], &json!(false)));
    assert_eq!(gone.body["devices"][0]["online"], true);
    assert_eq!(laptop.report(&[]).await.unwrap().status, 200, "it is in still");
    let invited = invite(&c, &ada, &org, "adam@example.org", "member").await;
    assert_eq!(accept(&c, &adam, invited.text("code")).await.status, 200);
    let path = at(&org, "/members/adam@example.org?expire_devices=true");
    let gone = delete(&c, &ada, &path).await;
    assert_eq!((names(&gone), &gone.body["devices_expired"]), (vec!["laptop".to_owned()], &json!(true)));
    told_expired(&mut stream).await;
    let node = c.get(&at(&org, "/nodes/laptop"), &ada).await;
    assert_eq!(node.body["node"]["expires_at"], common::api::START.to_string());
    let kept = c.get(&at(&org, "/nodes/kept"), &ada).await;
    assert_eq!(kept.body["node"]["online"], true);
}

async fn a_deleted_organization_is_gone_and_its_devices_are_told(c: Coordinator) {
    let ([ada, adam, mia], org) = acme(&c).await;
    let (mut online, mut stream) = device(&c, &ada, &org, "online").await;
    let (mut away, closing) = device(&c, &ada, &org, "away").await;
    drop(closing);
    away.disconnect();
    let key = c.post(&at(&org, "/keys"), &ada, json!({ "name": "k" })).await;
    let token = c.post(&at(&org, "/tokens"), &ada, json!({ "reusable": true })).await;
    let invited = invite(&c, &ada, &org, "bob@example.org", "member").await;
    let (own, _own_stream) = device(&c, &ada, "ada", "own").await;
    assert_eq!(delete(&c, &adam, &at(&org, "?confirm=acme")).await.problem(), (403, "role_too_low"));
    let deleted = delete(&c, &ada, &at(&org, "?confirm=acme")).await;
    assert_eq!((deleted.status, &deleted.body["nodes_removed"]), (200, &json!(2)), "{deleted:?}");
    told_expired(&mut stream).await;
    assert_eq!(online.report(&[]).await.unwrap().status, 404);
    assert!(away.map_stream(Encoding::Zstd).await.is_err(), "nor does one that was away come back");
    let late = away.register(token.text("auth_key")).await.unwrap();
    assert!(late["Error"].as_str().is_some_and(|e| e.contains("no such join token")), "{late}");
    for bearer in [&ada, &adam, &mia] {
        assert_eq!(c.get(&at(&org, ""), bearer).await.problem(), (404, "organization_not_found"));
    }
    assert_eq!(c.get(&at(&org, "/nodes"), key.text("secret")).await.status, 401);
    let (bob, _) = c.person("bob@example.org").await;
    assert_eq!(accept(&c, &bob, invited.text("code")).await.status, 404);
    let rows = "SELECT (SELECT COUNT(*) FROM nodes) + (SELECT COUNT(*) FROM join_tokens) + \
        (SELECT COUNT(*) FROM api_keys) + (SELECT COUNT(*) FROM invitations)";
    let left = c.app.store().read(move |read| read.first(rows, &[])?.unwrap().take::<i64>(0)).await.unwrap();
    assert_eq!(left, 2, "Ada's own device, and the token that it joined with");
    let mut own = own;
    assert_eq!(own.report(&[]).await.unwrap().status, 200, "other realms go on");
    assert!(actions(&c, &org).await.contains(&"organization.delete".to_owned()));
}

async fn a_device_that_joins_while_its_organization_is_deleted_is_left_nowhere(c: Coordinator) {
    let (ada, _) = c.person("ada@example.org").await;
    for round in 0..4 {
        let org = found(&c, &ada, &format!("acme{round}")).await;
        let token = c.post(&at(&org, "/tokens"), &ada, json!({ "reusable": true })).await;
        let site = Site::at(c.address).await.unwrap();
        let joining = join_all((0..6).map(|n| {
            let mut device = Device::new(site, &format!("d{n}"));
            let key = token.text("auth_key");
            async move {
                // Refused or cut off, as it happens.
                let _ = device.register(key).await;
                device.map_stream(Encoding::Zstd).await.map(|stream| (device, stream))
            }
        }));
        let path = at(&org, &format!("?confirm=acme{round}"));
        let (deleted, joined) = tokio::join!(delete(&c, &ada, &path), joining);
        assert_eq!(deleted.status, 200, "{deleted:?}");
        for (_device, mut stream) in joined.into_iter().flatten() {
            let ended = async { while stream.next().await.is_ok() {} };
            tokio::time::timeout(Duration::from_secs(60), ended).await.expect("its stream ends");
        }
        let rows = "SELECT COUNT(*) FROM nodes";
        let left = c.app.store().read(move |read| read.first(rows, &[])?.unwrap().take::<i64>(0)).await;
        assert_eq!(left.unwrap(), 0);
    }
}

async fn what_an_app_let_in_elsewhere_ends_with_the_organization_of_the_app(c: Coordinator) {
    let (ada, _) = c.person("ada@example.org").await;
    let (bob, own) = c.person("bob@example.org").await;
    let org = found(&c, &ada, "platform").await;
    let app = c.post(&at(&org, "/apps"), &ada, json!({ "name": "deployer", "public": true })).await;
    assert_eq!(app.status, 201, "{app:?}");
    let token = c.post(&at(&own, "/tokens"), &bob, json!({ "tags": ["tag:deployer"] })).await;
    let (machine, mut stream) = device_by(&c, &token, "machine").await;
    // As if Bob had granted the app to let its machine in.
    let (app, bobs) = (app.body["app"]["id"].as_str().unwrap().to_owned(), own.clone());
    let grant = "0198f3c5-7b1a-7c3d-9e2f-0123456789ab";
    let granted = c.app.store().write(move |tx| {
        let grant_sql = "INSERT INTO grants (id, app_id, org_id, user_id, own, scopes, created_at) \
            SELECT ?1, ?2, ?3, m.user_id, 0, 'nodes:write', 1 FROM memberships m WHERE m.org_id = ?3";
        let (id, app, org) = (grant.into(), app.as_str().into(), bobs.as_str().into());
        tx.execute(grant_sql, &[id, app, org])?;
        let tokens = "UPDATE join_tokens SET grant_id = ?1 WHERE org_id = ?2";
        tx.execute(tokens, &[grant.into(), bobs.as_str().into()])
    });
    assert_eq!(granted.await.unwrap(), 1);
    assert_eq!(delete(&c, &ada, &at(&org, "?confirm=platform")).await.status, 200);
    told_expired(&mut stream).await;
    let node = c.get(&at(&own, "/nodes/machine"), &bob).await;
    assert_eq!(node.body["node"]["expires_at"], common::api::START.to_string());
    let tokens = c.get(&at(&own, "/tokens"), &bob).await;
    assert!(tokens.body["tokens"][0]["revoked_at"].is_string(), "{tokens:?}");
    drop(machine);
}

async fn who_is_disabled_is_shown_so_and_is_made_no_owner(c: Coordinator) {
    let ([ada, _, mia], org) = acme(&c).await;
    user::disable(&c.app, &Operator::local("test"), "mia@example.org").await.unwrap();
    assert_eq!(c.get(&at(&org, ""), &mia).await.status, 401);
    let listed = c.get(&at(&org, "/members"), &ada).await;
    let all = listed.body["members"].as_array().unwrap();
    let disabled: Vec<&Value> = all.iter().filter(|m| m["disabled"] == true).map(|m| &m["email"]).collect();
    assert_eq!(disabled, ["mia@example.org"]);
    assert_eq!(transfer(&c, &ada, &org, "mia@example.org").await.problem(), (409, "account_disabled"));
    assert_eq!(delete(&c, &ada, &at(&org, "/members/mia@example.org")).await.status, 200);
    let log_in = json!({ "email": "mia@example.org", "password": PASSWORD, "label": "" });
    assert_eq!(c.call("POST", "/api/v1/sessions", None, Some(log_in)).await.status, 401);
}

/// The actions of the organization's part of the audit trail.
async fn actions(c: &Coordinator, org: &str) -> Vec<String> {
    let sql = format!("SELECT action FROM audit_events WHERE org_id = '{org}' ORDER BY id");
    let read = move |read: &mut wonder::store::Read<'_>| {
        read.query(&sql, &[])?.iter_mut().map(|row| row.take::<String>(0)).collect()
    };
    c.app.store().read(read).await.unwrap()
}

async fn every_act_is_in_the_audit_trail(c: Coordinator) {
    let ([ada, adam, mia], org) = acme(&c).await;
    c.call("PATCH", &at(&org, ""), Some(&ada), Some(json!({ "name": "acme2" }))).await;
    invite(&c, &ada, &org, "bob@example.org", "member").await;
    delete(&c, &ada, &at(&org, "/invitations/bob@example.org")).await;
    c.post(&at(&org, "/tokens"), &adam, json!({})).await;
    c.post(&at(&org, "/keys"), &adam, json!({ "name": "k" })).await;
    invite(&c, &adam, &org, "bob@example.org", "member").await;
    set_role(&c, &ada, &org, "adam@example.org", "member").await;
    set_role(&c, &ada, &org, "adam@example.org", "admin").await;
    delete(&c, &mia, &at(&org, "/membership")).await;
    transfer(&c, &ada, &org, "adam@example.org").await;
    delete(&c, &adam, &at(&org, "/members/ada@example.org")).await;
    delete(&c, &adam, &at(&org, "?confirm=acme2")).await;
    let there: BTreeSet<_> = actions(&c, &org).await.into_iter().collect();
    for action in [
        "organization.create",
        "organization.rename",
        "organization.transfer",
        "organization.delete",
        "invitation.create",
        "invitation.accept",
        "invitation.revoke",
        "invitation.revoke_all",
        "token.revoke_all",
        "key.revoke_all",
        "member.promote",
        "member.demote",
        "member.leave",
        "member.remove",
    ] {
        assert!(there.contains(action), "{action} in {there:?}");
    }
}
