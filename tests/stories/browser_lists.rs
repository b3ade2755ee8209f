//! Stories of the pages with much to show: devices that are searched, an audit trail that is read from its newest end,
//! what is done with one device, how old secrets may get; and of doing all that by keyboard.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::chromium::Chromium;
use common::coordinator::Coordinator;
use common::device::{Device, MapStream};
use common::fleet::{Fleet, auth_key, person, sixteen_at_a_time};
use common::wait::wait_until;
use common::wonder::Wonder;
use serde_json::{Value, json};
use std::time::Duration;

const ADA: &str = "ada@example.org";
const PASSWORD: &str = "a long enough password";

/// A browser in which somebody is logged in.
async fn browser_of(coordinator: &Coordinator, email: &str) -> Chromium {
    let browser = Chromium::at(coordinator.url()).await;
    browser.go("/login").await;
    browser.log_in(email, PASSWORD).await;
    let own = format!("/o/{}", email.split('@').next().unwrap());
    browser.arrives(&own).await;
    browser
}

/// A device that has joined, of this system.
async fn of_system(fleet: &Fleet, key: &str, hostname: &str, os: &str) -> Device {
    let mut device = Device::new(fleet.site, hostname);
    let members = json!({
        "Auth": { "AuthKey": key },
        "Hostinfo": { "Hostname": hostname, "OS": os, "IPNVersion": "1.102.3" },
    });
    let answer = device.register_with(members).await.unwrap().document().unwrap();
    assert_eq!(answer["MachineAuthorized"], true, "{answer}");
    device
}

/// How many devices the page lists.
async fn listed(browser: &Chromium) -> usize {
    browser.count("main .table tbody tr").await
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_searched_without_javascript() {
    let fleet = Fleet::new().await;
    let tagged = auth_key(&fleet.ada, &["--tag", "tag:build"]);
    let (names, all) = ((0..110).map(|n| format!("server-{n}")), &fleet);
    sixteen_at_a_time(names.map(|name| async move { all.join(&name).await })).await;
    of_system(&fleet, &fleet.auth_key, "phone", "iOS").await;
    of_system(&fleet, &fleet.auth_key, "desk", "windows").await;
    of_system(&fleet, &tagged, "builder", "linux").await;
    let _here = fleet.connected("laptop").await;

    let browser = browser_of(&fleet.coordinator, ADA).await;
    browser.without_javascript().await;
    browser.go("/o/ada/devices").await;
    browser.shows("114 devices, 1 online").await;
    assert_eq!(listed(&browser).await, 100);
    browser.press("Show more").await;
    browser.shows("laptop").await;
    assert_eq!(listed(&browser).await, 14);

    let search = async |field: &str, value: &str| {
        browser.go("/o/ada/devices").await;
        browser.choose(field, value).await;
        browser.press("Find").await;
        browser.find("main a.button[href$='/devices']").await;
        listed(&browser).await
    };
    assert_eq!(search("q", "SERVER-10").await, 11, "server-10, and 100 to 109");
    assert_eq!(search("q", "100.64.0.5").await, 11, "an address counts too");
    assert_eq!(search("os", "iOS").await, 1);
    browser.shows("phone").await;
    assert_eq!(search("os", "Windows").await, 1);
    assert_eq!(search("state", "Online").await, 1);
    browser.shows("laptop").await;
    assert_eq!(search("state", "Offline").await, 100);
    browser.press("Show more").await;
    browser.shows("builder").await;
    assert_eq!(listed(&browser).await, 13, "the next page asks for the same");
    assert_eq!(search("tag", "build").await, 1);
    browser.shows("tag:build").await;
    assert_eq!(search("owner", "ada@").await, 100, "a tagged device is nobody's");
    assert_eq!(search("q", "nothing like this").await, 0);
    browser.shows("No device fits").await;
    browser.press("Show all devices").await;
    browser.shows("114 devices").await;

    let with_script = browser_of(&fleet.coordinator, ADA).await;
    with_script.go("/o/ada/devices?q=server-1&state=offline&os=linux").await;
    with_script.inspect("devices-found").await;
    with_script.go("/o/ada/devices?q=nothing").await;
    with_script.inspect("devices-none-found").await;
}

/// A device that offers a network and a way to the Internet.
async fn router(fleet: &Fleet) -> (Device, MapStream) {
    let mut device = fleet.join("router").await;
    let mut stream = device.map_stream(common::device::Encoding::Zstd).await.unwrap();
    stream.next().await.unwrap();
    let offered = ["10.77.0.0/24", "0.0.0.0/0", "::/0"];
    let report = json!({ "Hostinfo": {
        "Hostname": "router", "OS": "linux", "IPNVersion": "1.102.3", "RoutableIPs": offered,
    } });
    device.report_with(report).await.unwrap();
    wait_until("its offer is written", Duration::from_secs(60), || {
        let node = fleet.ada.json(&["node", "show", "router"]);
        node["node"]["routes"]["advertised"].as_array().is_some_and(|routes| routes.len() == offered.len())
    });
    (device, stream)
}

fn routes(fleet: &Fleet) -> Value {
    fleet.ada.json(&["node", "show", "router"])["node"]["routes"]["approved"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_are_allowed_and_withdrawn_and_a_log_in_is_ended() {
    let fleet = Fleet::new().await;
    let _router = router(&fleet).await;
    let browser = browser_of(&fleet.coordinator, ADA).await;
    browser.go("/o/ada/devices/router").await;
    browser.shows("3 routes to allow").await;
    browser.shows("Offered by the device; waits for you").await;
    browser.inspect("device-routes").await;
    browser.click("input[value='10.77.0.0/24']").await;
    browser.press("Save routes").await;
    browser.shows("The routes are saved.").await;
    browser.shows("In use through this device").await;
    assert_eq!(routes(&fleet), json!(["10.77.0.0/24"]));
    browser.inspect("device-routes-saved").await;
    browser.click("input[value='10.77.0.0/24']").await;
    browser.press("Save routes").await;
    browser.shows("3 routes to allow").await;
    assert_eq!(routes(&fleet), json!([]));

    browser.press("End its log-in…").await;
    browser.shows("The device is cut off until somebody logs in on it again.").await;
    browser.picture("device-expire").await;
    browser.press("End its log-in").await;
    browser.shows("The log-in of router has ended.").await;
    browser.shows("Key expired").await;
    browser.inspect("device-expired").await;
    browser.go("/o/ada/devices").await;
    browser.shows("Key expired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_says_how_old_secrets_may_get() {
    let coordinator = Coordinator::options().args(&["--no-derp"]).start();
    let ada = person(&coordinator, ADA);
    let browser = browser_of(&coordinator, ADA).await;
    let made = ada.json(&["key", "create", "--name", "dashboard"]);
    let old = ada.json(&["key", "create", "--name", "short", "--ttl", "1h"]);
    assert!(old["secret"].is_string());
    let program = Wonder::new()
        .env("WONDER_TOKEN", made["secret"].as_str().unwrap())
        .env("WONDER_COORDINATOR", coordinator.url());
    let quiet = program.run(&["node", "list"]);
    assert!(quiet.code == 0 && !quiet.stderr.contains("warning"), "{quiet:?}");

    browser.go("/o/ada/keys").await;
    browser.shows("Secrets of API keys may get as old as each key is good.").await;
    browser.choose("max_age", "30 days").await;
    browser.choose("warn_before", "30 days").await;
    browser.press("Save").await;
    browser.shows("How old secrets may get is saved.").await;
    browser.shows("A secret works until it is 30 days old.").await;
    browser.shows("Rotate soon").await;
    browser.shows("by the rule below").await;
    browser.inspect("keys-policy").await;

    // Whoever uses the key is told, whether somebody or a program reads.
    let warned = program.run(&["node", "list"]);
    assert!(
        warned.code == 0 && warned.stderr.starts_with("warning: this API key stops working"),
        "{warned:?}"
    );
    assert_eq!(warned.stderr.matches("warning").count(), 1, "once a run: {warned:?}");
    let told = program.run(&["node", "list", "--json"]);
    let warning: Value = serde_json::from_str(told.stderr.trim()).unwrap();
    assert_eq!(warning["warning"]["code"], "key_rotation_due");
    assert_eq!(program.run(&["node", "list", "--quiet"]).stderr, "");

    browser.choose("max_age", "As old as it is good").await;
    browser.press("Save").await;
    browser.shows("Secrets of API keys may get as old as each key is good.").await;
    assert_eq!(ada.json(&["key", "policy"])["policy"], Value::Null);
    assert_eq!(program.run(&["node", "list"]).stderr, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_is_read_from_its_newest_end() {
    let coordinator = Coordinator::options().args(&["--no-derp"]).start();
    let (ada, eve) = (person(&coordinator, ADA), person(&coordinator, "eve@example.org"));
    for n in 0..55 {
        ada.json(&["token", "create", "--name", &format!("token-{n}")]);
    }
    ada.error(&["org", "invite", "not an address"], 2);
    eve.json(&["token", "create", "--name", "hers"]);
    let browser = browser_of(&coordinator, ADA).await;
    browser.go("/o/ada/audit").await;
    let first = browser.text("main .table tbody tr").await.unwrap();
    assert!(first.contains("token-54"), "the newest stands first: {first}");
    browser.inspect("audit-newest").await;
    browser.press("Older").await;
    browser.lists("organization.create").await;
    browser.press("Back to the newest").await;
    browser.lists("token-54").await;

    browser.choose("action", "organization: all").await;
    browser.press("Show").await;
    browser.shows("An organization came to be, with its realm.").await;
    assert_eq!(listed(&browser).await, 1);
    browser.choose("result", "Refused").await;
    browser.press("Show").await;
    browser.shows("No event fits").await;
    browser.inspect("audit-none").await;
    browser.press("Show everything").await;
    browser.lists("token-54").await;
    browser.go("/o/ada/audit?from=2001-01-01&to=2001-01-31").await;
    browser.shows("No event fits").await;
    browser.go("/o/ada/audit?from=yesterday").await;
    browser.shows("is not a time").await;

    browser.go("/o/ada").await;
    browser.click(".menu.right summary").await;
    browser.press("Audit of the coordinator").await;
    browser.arrives("/audit").await;
    browser.lists("session.create").await;
    browser.lists("hers").await;
    browser.picture("audit-coordinator").await;
    browser.fill("organization", "eve").await;
    browser.press("Show").await;
    browser.find("main a.button[href='/audit']").await;
    browser.lists("hers").await;
    assert!(!browser.text("main .table").await.unwrap().contains("token-54"), "of one organization alone");
    browser.fill("organization", "nobody's").await;
    browser.press("Show").await;
    browser.shows("nobody's").await;

    let hers = browser_of(&coordinator, "eve@example.org").await;
    hers.go("/audit").await;
    hers.shows("administrators_only").await;
}

/// Everything on a page that can be pressed or filled in, as it is seen; of radio buttons those that are chosen.
const REACHABLE: &str = "return [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]')]
    .filter(e => e.checkVisibility() && e.tabIndex >= 0 && (e.type !== 'radio' || e.checked))
    .map((e, i) => { e.dataset.at = i; return i; }).length";

/// Where the keyboard is, and whether that can be seen.
const FOCUSED: &str = "const e = document.activeElement;
    const drawn = x => x && getComputedStyle(x).outlineStyle !== 'none' && getComputedStyle(x).outlineWidth !== '0px';
    return [e.dataset.at ?? null, drawn(e) || drawn(e.nextElementSibling) || e === document.body || e.className === 'skip', e.outerHTML.slice(0, 120)]";

const MISSED: &str = "return [...document.querySelectorAll('[data-at]')]
    .filter(e => !arguments[0].includes(e.dataset.at)).map(e => e.outerHTML)";

/// Goes through a page by the Tab key: everything is reached, and where one is can be seen.
async fn by_keyboard(browser: &Chromium, path: &str) {
    browser.go(path).await;
    let all = browser.client.execute(REACHABLE, vec![]).await.unwrap().as_u64().unwrap();
    let mut reached = std::collections::BTreeSet::new();
    // A date has several places within.
    for _ in 0..2 * all {
        browser.client.active_element().await.unwrap().send_keys("\u{e004}").await.unwrap();
        let at = browser.client.execute(FOCUSED, vec![]).await.unwrap();
        assert_eq!(at[1], true, "{path}: the focus is not seen on {}", at[2]);
        reached.extend(at[0].as_str().map(str::to_owned));
        if reached.len() as u64 == all {
            return;
        }
    }
    let missed = browser.client.execute(MISSED, vec![json!(reached)]).await.unwrap();
    panic!("{path}: the Tab key does not reach {missed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_is_reached_by_keyboard_and_the_focus_is_seen() {
    let fleet = Fleet::new().await;
    let _router = router(&fleet).await;
    fleet.ada.json(&["key", "create", "--name", "dashboard"]);
    fleet.ada.json(&["org", "invite", "bob@example.org"]);
    let browser = browser_of(&fleet.coordinator, ADA).await;
    for page in [
        "/o/ada",
        "/o/ada/devices",
        "/o/ada/devices/router",
        "/o/ada/add",
        "/o/ada/tokens",
        "/o/ada/keys",
        "/o/ada/keys/new",
        "/o/ada/members",
        "/o/ada/members/invite",
        "/o/ada/apps",
        "/o/ada/apps/new",
        "/o/ada/audit",
        "/o/ada/organization",
        "/audit",
        "/settings",
        "/approve",
        "/organizations/new",
    ] {
        by_keyboard(&browser, page).await;
    }
}
