//! Stories of the providers' page: a provider is tried before it is kept, and what is wrong with it is told; it is seen,
//! and taken out, by whoever administers the coordinator and by nobody else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::coordinator::Coordinator as Program;
use common::oidc::{add, field, keep_time, leave};
use common::page::{Browser, Page};
use common::strange::Strange;
use common::town::Town;
use serde_json::json;
use std::time::Duration;
use wonder::core::provider::{Edit, SecretEdit};
use wonder::core::secret::Secret;
use wonder::mesh::native::derp::Certificate;
use wonder::runtime::Clock;
use wonder::service::oidc::provider;
use wonder::service::user::Operator;

crate::coordinator_stories! {
    who_changes_a_provider_undoes_nobody_else_s_change
}

const NEW: &str = "/coordinator/new-provider";
/// What lets an administrator add a provider of these stories, which is on this machine.
const AT_HOME: &str = "provider-networks = ['127.0.0.1']\n";

async fn owner_at(c: &Coordinator) -> Browser {
    c.person("owner@example.org").await;
    let mut browser = Browser::new(c.address);
    browser.log_in("owner@example.org", PASSWORD).await;
    browser
}

/// Sends the form for a provider of this issuer.
async fn try_add<'b>(browser: &'b mut Browser, issuer: &str, more: &[(&str, &str)]) -> &'b Page {
    browser.get(&format!("{NEW}?name=home")).await;
    let all = [("name", "home"), ("issuer", issuer), ("client_id", "wonder"), ("secret", "hush hush")];
    browser.submit(NEW, &[&all[..], more].concat()).await
}

/// A coordinator with a certificate that nobody vouches for: an OpenID provider too.
fn with_own_certificate() -> (Program, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let own = Certificate::self_signed(&["127.0.0.1".to_owned()], Clock::system().now()).unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (chain, key) = (file("chain", &own.certificate_pem), file("key", own.key_pem.reveal()));
    let args = ["--no-derp", "--tls-cert", &chain, "--tls-key", &key];
    (Program::options().args(&args).start(), directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_provider_is_told_before_it_is_kept() {
    let c = Coordinator::with_settings(AT_HOME).await;
    let mut browser = owner_at(&c).await;
    let strange = Strange::start().await;
    let (tls, _files) = tokio::task::block_in_place(with_own_certificate);
    let issuer = strange.issuer.as_str();
    let (spoken_to_as_tls, below) = (issuer.replace("http://", "https://"), format!("{issuer}/nothing"));
    let (closed, slash) = (common::port::closed_url(), format!("{issuer}/"));
    for (issuer, status, code, words) in [
        ("https://nowhere.invalid", 503, "DNS", "no such name"),
        (&closed, 503, "unreachable", "nothing listens there"),
        (&spoken_to_as_tls, 503, "TLS", "does not speak TLS"),
        (tls.url(), 503, "TLS", "its certificate is not trusted"),
        (&below, 503, "404", "no discovery document"),
        (&slash, 409, "issuer", &format!("calls itself {issuer}")),
        (issuer, 503, "clock", "behind this coordinator"),
        ("id.example.org", 400, "words", "is not the issuer of a provider"),
        ("http://id.example.org", 400, "TLS", "is reached without TLS"),
    ] {
        let page = try_add(&mut browser, issuer, &[]).await;
        assert_eq!(page.status, status, "{code}: {page:?}");
        assert!(page.says(words), "{code}: {words}: {page:?}");
        assert!(page.says(issuer) && !page.says("hush hush"), "what was typed stays, but for the secret");
        assert!(page.says("Add it all the same"));
    }
    strange.mind().down = true;
    keep_time(&c);
    assert!(try_add(&mut browser, issuer, &[]).await.says("it answers 502"));
    assert!(browser.get("/coordinator/providers").await.says("No provider yet"));

    // It is kept all the same where that is wished, and shown as what it is.
    let page = try_add(&mut browser, issuer, &[("untried", "on"), ("title", "Our home")]).await;
    assert_eq!((page.status, page.location()), (303, "/coordinator/providers/home"), "{page:?}");
    let page = browser.get("/coordinator/providers").await;
    assert!(page.says("Our home") && page.says("Not usable") && page.says("it answers 502"), "{page:?}");
    strange.mind().down = false;
    c.later(Duration::from_secs(5));
    browser.submit("/coordinator/providers", &[]).await;
    let page = browser.get("/coordinator/providers").await;
    assert!(page.says("Reachable") && !page.says("Not usable"), "{page:?}");
    assert_eq!(try_add(&mut browser, issuer, &[]).await.status, 409, "its name is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_asks_a_provider_when_somebody_says_so_and_not_for_ever() {
    let c = Coordinator::on_sqlite().await;
    keep_time(&c);
    let (mut browser, strange) = (owner_at(&c).await, Strange::start().await);
    // It takes every call and answers none.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    for (name, issuer) in [("home", &strange.issuer), ("silent", &silent)] {
        add(&c, json!({ "name": name, "issuer": issuer, "client-id": "wonder" }), "secret").await;
    }
    for path in ["/coordinator/providers", "/coordinator/providers/home", "/coordinator/providers/silent"] {
        let page = browser.get(path).await;
        assert!(page.status == 200 && page.says("Not asked yet"), "{page:?}");
    }
    assert_eq!(strange.mind().calls, 0, "to look asks nobody");
    let page = browser.submit("/coordinator/providers", &[]).await;
    assert_eq!((page.status, page.location()), (303, "/coordinator/providers"), "{page:?}");
    let page = browser.get("/coordinator/providers").await;
    assert!(page.says("Reachable") && page.says("does not answer within 5 s"), "{page:?}");
    let calls = strange.mind().calls;
    assert!(calls > 0);
    browser.submit("/coordinator/providers", &[]).await;
    assert_eq!(strange.mind().calls, calls, "nor does it ask again at once");
    c.later(Duration::from_secs(5));
    strange.mind().down = true;
    browser.get("/coordinator/providers/home").await;
    let page = browser.submit("/coordinator/providers", &[("name", "home")]).await;
    assert_eq!(page.location(), "/coordinator/providers/home", "{page:?}");
    assert!(browser.get("/coordinator/providers/home").await.says("it answers 502"));
    let csrf = browser.page.csrf();
    let nowhere = browser.post("/coordinator/providers", &[("csrf", &csrf), ("name", "nowhere")]).await;
    assert_eq!(nowhere.status, 404, "{nowhere:?}");
}

/// Whatever the form says.
async fn nobody_gives_by_a_provider_what_they_could_not_give(
    c: &Coordinator,
    browser: &mut Browser,
    issuer: &str,
) {
    let bob = c.person("bob@example.org").await.0;
    let made = c.post("/api/v1/organizations", &bob, json!({ "name": "bobs" })).await;
    let foreign = made.body["organization"]["id"].as_str().unwrap();
    for role in ["admin", "member"] {
        let page = try_add(browser, issuer, &[("rules", &format!("groups=x:{foreign}:{role}"))]).await;
        assert!(page.status == 403 && page.says("cannot make anybody"), "{role}: {page:?}");
    }
    assert!(!browser.get(&format!("{NEW}?name=more")).await.says("name=\"link\""), "that is for the host");
    let more = [("name", "more"), ("issuer", issuer), ("client_id", "wonder"), ("link", "on")];
    let page = browser.submit(NEW, &more).await;
    assert_eq!(page.status, 303, "{page:?}");
    let all = provider::all(&c.app).await.unwrap();
    let more = all.iter().find(|provider| provider.name.to_string() == "more").unwrap();
    assert!(!more.link_verified_email);
}

async fn a_browser_left_alone_removes_no_provider(c: &Coordinator, browser: &mut Browser) {
    c.later(Duration::from_secs(11 * 60));
    browser.get("/coordinator/providers/more").await;
    browser.submit("/coordinator/providers/more/remove", &[("confirm", "more")]).await;
    let confirm = "/settings/confirm?next=/coordinator/providers/more";
    assert_eq!((browser.page.status, browser.page.location()), (303, confirm));
    assert_eq!(browser.get(NEW).await.location(), "/settings/confirm?next=/coordinator/new-provider");
    browser.get(confirm).await;
    browser.submit("/settings/confirm", &[("password", PASSWORD), ("next", NEW)]).await;
    assert_eq!(browser.page.location(), NEW, "{:?}", browser.page);
}

/// The page without what differs from one request to the next, and without the issuer.
fn apart_from(page: &Page, issuer: &str) -> String {
    page.body.replace(&page.csrf(), "").replace(issuer, "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_calls_nothing_inside_the_network_without_the_settings_word() {
    let c = Coordinator::on_sqlite().await;
    keep_time(&c);
    let mut browser = owner_at(&c).await;
    let strange = Strange::start().await;
    let by_name = strange.issuer.replace("127.0.0.1", "localhost");
    let closed = common::port::closed_url();
    for untried in [&[][..], &[("untried", "on")]] {
        let open = try_add(&mut browser, &strange.issuer, untried).await;
        assert_eq!(open.status, 403, "{open:?}");
        assert!(open.says("is not on the Internet") && open.says("provider-networks"), "{open:?}");
        let told = apart_from(open, &strange.issuer);
        for other in [&closed, &by_name, "http://10.255.255.1", "http://[::1]:1", "https://169.254.169.254"] {
            let page = try_add(&mut browser, other, untried).await;
            assert_eq!((page.status, apart_from(page, other)), (403, told.clone()), "{other}");
        }
    }
    assert_eq!(strange.mind().calls, 0);
    assert!(browser.get("/coordinator/providers").await.says("No provider yet"));

    // Whoever has the host is inside already.
    let home = json!({ "name": "home", "issuer": strange.issuer, "client-id": "wonder" });
    add(&c, home, "secret").await;
    assert_eq!(browser.get("/coordinator/providers/home").await.status, 200);
    assert!(leave(&mut Browser::new(c.address), "home").await.starts_with(&strange.issuer));
    // What is known of it by that is not told on the page.
    assert_eq!(try_add(&mut browser, &strange.issuer, &[]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_document_leads_further_inside_than_the_settings_do() {
    let c = Coordinator::with_settings(AT_HOME).await;
    keep_time(&c);
    let mut browser = owner_at(&c).await;
    let strange = Strange::start().await;
    let inside = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}", inside.local_addr().unwrap());
    let say = |endpoint: &str, path: &str| {
        strange.mind().document =
            [(endpoint.to_owned(), json!(format!("{elsewhere}{path}")))].into_iter().collect();
    };
    say("jwks_uri", "/jwks");
    let page = try_add(&mut browser, &strange.issuer, &[]).await;
    assert!(page.status == 403 && page.says("is not on the Internet"), "{page:?}");
    say("token_endpoint", "/token");
    let page = try_add(&mut browser, &strange.issuer, &[("title", "Home"), ("create", "on")]).await;
    assert_eq!((page.status, page.location()), (303, "/coordinator/providers/home"), "{page:?}");
    let mut ada = Browser::new(c.address);
    let url = leave(&mut ada, "home").await;
    let page = ada.get(&format!("/auth/oidc/home/callback?code=code&state={}", field(&url, "state"))).await;
    assert!(page.status == 503 && page.says("provider_unavailable"), "{page:?}");
    let called = inside.accept().map(|(_, from)| from);
    assert_eq!(called.map_err(|e| e.kind()), Err(std::io::ErrorKind::WouldBlock), "nobody was sent there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_added_seen_used_and_removed_by_name() {
    let c = Coordinator::with_settings(AT_HOME).await;
    keep_time(&c);
    let town = Town::new(c, json!({})).await;
    let c = &town.c;
    let mut browser = Browser::new(c.address);
    browser.log_in("owner@example.org", PASSWORD).await;
    let owner = c.log_in("owner@example.org").await;
    let made = c.post("/api/v1/organizations", &owner, json!({ "name": "crew" })).await;
    let org = made.body["organization"]["id"].as_str().unwrap();

    let page = browser.get(&format!("{NEW}?name=No!")).await;
    assert!(page.status == 400 && page.says("is no name of a provider"), "{page:?}");
    let redirect = format!("http://{}/auth/oidc/home/callback", c.address);
    assert!(browser.get(&format!("{NEW}?name=home")).await.says(&redirect), "{:?}", browser.page);
    let rules = format!("groups=operators:{org}:admin\r\n\r\ngroups=guests:{org}:member\r\n");
    let issuer = town.strange.issuer.as_str();
    let page =
        try_add(&mut browser, issuer, &[("scopes", "email groups"), ("create", "on"), ("rules", &rules)])
            .await;
    assert_eq!(page.location(), "/coordinator/providers/home", "{page:?}");
    let page = browser.get("/coordinator/providers/home").await;
    for words in
        ["was tried and added", "groups=operators", "crew", "admin", "email groups", "Reachable", &redirect]
    {
        assert!(page.says(words), "{words}: {page:?}");
    }
    assert!(!page.says("hush"), "the secret is not shown again");
    for bad in ["groups=operators", &format!("groups=x:{org}:owner")] {
        let page = try_add(&mut browser, issuer, &[("rules", bad)]).await;
        assert_eq!(page.status, 400, "{bad}: {page:?}");
    }

    nobody_gives_by_a_provider_what_they_could_not_give(c, &mut browser, issuer).await;
    a_browser_left_alone_removes_no_provider(c, &mut browser).await;
    let owner = c.log_in("owner@example.org").await;

    let mut ada = town.log_in("ada").await;
    assert!(
        browser.get("/coordinator/providers").await.says("<td class=\"spare\">1</td>"),
        "{:?}",
        browser.page
    );
    browser.get("/coordinator/providers/strange").await;
    assert!(browser.page.says("One person has connected it."));
    let page = browser.submit("/coordinator/providers/strange/remove", &[("confirm", "stranger")]).await;
    assert!(page.status == 400 && page.says("not_confirmed"), "{page:?}");
    for name in ["strange", "home", "more"] {
        browser.get(&format!("/coordinator/providers/{name}")).await;
        let page =
            browser.submit(&format!("/coordinator/providers/{name}/remove"), &[("confirm", name)]).await;
        assert_eq!((page.status, page.location()), (303, "/coordinator/providers"), "{page:?}");
    }
    assert_eq!(ada.get("/settings").await.status, 303, "her log-in has ended");
    assert!(browser.get("/coordinator/providers").await.says("No provider yet"));
    assert_eq!(browser.get("/coordinator/providers/home").await.status, 404);
    let trail = c.get("/api/v1/audit?action=provider", &owner).await;
    let events = trail.body["events"].as_array().unwrap();
    let count = |action: &str| events.iter().filter(|event| event["action"] == action).count();
    assert_eq!((count("provider.create"), count("provider.delete")), (3, 3), "{trail:?}");
}

/// What a form says that it was filled with.
fn edition(page: &Page) -> String {
    page.between("name=\"edition\" value=\"", "\"")
}

/// Sends the form that changes `strange`, with these fields in the place of what stands there.
async fn change<'b>(browser: &'b mut Browser, fields: &[(&str, &str)]) -> &'b Page {
    browser.get("/coordinator/providers/strange/edit").await;
    let edition = edition(&browser.page);
    let usual =
        [("edition", &*edition), ("client_id", "wonder"), ("scopes", "profile email"), ("create", "on")];
    let usual = usual.into_iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    let all: Vec<_> = usual.chain(fields.iter().copied()).filter(|(_, value)| *value != "off").collect();
    browser.submit("/coordinator/providers/strange/edit", &all).await
}

/// `rule` is what the host gave, for the `foreign` organization.
async fn no_more_is_given_on_a_page_than_was(browser: &mut Browser, foreign: &str, rule: &str) {
    for (what, fields, status, words) in [
        (
            "another issuer",
            &[("issuer", "https://id.example.org"), ("rules", rule)][..],
            409,
            "https://id.example.org as a provider of its own",
        ),
        (
            "another client, which may say of people what it likes",
            &[("client_id", "mine")],
            403,
            "open everybody",
        ),
        ("other words of people", &[("scopes", "email mine"), ("rules", rule)], 403, "open everybody"),
        (
            "a rule of somebody else",
            &[("rules", &format!("groups=y:{foreign}:member"))],
            403,
            "cannot make anybody",
        ),
        ("nobody", &[("client_id", ""), ("rules", rule)], 400, "empty"),
        ("both", &[("secret", "x"), ("public", "on"), ("rules", rule)], 400, "no secret"),
    ] {
        let page = change(browser, fields).await;
        assert!(page.status == status && page.says(words), "{what}: {page:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_changed_on_its_page_and_its_people_stay() {
    let c = Coordinator::with_settings(AT_HOME).await;
    keep_time(&c);
    let town = Town::new(c, json!({})).await;
    let c = &town.c;
    let (bob, _) = c.person("bob@example.org").await;
    let made = c.post("/api/v1/organizations", &bob, json!({ "name": "bobs" })).await;
    let foreign = made.body["organization"]["id"].as_str().unwrap();
    let rule = format!("groups=x:{foreign}:admin");
    // The host gives what the administrator of the pages may not.
    let more =
        Edit { rules: Some(vec![rule.parse().unwrap()]), link_verified_email: Some(true), ..Edit::default() };
    let name = "strange".parse().unwrap();
    provider::edit(&c.app, &Operator::local("test"), &name, more).await.unwrap();
    town.strange.mind().userinfo = json!({ "sub": "ada" });
    town.log_in("ada").await;
    let mut browser = Browser::new(c.address);
    browser.log_in("owner@example.org", PASSWORD).await;
    let page = browser.get("/coordinator/providers/strange/edit").await;
    assert!(page.says(&town.strange.issuer) && page.says(&rule) && page.says("value=\"wonder\""), "{page:?}");
    assert!(!page.says("name=\"issuer\"") && !page.says("name=\"link\""), "{page:?}");

    let fields = [("title", "Our strange"), ("secret", "a new hush"), ("create", "off"), ("rules", &rule)];
    let page = change(&mut browser, &fields).await;
    assert_eq!((page.status, page.location()), (303, "/coordinator/providers/strange"), "{page:?}");
    let page = browser.get("/coordinator/providers/strange").await;
    assert!(page.says("Our strange") && page.says("One person has connected it."), "{page:?}");
    assert!(!page.says("hush"), "the secret is not shown again: {page:?}");
    let stored = provider::all(&c.app).await.unwrap().pop().unwrap();
    assert!(stored.link_verified_email && !stored.create_accounts, "what the host gave stays: {stored:?}");
    town.log_in("ada").await;
    town.strange.mind().userinfo = json!({ "sub": "eve" });
    let eve = town.try_log_in("eve", |_| {}).await;
    assert!(eve.says("account_unknown"), "{eve:?}");

    no_more_is_given_on_a_page_than_was(&mut browser, foreign, &rule).await;
    assert_eq!(provider::all(&c.app).await.unwrap().pop().unwrap(), stored, "nothing was changed");
    // Less may always be given.
    assert_eq!(change(&mut browser, &[("rules", "")]).await.status, 303);
    assert!(provider::all(&c.app).await.unwrap()[0].rules.is_empty());
    let owner = c.log_in("owner@example.org").await;
    let trail = c.get("/api/v1/audit?action=provider.update", &owner).await;
    assert_eq!(trail.body["events"].as_array().unwrap().len(), 3, "{trail:?}");
    c.later(Duration::from_secs(11 * 60));
    browser.get("/coordinator/providers/strange").await;
    let csrf = browser.page.csrf();
    let page =
        browser.post("/coordinator/providers/strange/edit", &[("csrf", &csrf), ("client_id", "x")]).await;
    assert_eq!(page.location(), "/settings/confirm?next=/coordinator/providers/strange/edit", "{page:?}");
}

/// The form as it stands in a browser, with another client id.
async fn save<'b>(browser: &'b mut Browser, client_id: &str) -> &'b Page {
    let edition = edition(&browser.page);
    let fields =
        [("edition", &*edition), ("client_id", client_id), ("scopes", "profile email"), ("create", "on")];
    browser.submit("/coordinator/providers/strange/edit", &fields).await
}

async fn who_changes_a_provider_undoes_nobody_else_s_change(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    let (c, name, host) = (&town.c, "strange".parse().unwrap(), Operator::local("test"));
    let stored = async || provider::all(&c.app).await.unwrap().pop().unwrap();
    let mut browser = Browser::new(c.address);
    browser.log_in("owner@example.org", PASSWORD).await;
    // Whatever a command changes while the form is open, be it the secret alone.
    let title = Edit { title: Some("Our strange".into()), ..Edit::default() };
    let secret = Edit { secret: SecretEdit::Becomes(Secret::new("another")), ..Edit::default() };
    for by_command in [title, secret] {
        browser.get("/coordinator/providers/strange/edit").await;
        c.later(Duration::from_secs(1));
        provider::edit(&c.app, &host, &name, by_command).await.unwrap();
        let page = save(&mut browser, "other").await;
        assert!(page.status == 409 && page.says("was changed meanwhile"), "{page:?}");
        assert!(page.says("Look at what it is now") && page.says("value=\"Our strange\""), "{page:?}");
        assert!(page.says("value=\"wonder\"") && !page.says("value=\"other\""), "{page:?}");
        assert_eq!((&*stored().await.client_id, stored().await.title()), ("wonder", "Our strange"));
    }
    // What is shown with the refusal is what there is; a form that is wrong stays the one that it was.
    assert_eq!(save(&mut browser, "").await.status, 400);
    let page = save(&mut browser, "other").await;
    assert_eq!((page.status, page.location()), (303, "/coordinator/providers/strange"), "{page:?}");
    assert_eq!(stored().await.client_id, "other");

    // Of two forms at one moment one is refused; two commands that change different things both count.
    let mut second = Browser::new(c.address);
    second.log_in("owner@example.org", PASSWORD).await;
    for round in 0..5 {
        browser.get("/coordinator/providers/strange/edit").await;
        second.get("/coordinator/providers/strange/edit").await;
        let (one, two) = (format!("one {round}"), format!("two {round}"));
        let (first, other) = tokio::join!(save(&mut browser, &one), save(&mut second, &two));
        let mut answers = [first.status, other.status];
        answers.sort_unstable();
        assert_eq!(answers, [303, 409]);
        let title = Edit { title: Some(one.clone()), ..Edit::default() };
        let client = Edit { client_id: Some(two.clone()), ..Edit::default() };
        let edit = |edit| provider::edit(&c.app, &host, &name, edit);
        let (named, known) = tokio::join!(edit(title), edit(client));
        assert!(named.is_ok() && known.is_ok(), "{named:?} {known:?}");
        assert_eq!((stored().await.title(), &*stored().await.client_id), (&*one, &*two));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_the_settings_file_is_shown_and_changed_there_alone() {
    let strange = Strange::start().await;
    let file = format!(
        "{AT_HOME}[[provider]]\nname = 'home'\nissuer = '{}'\nclient-id = 'wonder'\n",
        strange.issuer
    );
    let c = Coordinator::with_settings(&file).await;
    let mut browser = owner_at(&c).await;
    assert!(browser.get("/coordinator/providers").await.says("settings file"));
    let page = browser.get("/coordinator/providers/home").await;
    assert!(
        page.says("of the coordinator's settings file") && !page.says("Remove this provider"),
        "{page:?}"
    );
    let csrf = page.csrf();
    let removed =
        browser.post("/coordinator/providers/home/remove", &[("csrf", &csrf), ("confirm", "home")]).await;
    assert!(removed.status == 409 && removed.says("is of the coordinator's settings file"), "{removed:?}");
    let page = browser.get("/coordinator/providers/home/edit").await;
    assert!(page.says("of the coordinator's settings file") && !page.says("name=\"client_id\""), "{page:?}");
    keep_time(&c);
    let issuer = strange.issuer.clone();
    assert_eq!(try_add(&mut browser, &issuer, &[]).await.status, 409, "nor is its name given away");
}
