//! Stories of the web pages as requests and answers, on SQLite and on PostgreSQL: log-ins of browsers, what a form
//! needs to count, and who sees which page.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::page::Browser;
use std::time::Duration;
use wonder::core::id::OrgId;
use wonder::core::role::Role;

crate::coordinator_stories! {
    a_new_coordinator_is_set_up_in_a_browser
    a_log_in_leads_back_to_where_one_was_going
    a_log_in_gives_a_new_session_and_a_log_out_ends_it
    a_browser_s_log_in_ends_when_it_is_idle_and_after_a_fortnight
    a_cookie_is_no_bearer_token_and_a_bearer_token_is_no_cookie
    a_form_counts_only_from_its_own_browser_and_site
    failures_are_pages_for_browsers_and_problems_for_programs
    pages_carry_the_headers_that_keep_them_to_this_site
    the_list_of_log_ins_shows_one_s_own_alone
    a_member_sees_what_he_may_use_and_an_outsider_sees_nothing
    a_person_ends_log_ins_and_changes_the_password
    a_page_that_asks_by_itself_keeps_no_log_in_alive
}

const HOUR: Duration = Duration::from_secs(3600);

async fn logged_in(c: &Coordinator, email: &str) -> Browser {
    c.person(email).await;
    let mut browser = Browser::new(c.address);
    browser.log_in(email, PASSWORD).await;
    browser
}

async fn a_new_coordinator_is_set_up_in_a_browser(c: Coordinator) {
    let mut browser = Browser::new(c.address);
    assert!(browser.follow("/").await.says("Set-up code"), "{:?}", browser.page);
    let wrong = [("code", "wsc_guess"), ("email", "ada@example.org"), ("password", PASSWORD)];
    let refused = browser.submit("/setup", &wrong).await;
    assert_eq!(refused.status, 403);
    assert!(refused.says("role=\"alert\"") && refused.says("value=\"ada@example.org\""), "{refused:?}");
    assert!(!refused.says(PASSWORD), "a password is never shown again");
    let code = c.setup_code.clone().expect("a code, as there is no account");
    let right = [("code", code.as_str()), ("email", "ada@example.org"), ("password", PASSWORD)];
    assert_eq!(browser.submit("/setup", &right).await.location(), "/");
    let home = browser.follow("/").await;
    assert!(home.says("ada@example.org") && home.says("No device yet"), "{home:?}");
    assert_eq!(Browser::new(c.address).get("/setup").await.location(), "/", "it is set up once");
}

async fn a_log_in_leads_back_to_where_one_was_going(c: Coordinator) {
    c.person("ada@example.org").await;
    let credentials = [("email", "ada@example.org"), ("password", PASSWORD)];
    let mut browser = Browser::new(c.address);
    let led = browser.get("/o/ada?x=%2F").await;
    assert_eq!((led.status, led.location()), (303, "/login?next=/o/ada%3Fx%3D%252F"));
    let form = browser.follow("/o/ada?x=%2F").await;
    assert_eq!(form.between("name=\"next\" value=\"", "\""), "/o/ada?x=%2F");
    let next = [&credentials[..], &[("next", "/o/ada?x=%2F")]].concat();
    assert_eq!(browser.submit("/login", &next).await.location(), "/o/ada?x=%2F");
    assert_eq!(browser.get("/login?next=/o/ada").await.location(), "/o/ada", "who is logged in goes on");
    for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let mut browser = Browser::new(c.address);
        let form = browser.get(&format!("/login?next={elsewhere}")).await;
        assert!(!form.says("name=\"next\""), "{elsewhere}");
        let next = [&credentials[..], &[("next", elsewhere)]].concat();
        assert_eq!(browser.submit("/login", &next).await.location(), "/", "{elsewhere}");
    }
}

async fn a_log_in_gives_a_new_session_and_a_log_out_ends_it(c: Coordinator) {
    c.person("ada@example.org").await;
    let mut browser = Browser::new(c.address);
    browser.get("/login").await;
    let wrong = browser.submit("/login", &[("email", "ada@example.org"), ("password", "a guess")]).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.says("E-mail address or the password is wrong") || wrong.says("is wrong"), "{wrong:?}");
    browser.submit("/login", &[("email", "ada@example.org"), ("password", PASSWORD)]).await;
    let set = browser.page.headers("set-cookie").join("\n");
    assert!(set.contains("wonder=wbs_") && set.contains("HttpOnly; SameSite=Lax"), "{set}");
    let first = browser.cookies["wonder"].clone();
    assert!(!browser.cookies.contains_key("wonder-form"), "what the log-in's form was bound to is over");

    // Somebody logs in again over it, with the form of a page that was still open.
    let mut again = Browser::new(c.address);
    again.cookies.clone_from(&browser.cookies);
    browser.follow("/").await;
    again.page = browser.page.clone();
    again.submit("/login", &[("email", "ada@example.org"), ("password", PASSWORD)]).await;
    assert_ne!(again.cookies["wonder"], first);
    assert_eq!(browser.get("/").await.location(), "/login", "the session before is over");

    assert_eq!(again.get("/logout").await.status, 405, "nothing changes by GET");
    let kept = again.cookies.clone();
    again.follow("/").await;
    assert_eq!(again.submit("/logout", &[]).await.location(), "/login");
    assert!(again.cookies.is_empty());
    again.cookies = kept;
    assert_eq!(again.get("/").await.location(), "/login", "the token itself is over");
}

async fn a_browser_s_log_in_ends_when_it_is_idle_and_after_a_fortnight(c: Coordinator) {
    let mut browser = logged_in(&c, "ada@example.org").await;
    for _ in 0..27 {
        c.later(11 * HOUR);
        assert_eq!(browser.get("/o/ada").await.status, 200, "it lives on with use");
    }
    c.later(10 * HOUR);
    assert_eq!(browser.get("/o/ada").await.status, 200);
    c.later(30 * HOUR);
    assert_eq!(browser.get("/o/ada").await.status, 303, "fourteen days are over");

    browser.log_in("ada@example.org", PASSWORD).await;
    c.later(12 * HOUR);
    assert_eq!(browser.get("/o/ada").await.status, 303, "twelve idle hours are over");
}

async fn a_cookie_is_no_bearer_token_and_a_bearer_token_is_no_cookie(c: Coordinator) {
    let browser = logged_in(&c, "ada@example.org").await;
    let cookie = browser.cookies["wonder"].clone();
    assert_eq!(c.get("/api/v1/session", &cookie).await.problem(), (401, "not_logged_in"));
    let request = format!(
        "GET /api/v1/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: wonder={cookie}\r\n\r\n"
    );
    assert_eq!(c.say(request.as_bytes()).await.problem(), (401, "not_logged_in"), "the API reads no cookie");
    let (bearer, _) = c.person("bob@example.org").await;
    let mut other = Browser::new(c.address);
    other.cookies.insert("wonder".into(), bearer);
    assert_eq!(other.get("/").await.location(), "/login");
}

async fn a_form_counts_only_from_its_own_browser_and_site(c: Coordinator) {
    let mut ada = logged_in(&c, "ada@example.org").await;
    let mut eve = logged_in(&c, "eve@example.org").await;
    let foreign = eve.follow("/").await.csrf();
    let still_in = |browser: &Browser| browser.cookies["wonder"].clone();
    let token = still_in(&ada);
    for fields in [&[][..], &[("csrf", "")], &[("csrf", foreign.as_str())], &[("csrf", "a"), ("csrf", "b")]] {
        let refused = ada.post("/logout", fields).await;
        assert!(matches!(refused.status, 400 | 403), "{fields:?}: {refused:?}");
    }
    let own = ada.follow("/").await.csrf();
    let sites = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
    ];
    for (name, value) in sites {
        ada.headers = vec![(name.into(), value.into())];
        let refused = ada.post("/logout", &[("csrf", &own)]).await;
        assert_eq!(refused.status, 403, "{name}: {value}");
        assert!(refused.says("other_site"), "{refused:?}");
    }
    ada.headers.clear();
    assert_eq!(ada.get("/o/ada").await.status, 200, "she is still logged in");
    assert_eq!(still_in(&ada), token);
    ada.headers = vec![("Origin".into(), format!("http://{}", c.address))];
    assert_eq!(ada.post("/logout", &[("csrf", &own)]).await.location(), "/login");

    // A log-in is guarded too, so that nobody is logged in as somebody else.
    let mut bare = Browser::new(c.address);
    let fields = [("email", "eve@example.org"), ("password", PASSWORD)];
    assert_eq!(bare.post("/login", &fields).await.status, 403);
    assert!(bare.cookies.is_empty());
}

async fn failures_are_pages_for_browsers_and_problems_for_programs(c: Coordinator) {
    let mut browser = logged_in(&c, "ada@example.org").await;
    c.person("eve@example.org").await;
    let missing = browser.get("/o/eve").await;
    assert_eq!(missing.status, 404, "what an outsider may not know of is not there");
    assert!(
        missing.header("content-type").starts_with("text/html") && missing.says("organization_not_found")
    );
    let unknown = browser.get("/o/nowhere").await.clone();
    assert_eq!(
        missing_words(&unknown).replace("nowhere", ""),
        missing_words(browser.get("/o/eve").await).replace("eve", ""),
        "and looks as what was never there"
    );
    let nowhere = browser.get("/nowhere").await;
    assert!(nowhere.status == 404 && nowhere.says("route_not_found"), "{nowhere:?}");
    let api = browser.get("/api/v1/nowhere").await;
    assert_eq!(api.header("content-type"), "application/problem+json");
    let program = c.call("GET", "/nowhere", None, None).await;
    assert_eq!(program.problem(), (404, "route_not_found"));
    assert_eq!(browser.get("/assets/style-0000000000000000.css").await.status, 404);
}

/// What a failure's page says, without the id of the request.
fn missing_words(page: &common::page::Page) -> String {
    page.between("<main", "request <code>")
}

async fn pages_carry_the_headers_that_keep_them_to_this_site(c: Coordinator) {
    let mut browser = logged_in(&c, "ada@example.org").await;
    let bearer = c.log_in("ada@example.org").await;
    let app = serde_json::json!({ "client_name": "x", "redirect_uris": ["https://app.example/"] });
    let app = c.post("/oauth/clients", &bearer, app).await.text("client_id").to_owned();
    let challenge = "code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let consent = format!(
        "/oauth/authorize?response_type=code&client_id={app}&redirect_uri=https://app.example/&scope=nodes:read&{challenge}"
    );
    for (path, status) in [
        ("/o/ada", 200),
        ("/nowhere", 404),
        (&consent, 200),
        ("/login?again=true", 200),
        ("/oauth/end_session", 200),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, status, "{path}: {page:?}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(!page.says(" style=") && !page.says(" onclick="), "{path}: nothing within the page");
        assert_eq!(page.header("strict-transport-security"), "", "plain http promises no TLS");
    }
    let style = browser.get("/o/ada").await.between("rel=\"stylesheet\" href=\"", "\"");
    let style = browser.get(&style).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));
}

async fn the_list_of_log_ins_shows_one_s_own_alone(c: Coordinator) {
    let mut browser = logged_in(&c, "ada@example.org").await;
    logged_in(&c, "eve@example.org").await;
    let again = serde_json::json!({ "email": "ada@example.org", "password": PASSWORD, "label": "laptop" });
    let bearer = c.call("POST", "/api/v1/sessions", None, Some(again)).await.text("token").to_owned();
    let list = c.get("/api/v1/sessions", &bearer).await;
    let sessions = list.body["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 3, "{list:?}");
    let browsers: Vec<_> = sessions.iter().filter(|s| s["kind"] == "browser").collect();
    assert_eq!((browsers.len(), &browsers[0]["address"]), (1, &"127.0.0.1".into()));
    assert_eq!(sessions.iter().filter(|s| s["current"] == true).count(), 1);
    let id = browsers[0]["id"].as_str().unwrap();
    let path = format!("/api/v1/sessions/{id}");
    let (eve, _) = {
        let log_in = serde_json::json!({ "email": "eve@example.org", "password": PASSWORD, "label": "" });
        (c.call("POST", "/api/v1/sessions", None, Some(log_in)).await.text("token").to_owned(), ())
    };
    let foreign = c.call("DELETE", &path, Some(&eve), None).await;
    assert_eq!(foreign.problem(), (404, "session_not_found"));
    assert_eq!(browser.get("/o/ada").await.status, 200);
    assert_eq!(c.call("DELETE", &path, Some(&bearer), None).await.status, 204);
    assert_eq!(browser.get("/o/ada").await.status, 303, "it is over at once");
}

/// Another person in the organization of `owner`, logged in with a browser.
async fn colleague(c: &Coordinator, org: &str, email: &'static str, role: Role) -> Browser {
    let browser = logged_in(c, email).await;
    let org: OrgId = org.parse().unwrap();
    let join = move |tx: &mut wonder::store::Tx<'_>| {
        let user = wonder::store::user::by_email(tx, &email.parse()?)?.unwrap();
        wonder::store::organization::add_member(tx, org, user.id, role, common::api::START)
    };
    c.app.store().write(join).await.unwrap();
    browser
}

/// Pages of an organization, and what a member is answered.
const PAGES: [(&str, u16); 13] = [
    ("", 200),
    ("/devices", 200),
    ("/live-is-not-a-page", 404),
    ("/add", 403),
    ("/tokens", 403),
    ("/keys", 403),
    ("/keys/new", 403),
    ("/members", 200),
    ("/members/invite", 403),
    ("/apps", 403),
    ("/apps/new", 403),
    ("/audit", 403),
    ("/organization", 200),
];

/// What an admin may ask of them, or only the owner, and a member may not.
const CHANGES: [(&str, &[(&str, &str)]); 13] = [
    ("/add", &[("ttl", "8h"), ("uses", "1")]),
    ("/keys", &[("name", "mine"), ("scope", "nodes:read"), ("ttl", "7d")]),
    ("/keys/k/revoke", &[]),
    ("/keys/k/rotate", &[]),
    ("/devices/pi/remove", &[]),
    ("/tokens/t/revoke", &[]),
    ("/members/invite", &[("email", "mallory@example.org"), ("role", "member"), ("ttl", "1d")]),
    ("/members/admin@example.org/role", &[("role", "member")]),
    ("/members/admin@example.org/remove", &[]),
    ("/members/member@example.org/transfer", &[]),
    ("/apps", &[("name", "mine"), ("redirects", "https://app.example/cb")]),
    ("/organization/rename", &[("name", "mine")]),
    ("/organization/delete", &[("confirm", "ada")]),
];

async fn a_member_sees_what_he_may_use_and_an_outsider_sees_nothing(c: Coordinator) {
    let (bearer, org) = c.person("ada@example.org").await;
    c.post(&format!("/api/v1/organizations/{org}/keys"), &bearer, serde_json::json!({ "name": "k" })).await;
    let mut admin = colleague(&c, &org, "admin@example.org", Role::Admin).await;
    let mut member = colleague(&c, &org, "member@example.org", Role::Member).await;
    let mut outsider = logged_in(&c, "eve@example.org").await;
    for (page, as_member) in PAGES {
        let path = format!("/o/ada{page}");
        let as_admin = if as_member == 404 { 404 } else { 200 };
        assert_eq!(admin.get(&path).await.status, as_admin, "{path} as admin");
        assert_eq!(member.get(&path).await.status, as_member, "{path} as member");
        assert_eq!(outsider.get(&path).await.status, 404, "{path} as outsider");
    }
    let members = member.get("/o/ada/members").await;
    assert!(members.says("admin@example.org") && !members.says("/o/ada/members/"), "{members:?}");
    let seen = member.get("/o/ada").await;
    assert!(
        !seen.says("/o/ada/apps")
            && !seen.says("/o/ada/add")
            && !seen.says("/o/ada/tokens")
            && !seen.says("/o/ada/keys"),
        "{seen:?}"
    );
    assert!(admin.get("/o/ada").await.says("/o/ada/add"));
    for (page, fields) in CHANGES {
        let path = format!("/o/ada{page}");
        member.get("/settings").await;
        assert_eq!(member.submit(&path, fields).await.status, 403, "{path} as member");
        outsider.get("/settings").await;
        assert_eq!(outsider.submit(&path, fields).await.status, 404, "{path} as outsider");
        assert_ne!(admin.get(&path).await.status, 303, "{path} changes nothing by GET");
    }
    let keys = c.get(&format!("/api/v1/organizations/{org}/keys"), &bearer).await;
    let keys = keys.body["keys"].as_array().unwrap().clone();
    assert!(keys.len() == 1 && keys[0]["revoked_at"].is_null(), "{keys:?}");
}

async fn a_person_ends_log_ins_and_changes_the_password(c: Coordinator) {
    let mut here = logged_in(&c, "ada@example.org").await;
    let mut there = Browser::new(c.address);
    there.log_in("ada@example.org", PASSWORD).await;
    here.get("/settings").await;
    here.submit("/settings/sessions/revoke-others", &[]).await;
    assert_eq!(there.get("/o/ada").await.status, 303);
    there.log_in("ada@example.org", PASSWORD).await;
    let eve = logged_in(&c, "eve@example.org").await;
    let own = here.get("/settings").await.between("/settings/sessions/", "/revoke");
    let mut eve_here = eve;
    eve_here.get("/settings").await;
    let foreign = eve_here.submit(&format!("/settings/sessions/{own}/revoke"), &[]).await;
    assert_eq!(foreign.status, 404, "nobody ends another's log-in");
    assert_eq!(there.get("/o/ada").await.status, 200);

    let new = "a password that is new";
    here.get("/settings").await;
    let wrong = here.submit("/settings/password", &[("present", "a guess"), ("new", new)]).await;
    assert_eq!(wrong.status, 401);
    let told = "SELECT COUNT(*) FROM audit_events \
        WHERE action = 'user.change_password' AND code = 'wrong_credentials'";
    let told = c.app.store().read(move |read| read.first(told, &[])?.unwrap().take::<i64>(0)).await.unwrap();
    assert_eq!(told, 1, "a guess is written down");
    let done = here.submit("/settings/password", &[("present", PASSWORD), ("new", new)]).await;
    assert_eq!((done.status, done.location()), (303, "/settings"));
    assert!(here.follow("/settings").await.says("Your password is changed"));
    assert!(!here.get("/settings").await.says("Your password is changed"), "it is told once");
    assert_eq!(there.get("/o/ada").await.status, 303, "other log-ins are over");
    there.log_in("ada@example.org", new).await;
}

async fn a_page_that_asks_by_itself_keeps_no_log_in_alive(c: Coordinator) {
    let mut browser = logged_in(&c, "ada@example.org").await;
    browser.headers.push(("wonder-refresh".into(), "1".into()));
    c.later(11 * HOUR);
    assert_eq!(browser.get("/o/ada").await.status, 200);
    c.later(2 * HOUR);
    assert_eq!(browser.get("/o/ada").await.status, 303);
}
