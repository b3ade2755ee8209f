//! Invitations by mail, through a real SMTP server (aiosmtpd, a process of its own), over each kind of way; and
//! what becomes of an invitation whose mail does not go out.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Answer, Coordinator, PASSWORD};
use common::coordinator::Coordinator as Program;
use common::mail::{MailServer, settings};
use common::page::Browser;
use common::wonder::Wonder;
use serde_json::{Value, json};

crate::coordinators_on_both_engines! {
    the_password_of_the_mail_server_is_kept_sealed
}

const LOG_IN: &str = "username = 'wonder'\npassword = 'hush hush'";

/// Ada invites Bob to an organization; what she is answered.
async fn invite(c: &Coordinator, ada: &str, name: &str) -> Answer {
    let made = c.post("/api/v1/organizations", ada, json!({ "name": name })).await;
    let path =
        format!("/api/v1/organizations/{}/invitations", made.body["organization"]["id"].as_str().unwrap());
    let invited = c.post(&path, ada, json!({ "email": "bob@example.org", "role": "admin" })).await;
    assert_eq!(invited.status, 201, "{invited:?}");
    invited
}

async fn accepted(c: &Coordinator, code: &str) -> bool {
    let (bob, _) = c.person("bob@example.org").await;
    c.post("/api/v1/invitations/accept", &bob, json!({ "code": code })).await.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_arrives_by_every_way() {
    for (flags, more) in [
        (&["--tls", "starttls", "--password", "hush hush"][..], LOG_IN.to_owned()),
        (&["--tls", "tls", "--password", "hush hush"], format!("tls = 'tls'\n{LOG_IN}")),
        (&["--tls", "none"], "tls = 'none'".to_owned()),
    ] {
        let server = MailServer::start(flags);
        let c = Coordinator::with_settings(&server.settings(&more)).await;
        let (ada, _) = c.person("ada@example.org").await;
        let invited = invite(&c, &ada, "Zoë's \"mesh\"").await;
        assert_eq!(invited.body["mail"], json!({ "sent": true, "code": null, "detail": null }));
        let mail = server.next();
        assert_eq!((&mail["from"], &mail["to"]), (&json!("mesh@example.org"), &json!(["bob@example.org"])));
        assert_eq!(mail["headers"]["From"], "Our mesh <mesh@example.org>");
        assert_eq!(mail["headers"]["Subject"], "ada@example.org invites you to Zoë's \"mesh\"");
        let has_log_in = more.contains("username");
        assert_eq!(mail["encrypted"], has_log_in, "{flags:?}");
        assert_eq!(mail["user"], if has_log_in { json!("wonder") } else { Value::Null });
        let text = mail["text"].as_str().unwrap();
        assert!(text.contains("as an admin") && text.contains("logged in as bob@example.org"), "{text}");
        let link = text.lines().find(|line| line.contains("/invitation/")).unwrap();
        assert_eq!(link, invited.text("url"));
        assert!(accepted(&c, link).await);
    }
}

/// The invitation is there, whatever becomes of its mail, and whoever made it is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_does_not_go_out_takes_nothing_back() {
    let closed = common::port::own();
    let refusing = MailServer::start(&["--tls", "none", "--refuse"]);
    let strict = MailServer::start(&["--tls", "starttls", "--password", "another one"]);
    let plain = MailServer::start(&["--tls", "none"]);
    let stalling = MailServer::start(&["--tls", "none", "--stall"]);
    let untrusted = settings(strict.port, LOG_IN);
    for (file, code, words) in [
        (settings(closed, "tls = 'none'"), "mail_unreachable", "there is no way to it"),
        (refusing.settings("tls = 'none'"), "mail_refused", "550"),
        (strict.settings(LOG_IN), "mail_refused", "535"),
        (untrusted, "mail_unreachable", ""),
        (plain.settings(LOG_IN), "mail_unreachable", ""),
        (stalling.settings("tls = 'none'"), "mail_unreachable", "in time"),
    ] {
        let c = Coordinator::with_settings(&file).await;
        let (ada, _) = c.person("ada@example.org").await;
        let invited = invite(&c, &ada, "acme").await;
        let report = &invited.body["mail"];
        assert_eq!((&report["sent"], &report["code"]), (&json!(false), &json!(code)), "{file}: {report}");
        assert!(report["detail"].as_str().unwrap().contains(words), "{file}: {report}");
        assert!(!invited.body.to_string().contains("hush") && !report.to_string().contains("mailbox"));
        assert!(accepted(&c, invited.text("code")).await, "{file}");
    }
    for server in [refusing, strict, plain, stalling] {
        assert!(server.is_empty(), "and nothing was sent in the clear, or to nobody");
    }
}

/// The password is neither in the settings nor, in the clear, in the database; a new one counts at once, and a new master key
/// changes nothing.
fn the_password_of_the_mail_server_is_kept_sealed() {
    let server = MailServer::start(&["--tls", "starttls", "--password", "hush hush"]);
    let file = server.directory().join("wonder.toml");
    std::fs::write(&file, server.settings("username = 'wonder'")).unwrap();
    let mut c = Program::options().args(&["--no-derp", "--config", file.to_str().unwrap()]).start();
    assert!(c.log().contains("wonder mail set-password"), "{}", c.log());
    let run = c.admin(&["user", "create", "ada@example.org", "--password-stdin"], PASSWORD);
    assert_eq!(run.code, 0, "{run:?}");
    let wonder = Wonder::new();
    wonder.json_with(&["login", c.url(), "--email", "ada@example.org", "--password-stdin"], PASSWORD);
    wonder.json(&["org", "create", "acme"]);
    let invite = || wonder.json(&["org", "invite", "bob@example.org", "--org", "acme"])["mail"].clone();
    let unsent = |code: &str| {
        let report = invite();
        assert_eq!((&report["sent"], &report["code"]), (&json!(false), &json!(code)), "{report}");
        assert!(!report.to_string().contains("hush"), "{report}");
    };
    let sent = || {
        assert_eq!(invite()["sent"], true);
        assert_eq!(server.next()["user"], "wonder");
    };
    let done = |args: &[&str], stdin: &str, c: &Program| {
        let run = c.admin(args, stdin);
        assert!(run.code == 0 && !run.stdout.contains("hush") && !run.stderr.contains("hush"), "{run:?}");
    };
    let set = ["mail", "set-password", "--password-stdin"];
    unsent("mail_password_missing");
    done(&set, "hush, but another\n", &c);
    unsent("mail_refused");
    done(&set, "hush hush\n", &c);
    sent();
    done(&["key-ring", "rotate"], "", &c);
    sent();
    c.restart();
    sent();
    done(&["key-ring", "rotate", "--forget"], "", &c);
    sent();
    for entry in std::fs::read_dir(c.data_dir()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(9).any(|window| window == b"hush hush"));
    }
    let told = wonder.json(&["audit", "--all", "--action", "mail.set_password"]);
    assert_eq!(told["events"].as_array().unwrap().len(), 2, "{told}");

    // Without its key it does not start, and says why; the way out forgets the password with the rest.
    c.stop();
    std::fs::write(c.data_dir().join("master.key"), "0".repeat(64)).unwrap();
    let refused = c.admin(&["serve", "--no-derp", "--listen", "127.0.0.1:0"], "");
    assert!(refused.code == 1 && refused.stderr.contains("A lost master key"), "{refused:?}");
    done(&["key-ring", "reset", "--yes"], "", &c);
    c.restart();
    unsent("mail_password_missing");
    done(&set, "hush hush", &c);
    sent();
    assert_eq!(c.admin(&["mail", "forget-password"], "").code, 2, "it asks");
    done(&["mail", "forget-password", "--yes"], "", &c);
    assert_eq!(c.admin(&["mail", "forget-password", "--yes"], "").code, 5);
    unsent("mail_password_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_invites_may_send_the_link_themselves() {
    let server = MailServer::start(&["--tls", "none"]);
    let c = Coordinator::with_settings(&server.settings("tls = 'none'")).await;
    let (ada, org) = c.person("ada@example.org").await;
    let path = format!("/api/v1/organizations/{org}/invitations");
    let quiet = c.post(&path, &ada, json!({ "email": "bob@example.org", "mail": false })).await;
    assert_eq!((quiet.status, &quiet.body["mail"]), (201, &Value::Null), "{quiet:?}");
    let url = format!("http://{}", c.address);
    let wonder = Wonder::new().env("WONDER_COORDINATOR", &url).env("WONDER_TOKEN", &ada);
    let run = tokio::task::block_in_place(|| wonder.run(&["org", "invite", "cleo@example.org", "--no-mail"]));
    assert!(run.code == 0 && !run.stderr.contains("Mailed"), "{run:?}");

    let mut browser = Browser::new(c.address);
    browser.log_in("ada@example.org", PASSWORD).await;
    let page = browser.get("/o/ada/members/invite").await;
    assert!(page.says("name=\"mail\" value=\"on\" checked"), "mailed unless one says otherwise: {page:?}");
    let fields = [("email", "dan@example.org"), ("role", "member"), ("ttl", "1d")];
    assert!(!browser.submit("/o/ada/members/invite", &fields).await.says("by mail"), "{:?}", browser.page);
    browser.get("/o/ada/members/invite").await;
    let fields = [("email", "eve@example.org"), ("role", "member"), ("ttl", "1d"), ("mail", "on")];
    assert!(browser.submit("/o/ada/members/invite", &fields).await.says("by mail"), "{:?}", browser.page);
    assert_eq!(server.next()["to"], json!(["eve@example.org"]), "hers is the first that was sent");
    assert!(server.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_there_is_no_mail() {
    let c = Coordinator::on_sqlite().await;
    let (ada, _) = c.person("ada@example.org").await;
    assert_eq!(invite(&c, &ada, "acme").await.body["mail"], Value::Null);
}
