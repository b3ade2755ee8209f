//! Other people's OAuth 2.0 and OpenID Connect clients, unmodified, against our authorization server.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::oauth::encoded;
use common::oauth_peer::{App, EMAIL, Gate, Stage, peer};
use serde_json::Value;

const REDIRECT: &str = "http://127.0.0.1:8123/callback";
const SCOPE: &str = "openid offline_access profile:read nodes:read";

/// What every client must have come to.
fn check(stage: &Stage, done: &Value) {
    assert_eq!(done["claims"]["email"], EMAIL, "{done}");
    assert_eq!(done["user"]["sub"], done["claims"]["sub"]);
    let token = |name: &str| done[name]["access_token"].as_str().unwrap_or_else(|| panic!("{name}: {done}"));
    assert!(stage.lists_nodes(token("refreshed")));
    if done.get("own").is_some_and(|own| !own.is_null()) {
        assert!(token("own").starts_with("wat_"));
    }
    if let Some(shown) = done.get("introspected") {
        assert_eq!(shown["active"], true, "{shown}");
    }
}

#[test]
fn npm_openid_client_passes() {
    let program = peer("openid-client-6.8.9/main.mjs");
    let mut stage = Stage::new();
    for public in [false, true] {
        let app = stage.register("node", REDIRECT, public);
        stage.log_in();
        let done = stage.drive(&["node", program.to_str().unwrap()], &app, SCOPE);
        check(&stage, &done);
        assert_eq!(done["byDevice"]["scope"], "nodes:read");
        assert_eq!(done["loggedOut"], true, "{done}");
        let home = format!("{}/", stage.coordinator.url());
        assert_eq!(stage.browser.get(&home).location(), "/login", "nobody is logged in here any more");
    }
}

#[test]
fn python_authlib_passes() {
    let python = peer("authlib-1.9.9/bin/python");
    let mut stage = Stage::new();
    let main = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/authlib/main.py");
    for public in [false, true] {
        let app = stage.register("python", REDIRECT, public);
        let done = stage.drive(&[python.to_str().unwrap(), main], &app, SCOPE);
        check(&stage, &done);
    }
}

#[test]
fn go_x_oauth2_with_go_oidc_passes() {
    let program = peer("oauth2-0.37.0/oauth2");
    let mut stage = Stage::new();
    for public in [false, true] {
        let app = stage.register("go", REDIRECT, public);
        let done = stage.drive(&[program.to_str().unwrap()], &app, SCOPE);
        check(&stage, &done);
        let by_device = done["byDevice"]["access_token"].as_str();
        assert_eq!(by_device.is_some_and(|token| stage.lists_nodes(token)), public, "{done}");
    }
}

#[test]
fn apache_with_mod_auth_openidc_lets_people_in_who_are_logged_in_here() {
    let mut stage = Stage::new();
    let port = common::port::own();
    let app = stage.register("proxy", &format!("http://127.0.0.1:{port}/oidc/cb"), false);
    let apache = Gate::start(port, stage.coordinator.url(), &app);
    let page = stage.browser.get(&format!("{}/", apache.url));
    assert_eq!(page.status, 302, "{page:?}\n{}", apache.log());
    let back = stage.decide(page.location());
    let page = stage.browser.get(&back);
    assert_eq!(
        (page.status, page.location()),
        (302, &*format!("{}/", apache.url)),
        "{page:?}\n{}",
        apache.log()
    );
    let page = stage.browser.get(&format!("{}/", apache.url));
    assert_eq!((page.status, page.text.as_str()), (200, "behind the proxy\n"), "{}", apache.log());
    assert!(apache.log().contains(EMAIL), "{}", apache.log());
    apache_logs_people_out_here_too(&mut stage, &apache, &app);
}

/// Its own log-out leads to ours, which ends the log-in here, and back to where it wants.
fn apache_logs_people_out_here_too(stage: &mut Stage, apache: &Gate, app: &App) {
    let after = encoded(&[("logout", &app.logged_out)]);
    let page = stage.browser.get(&format!("{}?{after}", app.redirect));
    let end = page.location().to_owned();
    let ours = format!("{}/oauth/end_session?", stage.coordinator.url());
    assert!(end.starts_with(&ours) && end.contains("id_token_hint="), "{end}\n{}", apache.log());
    assert_eq!(stage.decide(&end), app.logged_out);
    let home = format!("{}/", stage.coordinator.url());
    assert_eq!(stage.browser.get(&home).location(), "/login");
    assert_eq!(stage.browser.get(&format!("{}/", apache.url)).status, 302, "the proxy asks again");
}
