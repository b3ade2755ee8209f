//! Stories of second factors in a real Chromium, with an authenticator like that of a phone: what people see and press.
//! Each page is kept as a picture, and axe-core finds nothing serious in it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::chromium::Chromium;
use common::coordinator::Coordinator;
use common::totp::Authenticator;
use common::wonder::Wonder;
use std::time::Duration;
use wonder::runtime::Clock;

const ADA: &str = "ada@example.org";
const PASSWORD: &str = "a long enough password";
const FACTORS: &str = "/settings/factors";

/// A coordinator where browsers have passkeys, with Ada's account.
fn town() -> Coordinator {
    let port = common::port::own();
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let coordinator = Coordinator::options().listen(&listen).args(&["--no-derp", "--url", &url]).start();
    let made = coordinator.admin(&["user", "create", ADA, "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{made:?}");
    coordinator
}

async fn at(coordinator: &Coordinator) -> Chromium {
    let browser = Chromium::at(coordinator.url()).await;
    browser.go("/login").await;
    browser.log_in(ADA, PASSWORD).await;
    browser.arrives("/o/ada").await;
    browser
}

async fn log_out(browser: &Chromium) {
    browser.go("/o/ada").await;
    browser.click(".menu.right summary").await;
    browser.press("Log out").await;
    browser.arrives("/login").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_opens_an_account_in_place_of_the_password_and_after_it() {
    let coordinator = town();
    let browser = at(&coordinator).await;
    let phone = browser.authenticator().await;
    browser.go("/settings").await;
    browser.shows("Passkeys, codes and recovery").await;
    browser.inspect("settings-factors").await;
    browser.press("Manage").await;
    browser.arrives(FACTORS).await;
    browser.inspect("factors-none").await;
    browser.fill("name", "laptop").await;
    browser.press("Add a passkey").await;
    browser.shows("They are shown this once").await;
    browser.inspect("recovery-codes").await;
    browser.press("I have kept them").await;
    browser.arrives(FACTORS).await;
    browser.shows("laptop").await;
    browser.inspect("factors-passkey").await;
    // The same authenticator has one already.
    browser.fill("name", "laptop again").await;
    browser.press("Add a passkey").await;
    browser.shows("No passkey was shown").await;

    log_out(&browser).await;
    browser.inspect("log-in-passkey").await;
    browser.press("Log in with a passkey").await;
    browser.arrives("/o/ada").await;

    log_out(&browser).await;
    browser.log_in(ADA, PASSWORD).await;
    browser.arrives("/login/step").await;
    browser.inspect("log-in-step").await;
    browser.go("/o/ada").await;
    browser.arrives("/login").await;
    browser.log_in(ADA, PASSWORD).await;
    browser.arrives("/login/step").await;
    browser.press("Use a passkey").await;
    browser.arrives("/o/ada").await;
    browser.go("/settings/confirm?next=/settings/factors").await;
    browser.inspect("confirm").await;
    browser.press("Use a passkey").await;
    browser.arrives(FACTORS).await;

    // Somebody else's finger opens nothing.
    log_out(&browser).await;
    browser.finger(&phone, false).await;
    browser.press("Log in with a passkey").await;
    browser.shows("No passkey was shown").await;
    browser.inspect("log-in-passkey-refused").await;
    browser.finger(&phone, true).await;
    browser.press("Log in with a passkey").await;
    browser.arrives("/o/ada").await;

    browser.go(FACTORS).await;
    browser.press("Remove…").await;
    browser.press("Remove").await;
    browser.shows("The passkey is removed").await;
    log_out(&browser).await;
    browser.press("Log in with a passkey").await;
    browser.shows("This passkey was not accepted").await;
    browser.log_in(ADA, PASSWORD).await;
    browser.arrives("/o/ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_app_is_added_and_asked_for_without_javascript() {
    let coordinator = town();
    let browser = at(&coordinator).await;
    browser.without_javascript().await;
    browser.go(FACTORS).await;
    browser.shows("allow JavaScript").await;
    browser.press("Add an authenticator app").await;
    browser.arrives("/settings/factors/app").await;
    browser.shows("Scan this").await;
    let secret = browser.text(".copyable code").await.unwrap();
    assert_eq!(browser.scan("svg.qr").await, otpauth(&secret));
    let app = Authenticator::new(&secret);
    let clock = Clock::system();
    browser.picture("factor-app").await;
    browser.fill("code", "000000").await;
    browser.press("Switch on").await;
    browser.shows("This code is wrong").await;
    let used = app.code(clock.now());
    browser.fill("code", &used).await;
    browser.press("Switch on").await;
    browser.shows("They are shown this once").await;
    let recovery = browser.text("ol.codes li code").await.unwrap();
    browser.press("I have kept them").await;
    browser.arrives(FACTORS).await;
    browser.shows("10 left").await;
    browser.picture("factors-app").await;

    log_out(&browser).await;
    browser.shows("allow JavaScript").await;
    browser.picture("log-in-no-script").await;
    browser.log_in(ADA, PASSWORD).await;
    browser.arrives("/login/step").await;
    browser.fill("code", &used).await;
    browser.click("form[action='/login/step'] button").await;
    browser.shows("was used already").await;
    browser.picture("log-in-step-refused").await;
    browser.fill("code", &recovery).await;
    browser.click("form[action='/login/step'] button").await;
    browser.arrives("/o/ada").await;
    browser.shows("Of those you have left: 9.").await;
    the_command_line_is_asked_too(
        &coordinator,
        &recovery,
        &app.code(clock.now().plus(Duration::from_secs(30))),
    );
}

fn the_command_line_is_asked_too(coordinator: &Coordinator, used: &str, code: &str) {
    let log_in = ["login", coordinator.url(), "--email", ADA, "--password-stdin"];
    let wonder = Wonder::new();
    let told = |more: &[&str]| {
        let run = wonder.run_with(&[&log_in[..], more].concat(), PASSWORD);
        (run.code, run.stderr)
    };
    let (exit, said) = told(&[]);
    assert!(exit == 3 && said.contains("`wonder login`") && said.contains("code"), "{said}");
    let (exit, said) = told(&["--code", used]);
    assert!(exit == 3 && said.contains("was used already"), "{said}");
    assert_eq!(told(&["--code", code]).0, 0);
    let reset = ["user", "reset-password", ADA, "--password-stdin", "--reset-factors"];
    let run = coordinator.admin(&reset, PASSWORD);
    assert!(run.code == 0 && (run.stdout + &run.stderr).contains("second factors and passkeys are gone"));
    assert_eq!(told(&[]).0, 0);
}

/// What an authenticator app must read, by the convention that they keep to (Google Authenticator's key URI format).
fn otpauth(secret: &str) -> String {
    format!("otpauth://totp/localhost:ada%40example.org?secret={secret}&issuer=localhost")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_reads_where_to_go_off_the_page_that_adds_devices() {
    let coordinator = town();
    let browser = at(&coordinator).await;
    browser.go("/o/ada/add").await;
    let read = browser.scan(".scan svg.qr").await;
    assert_eq!(read, format!("{}/phone", coordinator.url()));
    // A phone is nobody's browser yet.
    let phone = Chromium::at(coordinator.url()).await;
    phone.phone().await;
    phone.client.goto(&read).await.unwrap();
    phone.arrives("/phone").await;
    phone.shows(coordinator.url()).await;
    browser.press("Make a join token").await;
    browser.press("Phone").await;
    assert_eq!(browser.scan(".on-phone svg.qr").await, read, "beside the commands too");
}

/// The page with the picture for the app, as it is inspected with scripts.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_second_factors_are_accessible() {
    let coordinator = town();
    let browser = at(&coordinator).await;
    browser.go(FACTORS).await;
    browser.press("Add an authenticator app").await;
    browser.arrives("/settings/factors/app").await;
    browser.inspect("factor-app").await;
    let secret = browser.text(".copyable code").await.unwrap();
    browser.prefers("dark").await;
    browser.phone().await;
    assert_eq!(browser.scan("svg.qr").await, otpauth(&secret), "on a phone, in the dark");
    browser.prefers("light").await;
    browser.desktop().await;
    let app = Authenticator::new(&secret);
    browser.fill("code", &app.code(Clock::system().now())).await;
    browser.press("Switch on").await;
    browser.press("I have kept them").await;
    browser.press("Remove the app…").await;
    browser.inspect("factors-app").await;
    browser.press("Remove").await;
    browser.shows("Your authenticator app is removed").await;
    // At an address browsers have no passkeys: the pages say so, and offer none.
    let elsewhere = Chromium::at(&coordinator.url().replace("localhost", "127.0.0.1")).await;
    elsewhere.go("/login").await;
    elsewhere.log_in(ADA, PASSWORD).await;
    elsewhere.arrives("/o/ada").await;
    elsewhere.go(FACTORS).await;
    elsewhere.shows(&format!("open this page at {}", coordinator.url())).await;
    assert!(!elsewhere.find("form[data-passkey]").await.is_displayed().await.unwrap());
}
