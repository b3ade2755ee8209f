//! Stories of log-outs that an app asks for (OpenID Connect RP-Initiated Logout 1.0), on both engines.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::oauth::{Browser, Client, Page, encoded, send};
use serde_json::json;
use std::time::Duration;

crate::coordinator_stories! {
    an_app_that_shows_this_log_in_has_it_ended_by_one_click
    the_person_is_asked_whatever_the_link_shows
    a_browser_is_led_to_what_is_registered_and_nowhere_else
    an_app_may_send_the_browser_with_a_form
}

const CALLBACK: &str = "https://platform.example.org/callback";
const AFTER: &str = "https://platform.example.org/logged-out?tenant=7";
const PATH: &str = "/oauth/end_session";

/// Ada, logged in, and an app that has her ID token.
struct Scene {
    c: Coordinator,
    browser: Browser,
    token: String,
    client: Client,
    hint: String,
}

impl Scene {
    async fn new(c: Coordinator) -> Scene {
        let (token, _) = c.person("ada@example.org").await;
        let mut browser = Browser::default();
        browser.log_in(&format!("http://{}", c.address), "ada@example.org", PASSWORD);
        let client = Client::register_with(c.address, &token, CALLBACK, false, &[AFTER]);
        let hint = client.tokens(&mut browser, "openid")["id_token"].as_str().unwrap().to_owned();
        Scene { c, browser, token, client, hint }
    }

    fn url(&self, parameters: &[(&str, &str)]) -> String {
        format!("{}{PATH}?{}", self.client.site(), encoded(parameters))
    }

    fn ask(&mut self, parameters: &[(&str, &str)]) -> Page {
        let url = self.url(parameters);
        self.browser.get(&url)
    }

    fn is_logged_in(&mut self) -> bool {
        let url = format!("{}/settings", self.client.site());
        self.browser.get(&url).status == 200
    }

    /// Presses the button of the question.
    fn confirm(&mut self, page: &Page) -> Page {
        self.browser.confirm_log_out(&self.client.site(), page)
    }
}

async fn an_app_that_shows_this_log_in_has_it_ended_by_one_click(c: Coordinator) {
    let mut scene = Scene::new(c).await;
    let known = send(scene.c.address, "GET", "/.well-known/openid-configuration", &[], "").json();
    assert_eq!(known["end_session_endpoint"], format!("{}{PATH}", scene.client.site()));
    // The token is over by now, and says all the same whose log-in it was.
    scene.c.later(Duration::from_secs(2 * 3600));
    let hint = scene.hint.clone();
    let id = scene.client.id.clone();
    let all = [
        ("id_token_hint", &*hint),
        ("client_id", &id),
        ("post_logout_redirect_uri", AFTER),
        ("state", "s&t=1"),
        ("ui_locales", "de"),
    ];
    let page = scene.ask(&all);
    assert!(page.status == 200 && scene.is_logged_in(), "a link ends nothing: {page:?}");
    let page = scene.confirm(&page);
    assert_eq!((page.status, page.location()), (303, &*format!("{AFTER}&state=s%26t%3D1")), "{page:?}");
    assert!(page.headers.iter().any(|(n, v)| n == "set-cookie" && v.starts_with("wonder=;")), "{page:?}");
    assert!(!scene.is_logged_in());
    let grants = send(
        scene.c.address,
        "GET",
        "/api/v1/grants",
        &[("Authorization", &*format!("Bearer {}", scene.token))],
        "",
    );
    assert!(grants.text.contains("Platform"), "what the app was granted stays: {grants:?}");
    // Nobody is there any more: the hint leads back, and without one nobody is led anywhere by itself.
    assert_eq!(scene.ask(&all[..3]).location(), AFTER);
    let page = scene.ask(&all[1..3]);
    assert!(page.status == 200 && page.text.contains("You are logged out"), "{page:?}");
    assert!(page.text.contains(&format!("href=\"{AFTER}\"")), "{page:?}");
    assert_eq!(scene.ask(&[]).status, 200);
}

async fn the_person_is_asked_whatever_the_link_shows(c: Coordinator) {
    let mut scene = Scene::new(c).await;
    let first = scene.hint.clone();
    // Another log-in of hers, and one of somebody else.
    scene.c.later(Duration::from_secs(5));
    scene.c.person("bob@example.org").await;
    let mut his = Browser::default();
    his.log_in(&scene.client.site(), "bob@example.org", PASSWORD);
    let bobs = scene.client.tokens(&mut his, "openid")["id_token"].as_str().unwrap().to_owned();
    scene.browser = Browser::default();
    scene.browser.log_in(&scene.client.site(), "ada@example.org", PASSWORD);
    let (id, forged) = (scene.client.id.clone(), format!("{}AAAA", &first[..first.len() - 4]));
    for parameters in [
        vec![],
        vec![("client_id", &*id), ("post_logout_redirect_uri", AFTER)],
        vec![("id_token_hint", &*first), ("post_logout_redirect_uri", AFTER)],
        vec![("id_token_hint", &*bobs)],
        vec![("id_token_hint", &*forged), ("client_id", &*id)],
        vec![("id_token_hint", "nonsense")],
    ] {
        let page = scene.ask(&parameters);
        assert!(page.status == 200 && page.text.contains("Log out?"), "{parameters:?}: {page:?}");
        assert!(scene.is_logged_in(), "{parameters:?}");
    }
    // The form counts here alone, and is no link.
    let confirm = format!("{}{PATH}/confirm", scene.client.site());
    assert_eq!(scene.browser.get(&confirm).status, 405);
    assert_eq!(scene.browser.post(&confirm, &[("request", "")]).status, 403);
    assert!(scene.is_logged_in());
    let page = scene.ask(&[("client_id", &id), ("post_logout_redirect_uri", AFTER), ("state", "x")]);
    assert!(
        page.text.contains("Platform")
            && page.header("content-security-policy").contains("form-action 'self' https:")
    );
    let done = scene.confirm(&page);
    assert_eq!((done.status, done.location()), (303, &*format!("{AFTER}&state=x")));
    assert!(!scene.is_logged_in());
    scene.browser.log_in(&scene.client.site(), "ada@example.org", PASSWORD);
    let page = scene.ask(&[]);
    assert_eq!(scene.confirm(&page).location(), "/login");
    let trail = "/api/v1/audit?action=session.revoke";
    let trail = scene.c.get(trail, &scene.token).await;
    assert_eq!(trail.body["events"].as_array().unwrap().len(), 2, "{trail:?}");
}

async fn a_browser_is_led_to_what_is_registered_and_nowhere_else(c: Coordinator) {
    let mut scene = Scene::new(c).await;
    let (hint, id) = (scene.hint.clone(), scene.client.id.clone());
    let other =
        Client::register_with(scene.c.address, &scene.token, CALLBACK, false, &["https://other.example/"]);
    for uri in [
        "https://evil.example/",
        "https://platform.example.org/logged-out",
        &format!("{AFTER}&x=1"),
        CALLBACK,
    ] {
        for proof in [("id_token_hint", &*hint), ("client_id", &*id), ("logout_hint", "ada")] {
            let page = scene.ask(&[proof, ("post_logout_redirect_uri", uri)]);
            assert_eq!(page.status, 400, "{uri}: {page:?}");
            assert!(
                page.text.contains("post_logout_redirect_uri_mismatch") && page.header("location").is_empty()
            );
        }
    }
    for (parameters, code) in [
        (vec![("id_token_hint", &*hint), ("client_id", &*other.id)], "client_mismatch"),
        (vec![("client_id", "nobody")], "unknown_app"),
        (vec![("state", "a"), ("state", "b")], "invalid_request"),
    ] {
        let page = scene.ask(&parameters);
        assert!(page.status == 400 && page.text.contains(code), "{parameters:?}: {page:?}");
    }
    assert!(scene.is_logged_in(), "all that has ended nothing");
    let asked =
        json!({ "client_name": "x", "post_logout_redirect_uris": ["http://platform.example.org/out"] });
    let headers =
        [("Authorization", &*format!("Bearer {}", scene.token)), ("Content-Type", "application/json")];
    let refused = send(scene.c.address, "POST", "/oauth/clients", &headers, &asked.to_string());
    assert_eq!(refused.status, 400, "it is checked as a redirect URI is: {refused:?}");
    let gone = format!("/oauth/clients/{id}");
    assert_eq!(send(scene.c.address, "DELETE", &gone, &headers, "").status, 204);
    let page = scene.ask(&[("id_token_hint", &hint), ("post_logout_redirect_uri", AFTER)]);
    assert!(page.status == 400 && page.text.contains("unknown_app"), "a revoked app leads nowhere: {page:?}");
}

async fn an_app_may_send_the_browser_with_a_form(c: Coordinator) {
    let mut scene = Scene::new(c).await;
    let hint = scene.hint.clone();
    let all = [("id_token_hint", &*hint), ("post_logout_redirect_uri", AFTER), ("state", "a b")];
    // As from another site: no cookie, and that site's origin.
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", "https://platform.example.org"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    let led = send(scene.c.address, "POST", PATH, &headers, &encoded(&all));
    assert_eq!(led.status, 303, "{led:?}");
    assert!(scene.is_logged_in());
    assert!(
        !led.location().contains("hint") && !led.location().contains(&hint),
        "no token in a URL: {led:?}"
    );
    let url = format!("{}{}", scene.client.site(), led.location());
    let page = scene.browser.get(&url);
    assert!(page.text.contains("Platform") && scene.is_logged_in(), "{page:?}");
    assert_eq!(scene.confirm(&page).location(), format!("{AFTER}&state=a+b"));
    assert!(!scene.is_logged_in());
    let long = encoded(&[("id_token_hint", &"x".repeat(9000))]);
    assert_eq!(send(scene.c.address, "POST", PATH, &headers, &long).status, 400);
}
