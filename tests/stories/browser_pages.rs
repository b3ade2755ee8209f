//! Stories of the web pages in a real Chromium: what people see and press, with and without JavaScript, light and
//! dark, on a computer and on a phone. Each page that is shown is kept as a picture under `target/screenshots`,
//! and axe-core finds nothing serious in it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::chromium::Chromium;
use common::coordinator::Coordinator;
use common::fleet::{Fleet, person};
use common::mesh::{self, SOON};
use common::process::Process;
use common::tailscaled::Tailscaled;
use common::wait::wait_for;

const ADA: &str = "ada@example.org";
const PASSWORD: &str = "a long enough password";

/// A browser in which Ada is logged in.
async fn ada_at(coordinator: &Coordinator) -> Chromium {
    let browser = Chromium::at(coordinator.url()).await;
    browser.go("/login").await;
    browser.log_in(ADA, PASSWORD).await;
    browser.arrives("/o/ada").await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_coordinator_is_set_up_and_says_what_to_do_first() {
    let coordinator = Coordinator::options().args(&["--no-derp"]).start();
    let log = coordinator.log();
    let code = log.split_whitespace().find(|word| word.starts_with("wsc_")).expect("the start tells a code");
    let browser = Chromium::at(coordinator.url()).await;
    browser.go("/").await;
    browser.arrives("/setup").await;
    browser.inspect("set-up").await;
    for (code, then) in [("wsc_guess", "This set-up code is not"), (code, "No device yet")] {
        browser.fill("code", code).await;
        browser.fill("email", ADA).await;
        browser.fill("password", PASSWORD).await;
        browser.press("Make the account").await;
        browser.shows(then).await;
    }
    browser.arrives("/o/ada").await;
    browser.inspect("overview-empty").await;
    let session = browser.cookies().await.into_iter().find(|c| c["name"] == "wonder").expect("a log-in");
    assert_eq!((&session["httpOnly"], &session["sameSite"]), (&true.into(), &"Lax".into()), "{session}");
    browser.press("Add a device").await;
    browser.arrives("/o/ada/add").await;

    browser.go("/o/ada").await;
    browser.click(".menu.right summary").await;
    browser.press("Log out").await;
    browser.arrives("/login").await;
    browser.inspect("log-in").await;
    browser.log_in(ADA, "not the password").await;
    browser.shows("is wrong").await;
    browser.inspect("log-in-refused").await;
    browser.go("/o/ada").await;
    browser.arrives("/login").await;
    browser.go("/nowhere").await;
    browser.shows("There is nothing here").await;
    browser.inspect("not-found").await;
    browser.go("/phone").await;
    browser.inspect("phone-steps").await;
}

/// A real device that has been told to join without a key, and the path of the page that it shows.
fn asks(device: &Tailscaled, url: &str, hostname: &str) -> (Process, String) {
    let (up, page) = device.begin_log_in(url, hostname);
    let path = page.strip_prefix(url).unwrap_or_else(|| panic!("{page} is not at {url}"));
    (up, path.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_logs_in_without_a_key_is_approved_in_the_browser() {
    let coordinator = mesh::options().start();
    let _ada = person(&coordinator, ADA);
    let (phone, stranger) = (Tailscaled::start(), Tailscaled::start());
    let (mut up, page) = asks(&phone, coordinator.url(), "phone");

    let browser = Chromium::at(coordinator.url()).await;
    browser.phone().await;
    browser.go(&page).await;
    browser.arrives("/login").await;
    browser.log_in(ADA, PASSWORD).await;
    browser.arrives(&page).await;
    browser.shows("Let this device in?").await;
    browser.shows("phone").await;
    browser.inspect("approve").await;
    browser.press("Approve").await;
    browser.arrives("/o/ada/devices/phone").await;
    browser.shows("phone is now part of ada.").await;
    phone.wait_until("the phone is in", SOON, |phone| phone.state() == "Running");
    let ended = wait_for("tailscale up ends", SOON, || up.ended());
    assert!(ended.success(), "{}", up.log_tail());
    browser.shows(&phone.address()).await;

    // The next one is nobody's: it is turned away, by a browser that runs no script.
    let (mut up, page) = asks(&stranger, coordinator.url(), "stranger");
    browser.without_javascript().await;
    browser.go("/approve").await;
    browser.fill("code", &page.trim_start_matches("/approve/").to_lowercase().replace('-', " ")).await;
    browser.press("Go on").await;
    browser.arrives(&page).await;
    browser.press("Refuse").await;
    browser.shows("stranger was turned away.").await;
    let said = wait_for("tailscale up says why", SOON, || {
        let over = up.ended().is_some();
        let log = up.log();
        (log.contains("refused this device") || over).then_some(log)
    });
    assert!(said.contains("refused this device"), "{said}");
    assert_eq!(stranger.state(), "NeedsLogin");
    browser.go(&page).await;
    browser.shows("No device waits under this code").await;
    browser.picture("approve-over").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_come_go_and_change_while_one_looks() {
    let fleet = Fleet::new().await;
    let browser = ada_at(&fleet.coordinator).await;
    browser.go("/o/ada/devices").await;
    browser.shows("No device yet").await;
    browser.inspect("devices-empty").await;
    let (mut pi, _pi_map) = fleet.connected("raspberry").await;
    browser.shows("raspberry").await;
    browser.shows("Online").await;
    let (_nas, _nas_map) = fleet.connected("nas").await;
    let (laptop, laptop_map) = fleet.connected("laptop").await;
    browser.shows("laptop").await;
    drop((laptop, laptop_map));
    browser.shows("Offline").await;
    browser.inspect("devices").await;
    browser.go("/o/ada").await;
    browser.inspect("overview").await;

    browser.press("All devices").await;
    browser.press("raspberry").await;
    browser.arrives("/o/ada/devices/raspberry").await;
    browser.inspect("device").await;
    browser.fill("name", "Pi in the shed").await;
    browser.click("form[action$='/rename'] button").await;
    browser.shows("is not a DNS label").await;
    browser.shows("pi-in-the-shed would do").await;
    browser.inspect("device-refused").await;
    browser.fill("name", "shed").await;
    browser.press("Rename").await;
    browser.arrives("/o/ada/devices/shed").await;
    browser.shows("The device is called shed now.").await;

    browser.press("Remove from the network…").await;
    browser.picture("device-remove").await;
    assert_eq!(fleet.nodes().len(), 3, "it asks first");
    browser.press("Remove").await;
    browser.arrives("/o/ada/devices").await;
    browser.shows("shed was removed.").await;
    assert_eq!(fleet.nodes().len(), 2);
    pi.disconnect();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_keys_are_made_shown_once_and_revoked() {
    let fleet = Fleet::new().await;
    let browser = ada_at(&fleet.coordinator).await;
    browser.go("/o/ada/add").await;
    browser.inspect("add").await;
    browser.press("Options").await;
    browser.fill("name", "build farm").await;
    browser.fill("uses", "3").await;
    browser.fill("tags", "tag:ci").await;
    browser.picture("add-options").await;
    browser.press("Make a join token").await;
    browser.shows("Good for 3 devices").await;
    browser.inspect("add-commands").await;
    let command = browser.text(".on-linux .copyable code").await.unwrap();
    let secret = command.strip_prefix("sudo wonder worker join ").expect("a command to paste");
    let auth_key = browser.text(".on-linux .copyable:last-child code").await.unwrap();
    let auth_key = auth_key.rsplit(' ').next().unwrap().to_owned();
    assert!(secret.starts_with("wjt_") && auth_key.starts_with("wak_"));
    browser.press("Phone").await;
    browser.shows("Scan this").await;
    browser.picture("add-phone").await;
    let _device = common::device::Device::join(fleet.site, &auth_key, "builder").await;

    browser.go("/o/ada/tokens").await;
    browser.shows("build farm").await;
    browser.shows("1 of 3").await;
    assert!(!browser.client.source().await.unwrap().contains(secret), "a secret is shown once");
    browser.inspect("tokens").await;
    browser.press("Revoke…").await;
    browser.press("Revoke").await;
    browser.shows("The join token was revoked.").await;
    browser.shows("Revoked").await;

    browser.go("/o/ada/keys").await;
    browser.shows("No API key yet").await;
    browser.inspect("keys-empty").await;
    browser.press("Make an API key").await;
    browser.inspect("key-new").await;
    browser.fill("name", "dashboard").await;
    browser.press("Make an API key").await;
    browser.shows("This is the secret of the key.").await;
    browser.inspect("key-made").await;
    let secret = browser.text(".copyable code").await.unwrap();
    let url = format!("{}/api/v1/organizations/ada/nodes", fleet.coordinator.url());
    let call = || ureq::get(&url).header("authorization", format!("Bearer {secret}")).call();
    assert_eq!(call().unwrap().status(), 200);
    browser.go("/o/ada/keys").await;
    browser.shows("dashboard").await;
    browser.inspect("keys").await;
    browser.press("Revoke…").await;
    browser.press("Revoke").await;
    browser.shows("The key dashboard was revoked.").await;
    assert!(matches!(call(), Err(ureq::Error::StatusCode(401))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_looks_after_the_own_account_without_javascript() {
    let fleet = Fleet::new().await;
    let browser = Chromium::at(fleet.coordinator.url()).await;
    browser.go("/login").await;
    browser.without_javascript().await;
    browser.go("/settings").await;
    browser.arrives("/login").await;
    browser.log_in(ADA, PASSWORD).await;
    browser.arrives("/settings").await;
    browser.shows("Where you are logged in").await;
    browser.shows("Chrome on Linux").await;
    browser.shows("Command line").await;
    assert_eq!(browser.count(".table tbody tr").await, 2, "this one, and the command line");
    browser.picture("settings-no-script").await;
    browser.press("End").await;
    browser.shows("That log-in has ended.").await;
    fleet.ada.error(&["whoami"], 3);

    let change = async |present: &str, new: &str| {
        browser.fill("present", present).await;
        browser.fill("new", new).await;
        browser.press("Change password").await;
    };
    change("not the password", "another long password").await;
    browser.shows("is wrong").await;
    change(PASSWORD, "short").await;
    browser.shows("at least 8").await;
    change(PASSWORD, "another long password").await;
    browser.shows("Your password is changed").await;

    let (_pi, _map) = fleet.connected("pi").await;
    browser.go("/o/ada/devices").await;
    browser.shows("pi").await;
    browser.picture("devices-no-script").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_clear_to_everybody() {
    let fleet = Fleet::new().await;
    let browser = ada_at(&fleet.coordinator).await;
    browser.go("/settings").await;
    browser.inspect("settings").await;
    browser.go("/approve").await;
    browser.inspect("approve-ask").await;
    // By keyboard alone: the first key leads past the bar, Escape closes a menu.
    browser.go("/o/ada").await;
    let active = "return document.activeElement.className";
    browser.find("body").await.send_keys("\u{e004}").await.unwrap();
    assert_eq!(browser.client.execute(active, vec![]).await.unwrap(), "skip");
    browser.click(".menu.right summary").await;
    assert_eq!(browser.count(".menu[open]").await, 1);
    browser.find(".menu.right summary").await.send_keys("\u{e00c}").await.unwrap();
    assert_eq!(browser.count(".menu[open]").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_made_shared_and_deleted() {
    let coordinator = Coordinator::options().args(&["--no-derp"]).start();
    let (_ada, _bob) = (person(&coordinator, ADA), person(&coordinator, "bob@example.org"));
    let browser = ada_at(&coordinator).await;
    browser.go("/organizations/new").await;
    browser.inspect("organization-new").await;
    browser.fill("name", "workshop").await;
    browser.press("Make it").await;
    browser.shows("Your organization is ready.").await;
    browser.go("/o/workshop/members").await;
    browser.press("Invite somebody").await;
    browser.inspect("invite").await;
    browser.fill("email", "bob@example.org").await;
    browser.press("Invite").await;
    browser.shows("Send them this link").await;
    browser.inspect("invite-made").await;
    let link = browser.text(".copyable code").await.unwrap();
    let page = link.strip_prefix(coordinator.url()).expect("a link to here").to_owned();
    browser.go("/o/workshop/members").await;
    browser.shows("bob@example.org").await;
    browser.inspect("members").await;

    let bob = Chromium::at(coordinator.url()).await;
    bob.go(&page).await;
    bob.arrives("/login").await;
    bob.log_in("bob@example.org", PASSWORD).await;
    bob.arrives(&page).await;
    bob.inspect("invitation").await;
    bob.press("Accept").await;
    bob.shows("You are now part of workshop.").await;
    bob.shows("member").await;
    assert_eq!(bob.count("a[href$='/apps']").await, 0, "a member has no business with apps");
    bob.go("/o/workshop/members").await;
    assert_eq!(bob.count("main form").await, 0, "nor with members");

    browser.go("/o/workshop/members").await;
    browser.press("Change…").await;
    browser.picture("member-change").await;
    browser.press("Make an admin").await;
    browser.shows("bob@example.org is an admin now.").await;
    an_app_is_registered(&bob).await;

    browser.go("/o/workshop/audit").await;
    browser.lists("member.promote").await;
    browser.inspect("audit").await;
    browser.fill("actor", "bob@example.org").await;
    browser.choose("action", "app: all").await;
    browser.press("Show").await;
    browser.find("main a.button[href$='/audit']").await;
    browser.lists("app.register").await;
    assert!(
        !browser.text("main .table").await.unwrap().contains("member.promote"),
        "only what was asked for"
    );

    browser.go("/o/workshop/organization").await;
    browser.inspect("organization").await;
    browser.press("Delete this organization…").await;
    browser.fill("confirm", "workshop").await;
    browser.press("Delete it").await;
    browser.arrives("/o/ada").await;
    browser.shows("workshop was deleted.").await;
    bob.go("/o/workshop").await;
    bob.shows("There is nothing here").await;
}

/// By an admin of the organization.
async fn an_app_is_registered(bob: &Chromium) {
    bob.go("/o/workshop/apps").await;
    bob.inspect("apps-empty").await;
    bob.press("Register an app").await;
    bob.fill("name", "Zeppelin").await;
    bob.fill("redirects", "https://zeppelin.example/callback").await;
    bob.inspect("app-new").await;
    bob.press("Register an app").await;
    bob.shows("Copy the secret now").await;
    bob.inspect("app-made").await;
    bob.go("/o/workshop/apps").await;
    bob.shows("Zeppelin").await;
    bob.inspect("apps").await;
}
