//! The coordinator's log: no secret that passes stands in it, in either of its forms, however it is brought along.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::coordinator::{Coordinator, Options};
use common::device::{Device, Site};
use common::mail::MailServer;
use common::oauth::{Browser, Client, Page, basic, encoded, parameter, send};
use common::page;
use common::passkey::{self, ask};
use common::strange::{Mind, Signature, Strange};
use common::totp::Authenticator;
use common::wonder::Wonder;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use wonder::core::secret::Secret;
use wonder::runtime::Clock;

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";
const PASSWORD: &str = "a-long-enough-password";
const MAIL_PASSWORD: &str = "what-the-mail-server-is-told";
const OTHER_MAIL_PASSWORD: &str = "what-it-was-told-by-mistake";
const CLIENT_SECRET: &str = "what-the-provider-is-told";
/// Passkeys are for a name.
const URL: &str = "http://localhost:8080";
/// What lets every secret come as far as it can.
const SETTINGS: &str = "provider-networks = ['127.0.0.1']
[limits]
credential-address = '100000/1m'
join-address = '100000/1m'
oauth-client-address = '100000/1m'
";
const REDIRECT: &str = "https://platform.example.org/callback";

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Brings a secret along in every way in which people and programs do, and in some that lead nowhere.
fn show(address: SocketAddr, secret: &str) {
    let bearer = ("Authorization", &*format!("Bearer {secret}"));
    let cookie = ("Cookie", &*format!("__Host-wonder={secret}; wonder={secret}"));
    for path in [
        "/invitation/X",
        "/invitation/X/",
        "/X",
        "/api/v1/X",
        "/api/v1/keys/X/",
        "/device?user_code=X",
        "/auth/oidc/X/callback",
        "/auth/oidc/strange/callback?code=X&state=X&error=X",
    ] {
        send(address, "GET", &path.replace('X', secret), &[bearer, cookie], "");
    }
    let word = json!({ "token": secret, "password": secret, "code": secret, "email": ADA }).to_string();
    for path in ["/api/v1/join", "/api/v1/join/check", "/api/v1/sessions", "/ts2021", "/log-in"] {
        send(address, "POST", path, &[bearer, JSON], &word);
    }
    let form = ["token", "code", "refresh_token", "client_secret", "password", "logout_token"];
    let form = form.map(|name| (name, secret));
    let told = "/auth/oidc/strange/backchannel-logout";
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/log-in", "/setup", told] {
        send(address, "POST", path, &[("Authorization", &basic("app", secret)), FORM], &encoded(&form));
    }
}

#[track_caller]
fn word(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// What a provider does in the place of what it should.
type Mischief = fn(&mut Mind);

/// Ada at a coordinator, and what she came to know and is to keep to herself.
struct Story {
    coordinator: Coordinator,
    mail: MailServer,
    ada: Wonder,
    browser: Browser,
    secrets: Vec<String>,
}

impl Story {
    fn new(options: Options) -> Story {
        let mail = MailServer::start(&["--tls", "starttls", "--password", MAIL_PASSWORD]);
        let file = mail.directory().join("wonder.toml");
        std::fs::write(&file, format!("{SETTINGS}{}", mail.settings("username = 'wonder'"))).unwrap();
        let options = options.args(&["--no-derp", "--url", URL, "--config", file.to_str().unwrap()]);
        let coordinator = options.env("WONDER_LOG", "info,wonder=trace").start();
        let secrets = vec![PASSWORD.to_owned()];
        let story = Story { coordinator, mail, ada: Wonder::new(), browser: Browser::default(), secrets };
        story.admin(&["user", "create", ADA, "--password-stdin"], PASSWORD);
        let log_in = ["login", &story.url(""), "--email", ADA, "--password-stdin"];
        assert_eq!(story.ada.run_with(&log_in, PASSWORD).code, 0);
        story.ada.json(&["org", "create", "acme"]);
        story
    }

    fn admin(&self, args: &[&str], input: &str) {
        let run = self.coordinator.admin(args, input);
        assert_eq!(run.code, 0, "{run:?}");
    }

    fn address(&self) -> SocketAddr {
        self.coordinator.ready["listen"].as_str().unwrap().parse().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
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

    /// A mail server that is told a wrong password, and the right one.
    fn sends_mail(&mut self) {
        for (password, is_right) in [(OTHER_MAIL_PASSWORD, false), (MAIL_PASSWORD, true)] {
            self.admin(&["mail", "set-password", "--password-stdin"], password);
            let invited = self.ada.json(&["org", "invite", "cleo@example.org", "--org", "acme"]);
            assert_eq!(invited["mail"]["sent"], is_right, "{invited}");
            let shown = STANDARD.encode(format!("\0wonder\0{password}"));
            self.keep([password.to_owned(), shown, word(&invited["code"])]);
        }
        assert_eq!(self.mail.next()["user"], "wonder");
    }

    /// A device with a key, and one that waits for a person.
    async fn lets_devices_in(&mut self) {
        let key = word(&self.ada.json(&["token", "create"])["auth_key"]);
        let site = Site::of(&self.url("")).await.unwrap();
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

    /// A provider that Ada adds on its page, and everything that is said of people who log in there: of one whom it vouches
    /// for, and of those whom it does not.
    async fn lets_people_in_by_a_provider(&mut self) {
        let strange = Strange::start().await;
        let page = self.browser.get(&self.url("/coordinator/new-provider?name=strange"));
        let csrf = page.hidden("csrf");
        let fields =
            [("csrf", &*csrf), ("name", "strange"), ("issuer", &strange.issuer), ("client_id", "wonder")];
        let more = [("secret", CLIENT_SECRET), ("scopes", "profile email"), ("create", "on")];
        let added = self.browser.post(&self.url("/coordinator/new-provider"), &[&fields[..], &more].concat());
        assert_eq!(added.status, 303, "{added:?}");
        self.keep([CLIENT_SECRET.to_owned(), STANDARD.encode(format!("wonder:{CLIENT_SECRET}"))]);
        let mischief: [(u16, Mischief); 7] = [
            (303, |_| {}),
            (403, |mind| mind.error = Some("invalid_grant")),
            (403, |mind| mind.signature = Signature::Foreign),
            (403, |mind| mind.claims["nonce"] = Secret::random("").reveal().into()),
            (403, |mind| mind.claims["aud"] = "another".into()),
            (503, |mind| drop(mind.tokens.insert("expires_in".to_owned(), "soon".into()))),
            (503, |mind| drop(mind.claims.as_object_mut().unwrap().remove("email"))),
        ];
        for (number, (status, change)) in mischief.into_iter().enumerate() {
            let page = self.comes_back(&strange, change);
            assert_eq!(page.status, status, "{number}: {page:?}");
        }
        self.is_told_by(&strange);
    }

    /// Leaves for the provider and comes back, with what it says changed by `change`.
    fn comes_back(&mut self, strange: &Strange, change: Mischief) -> Page {
        let mut browser = Browser::default();
        let csrf = browser.get(&self.url("/login")).hidden("csrf");
        let left = browser.post(&self.url("/auth/oidc/strange/login"), &[("csrf", &csrf)]);
        let url = left.header("refresh").trim_start_matches("0;url=").to_owned();
        let [state, nonce, challenge] =
            ["state", "nonce", "code_challenge"].map(|name| parameter(&url, name).unwrap());
        let [code, access] = ["", ""].map(|_| Secret::random("").reveal().to_owned());
        {
            let mut mind = strange.mind();
            mind.claims = claims(strange);
            mind.claims["nonce"] = nonce.clone().into();
            (mind.error, mind.signature) = (None, Signature::Es256);
            (mind.code, mind.challenge) = (code.clone(), challenge);
            mind.tokens.clear();
            mind.tokens.insert("access_token".to_owned(), access.clone().into());
            change(&mut mind);
        }
        let back = format!("/auth/oidc/strange/callback?{}", encoded(&[("code", &code), ("state", &state)]));
        let page = browser.get(&self.url(&back));
        assert_eq!(browser.get(&self.url(&back)).status, 403, "once");
        self.keep([state, nonce, code, access]);
        self.keep(strange.mind().exchanged.clone());
        self.keep(browser.cookies().into_iter().filter(|cookie| !cookie.is_empty()));
        page
    }

    /// What a provider's other tokens say: of a log-out, and of who calls the API.
    fn is_told_by(&mut self, strange: &Strange) {
        self.admin(&["provider", "edit", "strange", "--bearer-audience", "wonder"], "");
        let access = strange.sign(Signature::Es256, "at+jwt", &claims(strange));
        let bearer = format!("Bearer {access}");
        let called = send(self.address(), "GET", "/api/v1/session", &[("Authorization", &bearer)], "");
        assert_eq!(called.status, 200, "{called:?}");
        let mut out = claims(strange);
        out["events"] = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        out["jti"] = "one".into();
        for (signature, status) in [(Signature::Foreign, 400), (Signature::Es256, 200)] {
            let token = strange.sign(signature, "logout+jwt", &out);
            let body = encoded(&[("logout_token", &token)]);
            let told = send(self.address(), "POST", "/auth/oidc/strange/backchannel-logout", &[FORM], &body);
            assert_eq!(told.status, status, "{told:?}");
            self.keep([token]);
        }
        self.keep([access]);
    }

    /// A passkey of Eve's: made, shown, and shown again by somebody who saw it.
    async fn lets_a_passkey_in(&mut self) {
        self.admin(&["user", "create", EVE, "--password-stdin"], PASSWORD);
        let (mut eve, mut key) = (page::Browser::new(self.address()), passkey::Authenticator::new(URL));
        eve.log_in(EVE, PASSWORD).await;
        eve.get("/settings/factors").await;
        let asked = ask(&mut eve, "/settings/factors/passkeys/ask").await;
        let made = key.make(&asked);
        eve.submit("/settings/factors/passkeys", &[("name", "laptop"), ("answer", &made.to_string())]).await;
        self.keep(recovery_codes(&eve.page.body));
        let mut other = page::Browser::new(self.address());
        other.get("/login").await;
        let question = ask(&mut other, "/login/passkey/ask").await;
        let shown = key.show(&question);
        for (status, mut browser) in [(303, other), (401, page::Browser::new(self.address()))] {
            browser.get("/login").await;
            let entered = browser.submit("/login/passkey", &[("answer", &shown.to_string())]).await;
            assert_eq!(entered.status, status, "{entered:?}");
            self.keep(browser.cookies.into_values());
        }
        self.keep([&asked["challenge"], &question["challenge"], &made["rawId"]].map(word));
        self.keep(["clientDataJSON", "attestationObject"].map(|name| word(&made["response"][name])));
        self.keep(["clientDataJSON", "signature"].map(|name| word(&shown["response"][name])));
        self.keep(eve.cookies.into_values());
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
        let (app, now) = (Authenticator::new(&secret), Clock::system().now());
        let (code, wrong) = (app.code(now), app.code(now.plus(Duration::from_secs(3600))));
        let page =
            self.browser.post(&format!("{path}/app/confirm"), &[("csrf", &csrf(&page)), ("code", &code)]);
        let codes = recovery_codes(&page.text);
        for (code, status) in [(&wrong, 3), (&codes[0], 0)] {
            let log_in = ["login", &self.url(""), "--email", ADA, "--password-stdin", "--code", code];
            assert_eq!(Wonder::new().run_with(&log_in, PASSWORD).code, status);
        }
        self.keep([secret, code, wrong]);
        self.keep(codes);
    }
}

/// The claims of a token of a provider that has nothing wrong with it.
fn claims(strange: &Strange) -> Value {
    let now = Clock::system().now().as_millis() / 1000;
    json!({ "iss": strange.issuer, "aud": "wonder", "sub": "zoe", "iat": now, "exp": now + 300,
        "email": "zoe@example.org", "email_verified": true })
}

/// Those that a page tells once.
#[track_caller]
fn recovery_codes(page: &str) -> Vec<String> {
    let codes: Vec<_> = page.split("<li><code>").skip(1).map(|rest| rest[..23].to_owned()).collect();
    assert_eq!(codes.len(), 10, "{page}");
    codes
}

/// Six digits.
const SHORT: usize = 6;

/// Whether a line tells a secret, or the end of it: a short one as a word of its own, as times and ids are full of digits.
fn tells(line: &str, secret: &str) -> bool {
    let end = &secret[secret.len().saturating_sub(16)..];
    let is_word = |at: usize| {
        let (before, after) = (&line[..at], &line[at + end.len()..]);
        !before.ends_with(|c: char| c.is_alphanumeric() || c == '.')
            && !after.starts_with(char::is_alphanumeric)
    };
    line.match_indices(end).any(|(at, _)| secret.len() > SHORT || is_word(at))
}

/// A log without the colours of a terminal (ECMA-48 section 8.3.117).
fn plain(log: &str) -> String {
    let mut parts = log.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.map(|part| part.split_once('m').map_or(part, |(_, rest)| rest)).collect::<String>()
}

#[test]
fn a_short_code_is_found_wherever_it_is_told() {
    for line in ["code 123456", "code=\u{1b}[0m123456\u{1b}[2m.", "{\"code\":\"123456\"}", "123456"] {
        assert!(tells(&plain(line), "123456"), "{line}");
    }
    for line in ["12:00:00.123456Z", "0a123456", "1234567"] {
        assert!(!tells(&plain(line), "123456"), "{line}");
    }
}

/// Everything that the program itself could say.
async fn nothing_of_it_stands_in_the_log(options: Options) -> String {
    let mut story = Story::new(options);
    story.makes_what_is_told_once();
    story.sends_mail();
    story.lets_devices_in().await;
    story.lets_an_app_in();
    story.lets_people_in_by_a_provider().await;
    story.lets_a_passkey_in().await;
    story.adds_a_second_factor();
    assert!(story.secrets.len() > 100, "{:?}", story.secrets);
    story.secrets.iter().for_each(|secret| show(story.address(), secret));
    let log = plain(&story.coordinator.log());
    assert!(
        log.contains("/invitation/{code}") && log.contains("(no route)"),
        "{}",
        story.coordinator.log_tail()
    );
    for secret in &story.secrets {
        let line = log.lines().find(|line| tells(line, secret));
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
