//! `wonder org` as people and scripts use it: two people with the built command line, and a running coordinator.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::coordinator::Coordinator;
use common::wonder::Wonder;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

/// Somebody with an account who is logged in.
fn person(coordinator: &Coordinator, email: &str) -> Wonder {
    let made = coordinator.admin(&["user", "create", email, "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{made:?}");
    let wonder = Wonder::new();
    let login = ["login", coordinator.url(), "--email", email, "--password-stdin"];
    assert_eq!(wonder.run_with(&login, PASSWORD).code, 0);
    wonder
}

fn serve() -> Coordinator {
    Coordinator::options().args(&["--no-derp"]).start()
}

#[test]
fn an_organization_from_its_first_day_to_its_last() {
    let coordinator = serve();
    let (ada, bob) = (person(&coordinator, "ada@example.org"), person(&coordinator, "bob@example.org"));
    let made = ada.json(&["org", "create", "acme"])["organization"].clone();
    assert_eq!(
        (&made["name"], &made["role"], &made["personal"]),
        (&json!("acme"), &json!("owner"), &json!(false))
    );
    assert_eq!(ada.json(&["org", "use", "acme"])["organization"]["id"], made["id"]);
    let invited = ada.json(&["org", "invite", "bob@example.org", "--role", "admin", "--ttl", "1d"]);
    let code = invited["code"].as_str().unwrap();
    assert_eq!(invited["url"], format!("{}/invitation/{code}", coordinator.url()));
    assert_eq!(invited["invitation"]["role"], "admin");
    assert_eq!(ada.json(&["org", "invitations"])["invitations"][0]["status"], "open");
    let accepted = bob.json(&["org", "accept", invited["url"].as_str().unwrap()]);
    assert_eq!(accepted["organization"]["id"], made["id"]);
    let again = bob.run_with(&["org", "accept", "-"], &format!("{code}\n"));
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "{again:?}");
    assert!(again.stderr.contains("You are an admin of acme now."), "{again:?}");
    bob.json(&["org", "use", "acme"]);
    let members = bob.json(&["org", "members"]);
    let all: Vec<(&Value, &Value)> =
        members["members"].as_array().unwrap().iter().map(|m| (&m["email"], &m["role"])).collect();
    assert_eq!(
        all,
        [(&json!("ada@example.org"), &json!("owner")), (&json!("bob@example.org"), &json!("admin"))]
    );
    assert_eq!(ada.json(&["org", "role", "bob@example.org", "member"])["member"]["role"], "member");
    assert_eq!(bob.error(&["token", "list"], 4)["code"], "role_too_low");
    ada.json(&["org", "transfer", "bob@example.org", "--yes"]);
    let left = ada.json(&["org", "leave", "--yes"]);
    assert_eq!((&left["member"]["role"], &left["devices"]), (&json!("admin"), &json!([])));
    assert_eq!(
        ada.json(&["org", "show"])["organization"]["personal"],
        true,
        "the current one is one's own again"
    );
    let renamed = bob.json(&["org", "rename", "acme", "Acme Ltd"])["organization"].clone();
    assert_eq!((&renamed["name"], &renamed["realm"]), (&json!("Acme Ltd"), &made["realm"]));
    let deleted = bob.json(&["org", "delete", "Acme Ltd", "--yes"]);
    assert_eq!((&deleted["organization"]["id"], &deleted["nodes_removed"]), (&made["id"], &json!(0)));
    let by_id = bob.json(&["org", "create", "acme"])["organization"]["id"].clone();
    let deleted = bob.json(&["org", "delete", by_id.as_str().unwrap(), "--yes"]);
    assert_eq!(deleted["organization"]["id"], by_id, "an id is as good as a name");
    assert_eq!(bob.json(&["org", "list"])["organizations"].as_array().unwrap().len(), 1);
    assert_eq!(bob.json(&["org", "show"])["organization"]["name"], "bob");
}

#[test]
fn who_is_refused_is_told_what_to_do() {
    let coordinator = serve();
    let (ada, eve) = (person(&coordinator, "ada@example.org"), person(&coordinator, "eve@example.org"));
    let id = ada.json(&["org", "create", "acme"])["organization"]["id"].as_str().unwrap().to_owned();
    let at = |args: &[&'static str]| [args, &["--org", "acme"]].concat();
    for (args, code, exit) in [
        (vec!["org", "delete", "ada", "--yes"], "personal_organization", 6),
        (vec!["org", "leave", "--yes"], "personal_organization", 6),
        (vec!["org", "delete", "acme", "--confirm", "amce"], "not_confirmed", 2),
        (at(&["org", "leave", "--yes"]), "owner_stays", 6),
        (at(&["org", "remove", "bob@example.org", "--yes"]), "member_not_found", 5),
        (at(&["org", "revoke", "bob@example.org", "--yes"]), "invitation_not_found", 5),
        (at(&["org", "invite", "ada@example.org"]), "already_member", 6),
        (vec!["org", "accept", "wiv_unknown"], "invitation_not_found", 5),
        (vec!["org", "accept", "hello"], "malformed_code", 2),
        (vec!["org", "show", "nothing"], "organization_not_found", 5),
    ] {
        let error = ada.error(&args, exit);
        assert_eq!(error["code"], code, "{args:?}: {error}");
        assert!(error["hint"].is_string(), "{args:?}: {error}");
    }
    for args in
        [&["org", "members"][..], &["org", "invite", "x@example.org"], &["org", "rename", &id, "mine"]]
    {
        assert_eq!(eve.error(&[args, &["--org", &id]].concat(), 5)["code"], "organization_not_found");
    }
    let invited = ada.json(&at(&["org", "invite", "bob@example.org"]));
    let refused = eve.run(&["org", "accept", invited["code"].as_str().unwrap()]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(!refused.stderr.contains("acme") && !refused.stderr.contains("wiv_"), "{refused:?}");
}

#[test]
fn a_script_is_never_asked_and_people_read_sentences() {
    let nobody = Wonder::new();
    for args in [
        &["org", "delete", "acme"][..],
        &["org", "leave"],
        &["org", "remove", "bob@example.org"],
        &["org", "transfer", "bob@example.org"],
        &["org", "revoke", "bob@example.org"],
    ] {
        let error = nobody.error(args, 2);
        assert_eq!(error["code"], "not_confirmed", "{args:?}");
        assert!(error["hint"].as_str().unwrap().contains("--yes"), "{args:?}");
    }
    assert_eq!(
        nobody.error(&["org", "invite", "x@example.org", "--role", "owner"], 2)["code"],
        "invalid_value"
    );
    let coordinator = serve();
    let ada = person(&coordinator, "ada@example.org");
    let made = ada.run(&["org", "create", "acme"]);
    assert_eq!((made.code, made.stdout.as_str()), (0, ""));
    assert!(
        made.stderr.contains("Its domain is acme.wonder.internal.")
            && made.stderr.contains("wonder org use acme")
    );
    let quiet = ada.run(&["org", "invite", "bob@example.org", "--org", "acme", "-q"]);
    assert!(quiet.stdout.starts_with(&format!("{}/invitation/wiv_", coordinator.url())), "{quiet:?}");
    assert_eq!((quiet.stdout.lines().count(), quiet.stderr.as_str()), (1, ""));
    let shown = ada.run(&["org", "invite", "bob@example.org", "--org", "acme"]);
    assert!(
        shown.stdout.contains("wonder org accept wiv_") && shown.stdout.contains("as member"),
        "{shown:?}"
    );
    let table = ada.run(&["org", "invitations", "--org", "acme"]).stdout;
    assert!(table.starts_with("EMAIL") && table.contains("revoked") && table.contains("open"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let members = ada.run(&["org", "members", "--org", "acme"]).stdout;
    assert!(members.contains("ada@example.org") && members.contains("owner"), "{members}");
}

#[test]
fn who_was_removed_finds_their_way() {
    let coordinator = serve();
    let (ada, bob) = (person(&coordinator, "ada@example.org"), person(&coordinator, "bob@example.org"));
    ada.json(&["org", "create", "acme"]);
    ada.json(&["org", "use", "acme"]);
    let invited = ada.json(&["org", "invite", "bob@example.org"]);
    bob.json(&["org", "accept", invited["code"].as_str().unwrap()]);
    bob.json(&["org", "use", "acme"]);
    let removed = ada.json(&["org", "remove", "bob@example.org", "--yes"]);
    assert_eq!(
        (&removed["member"]["email"], &removed["devices_expired"]),
        (&json!("bob@example.org"), &json!(false))
    );
    let error = bob.error(&["node", "list"], 5);
    assert_eq!(error["code"], "organization_not_found");
    assert!(error["hint"].as_str().unwrap().contains("wonder org use"), "{error}");
    let who = bob.run(&["whoami"]);
    assert!(who.code == 0 && who.stdout.contains("bob") && who.stderr.contains("wonder org use"), "{who:?}");
    bob.json(&["org", "use", "bob"]);
    assert_eq!(bob.json(&["node", "list"]), json!({ "nodes": [] }));
}
