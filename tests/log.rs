//! The coordinator's log: no secret that passes stands in it, in either of its forms, however it is brought along.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

mod common;

use common::coordinator::{Coordinator, Options};
use common::device::{Device, Site};
use common::oauth::{Browser, Client, basic, encoded, send};
use common::totp::Authenticator;
use common::wonder::Wonder;
use serde_json::{Value, json};
use std::net::SocketAddr;
use wonder::runtime::Clock;

const ADA: &str = "ada@example.org";
const PASSWORD: &str = "a-long-enough-password";
const REDIRECT: &str = "https://platform.example.org/callback";

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Brings a secret along in every way in which people and programs do, and in some that lead nowhere.
fn show(address: SocketAddr, secret: &str) {
    let bearer = ("Authorization", &*format!("Bearer {secret}"));
    let cookie = ("Cookie", &*format!("__Host-wonder={secret}; wonder={secret}"));
    for path in
        ["/invitation/X", "/invitation/X/", "/X", "/api/v1/X", "/api/v1/keys/X/", "/device?user_code=X"]
    {
        send(address, "GET", &path.replace('X', secret), &[bearer, cookie], "");
    }
    let word = json!({ "token": secret, "password": secret, "code": secret, "email": ADA }).to_string();
    for path in ["/api/v1/join", "/api/v1/join/check", "/api/v1/sessions", "/ts2021", "/log-in"] {
        send(address, "POST", path, &[bearer, JSON], &word);
    }
    let form = ["token", "code", "refresh_token", "client_secret", "password"].map(|name| (name, secret));
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/log-in", "/setup"] {
        send(address, "POST", path, &[("Authorization", &basic("app", secret)), FORM], &encoded(&form));
    }
}

#[track_caller]
fn word(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Ada at a coordinator, and what she came to know and is to keep to herself.
struct Story {
    coordinator: Coordinator,
    ada: Wonder,
    browser: Browser,
    secrets: Vec<String>,
}

impl Story {
    fn new(options: Options) -> Story {
        let options = options.args(&["--no-derp"]).env("WONDER_LOG", "info,wonder=trace");
        let (coordinator, ada) = (options.start(), Wonder::new());
        coordinator.admin(&["user", "create", ADA, "--password-stdin"], PASSWORD);
        let log_in = ["login", coordinator.url(), "--email", ADA, "--password-stdin"];
        assert_eq!(ada.run_with(&log_in, PASSWORD).code, 0);
        ada.json(&["org", "create", "acme"]);
        Story { coordinator, ada, browser: Browser::default(), secrets: vec![PASSWORD.to_owned()] }
    }

    fn address(&self) -> SocketAddr {
        self.coordinator.ready["listen"].as_str().unwrap().parse().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.coordinator.url())
    }

    fn keep(&mut self, secrets: impl IntoIterator<Item = String>) {
        self.secrets.extend(secrets);
    }

    /// By the command line: of a session, devices, programs, people and apps.
    fn makes_what_is_told_once(&mut self) {
        let acme = |args: &[&str]| self.ada.json(&[args, &["--org", "acme"]].concat());
        let token = self.ada.json(&["token", "create"]);
        let body = json!({ "token": token["secret"] }).to_string();
        let joined = send(self.address(), "POST", "/api/v1/join", &[JSON], &body).json();
        let profiles = std::fs::read_to_string(self.ada.config_dir().join("profiles.toml")).unwrap();
        let made = [
            profiles.split('"').find(|word| word.starts_with("wcs_")).unwrap().to_owned(),
            word(&token["secret"]),
            word(&token["auth_key"]),
            word(&joined["worker_key"]),
            word(&joined["mesh"]["auth_key"]),
            word(&acme(&["key", "create", "--name", "ci"])["secret"]),
            word(&acme(&["org", "invite", "bob@example.org"])["code"]),
        ];
        self.keep(made);
    }

    /// A device with a key, and one that waits for a person.
    async fn lets_devices_in(&mut self) {
        let key = word(&self.ada.json(&["token", "create"])["auth_key"]);
        let site = Site::of(self.coordinator.url()).await.unwrap();
        Device::join(site, &key, "one-with-a-key").await;
        let mut waiting = Device::new(site, "one-without");
        let asked = waiting.register_with(json!({})).await.unwrap().document().unwrap();
        let code = word(&asked["AuthURL"]).rsplit_once('/').unwrap().1.to_owned();
        self.ada.json(&["node", "approve", &code]);
        self.keep([key, code]);
    }

    /// An app by every way to its tokens, and the browser's own log-in.
    fn lets_an_app_in(&mut self) {
        let app = self.ada.json(&["app", "register", "Platform", "--redirect", REDIRECT]);
        let (id, secret) = (word(&app["app"]["id"]), word(&app["secret"]));
        let client =
            Client { address: self.address(), id, secret: Some(secret.clone()), redirect: REDIRECT.into() };
        let site = client.site();
        self.browser.log_in(&site, ADA, PASSWORD);
        let asked = client.request("nodes:read openid offline_access", &[]);
        let code = self.browser.allow(&site, &asked, None).answer("code").unwrap();
        let tokens = client.redeem(&code).json();
        let refreshed = client.refresh(&word(&tokens["refresh_token"])).json();
        let own = client.token(&[("grant_type", "client_credentials"), ("scope", "nodes:read")]).json();
        self.keep([secret, code, word(&tokens["id_token"]), word(&own["access_token"])]);
        self.keep(
            [&tokens, &refreshed].map(|t| [&t["access_token"], &t["refresh_token"]].map(word)).concat(),
        );
        self.lets_it_in_by_a_code(&client);
        self.keep(self.browser.cookies().into_iter().filter(|cookie| !cookie.is_empty()));
    }

    fn lets_it_in_by_a_code(&mut self, client: &Client) {
        let begun = client.post("/oauth/device_authorization", &[("scope", "nodes:read")]).json();
        let [code, user_code] = [&begun["device_code"], &begun["user_code"]].map(word);
        let question = format!("/device?{}", encoded(&[("user_code", &user_code)]));
        let page = self.browser.get(&self.url(&question));
        self.browser.decide(&client.site(), "/device", &page, None);
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let tokens = client.token(&[("grant_type", grant), ("device_code", &code)]).json();
        self.keep([code, user_code, word(&tokens["access_token"]), word(&tokens["refresh_token"])]);
    }

    /// An authenticator app and its recovery codes. It ends the log-ins of before, so it comes last.
    fn adds_a_second_factor(&mut self) {
        let csrf = |page: &common::oauth::Page| page.hidden("csrf");
        let path = self.url("/settings/factors");
        let page = self.browser.get(&path);
        self.browser.post(&format!("{path}/app"), &[("csrf", &csrf(&page))]);
        let page = self.browser.get(&format!("{path}/app"));
        let secret = page.text.split("aria-label=\"Secret\">").nth(1).unwrap();
        let secret = secret.split('<').next().unwrap().to_owned();
        let code = Authenticator::new(&secret).code(Clock::system().now());
        let page =
            self.browser.post(&format!("{path}/app/confirm"), &[("csrf", &csrf(&page)), ("code", &code)]);
        let codes: Vec<_> = page.text.split("<li><code>").skip(1).map(|rest| rest[..23].to_owned()).collect();
        assert_eq!(codes.len(), 10, "{page:?}");
        let log_in =
            ["login", self.coordinator.url(), "--email", ADA, "--password-stdin", "--code", &codes[0]];
        assert_eq!(Wonder::new().run_with(&log_in, PASSWORD).code, 0);
        self.keep([secret]);
        self.keep(codes);
    }
}

/// Everything that the program itself could say.
async fn nothing_of_it_stands_in_the_log(options: Options) -> String {
    let mut story = Story::new(options);
    story.makes_what_is_told_once();
    story.lets_devices_in().await;
    story.lets_an_app_in();
    story.adds_a_second_factor();
    assert!(story.secrets.len() > 30, "{:?}", story.secrets);
    story.secrets.iter().for_each(|secret| show(story.address(), secret));
    let log = story.coordinator.log();
    assert!(
        log.contains("/invitation/{code}") && log.contains("(no route)"),
        "{}",
        story.coordinator.log_tail()
    );
    for secret in &story.secrets {
        let line = log.lines().find(|line| line.contains(&secret[secret.len().saturating_sub(16)..]));
        assert!(line.is_none(), "{secret}: {line:?}");
    }
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_that_was_used_stands_in_the_log_for_programs() {
    let log = nothing_of_it_stands_in_the_log(Coordinator::options()).await;
    assert!(log.contains("\"level\":\"INFO\""), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_that_was_used_stands_in_the_log_for_people() {
    let log = nothing_of_it_stands_in_the_log(Coordinator::options().on_a_terminal()).await;
    assert!(log.contains(" INFO") && !log.contains("\"level\":"), "{log}");
}
