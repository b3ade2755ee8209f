//! Stories of `wonder login` at a terminal, on SQLite and on PostgreSQL: it opens a browser, and whichever way its person
//! logs in there, the command line is theirs. The audit trail names each way.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::oidc::destination;
use common::page::Browser;
use common::passkey::{self, Authenticator, ask};
use common::process::Process;
use common::totp::add_app;
use common::town::Town;
use common::wait::{wait_for, wait_until};
use common::wonder::Wonder;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const ADA: &str = "ada@example.org";
const ORIGIN: &str = "http://localhost:8080";
const SETTINGS: &str = "url = \"http://localhost:8080\"";
/// A look of the command line each five seconds, on a slow machine.
const SOON: Duration = Duration::from_secs(60);

crate::coordinator_stories! {
    with SETTINGS:
    the_command_line_logs_in_by_a_provider
    the_command_line_logs_in_by_password_and_code
    the_command_line_logs_in_by_a_passkey
    whom_the_provider_let_through_has_shown_nothing
}

/// `wonder login` at a terminal of somebody's desktop.
struct Terminal {
    wonder: Wonder,
    login: Process,
    _desktop: TempDir,
}

impl Terminal {
    /// Begins to log in; gives the path of the page that is opened in the desktop's browser.
    fn log_in(c: &Coordinator) -> (Terminal, String) {
        let (wonder, desktop) = (Wonder::new(), tempfile::tempdir().unwrap());
        let opened = desktop.path().join("opened");
        browser_that_notes(desktop.path(), &opened);
        let typed = format!("{} login http://{}", env!("CARGO_BIN_EXE_wonder"), c.address);
        let mut command = Command::new("script");
        common::wonder::clean_environment(&mut command);
        let path = format!("{}:{}", desktop.path().display(), std::env::var("PATH").unwrap());
        command.args(["-qec", &typed, "/dev/null"]).env("PATH", path);
        command.env("WONDER_CONFIG_DIR", wonder.config_dir());
        let mut login = Process::start(&mut command, &desktop.path().join("screen"), false);
        let page = wait_for("the browser to be opened", SOON, || {
            assert!(login.ended().is_none(), "{}", login.log_tail());
            fs::read_to_string(&opened).ok().filter(|url| url.ends_with('\n'))
        });
        let path = page.trim().strip_prefix(ORIGIN).expect("the coordinator's own page").to_owned();
        wait_until("the terminal shows it too", SOON, || login.log().contains(&path));
        (Terminal { wonder, login, _desktop: desktop }, path)
    }

    /// The log-in, once a browser has allowed it.
    fn logged_in(mut self) -> Wonder {
        let ended = wait_for("the log-in", SOON, || self.login.ended());
        assert!(ended.success(), "{}", self.login.log_tail());
        assert_eq!(self.wonder.json(&["whoami"])["user"]["email"], ADA);
        self.wonder
    }
}

/// What a desktop opens addresses with (freedesktop.org's xdg-utils): this one notes them.
fn browser_that_notes(directory: &Path, opened: &Path) {
    let program = directory.join("xdg-open");
    let (part, whole) = (opened.with_extension("part"), opened.display());
    let script = format!("#!/bin/sh\necho \"$1\" > '{0}' && mv '{0}' '{whole}'\n", part.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A browser that nobody is logged in with opens the page, and is led to the log-in.
async fn opens(c: &Coordinator, path: &str) -> Browser {
    let mut browser = Browser::new(c.address);
    let shown = browser.follow(path).await;
    assert!(shown.status == 200 && shown.says("name=\"next\""), "{shown:?}");
    browser
}

/// The browser was led back to the page, and allows what it asks.
async fn allows(browser: &mut Browser, path: &str) {
    assert_eq!((browser.page.status, browser.page.location()), (303, path), "{:?}", browser.page);
    assert!(browser.get(path).await.says("wants to log in as"), "{:?}", browser.page);
    let code = path.rsplit_once('=').expect("a code").1;
    browser.submit("/device", &[("user_code", code), ("decision", "approve")]).await;
    assert!(browser.page.status == 200 && browser.page.says("go back to the device"), "{:?}", browser.page);
}

async fn the_command_line_logs_in_by_a_provider(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    let (terminal, path) = Terminal::log_in(&town.c);
    let mut browser = opens(&town.c, &path).await;
    browser.submit("/auth/oidc/strange/login", &[("next", &path)]).await;
    let back = town.answer(&destination(&browser), "ada", |_| {});
    browser.get(&back).await;
    allows(&mut browser, &path).await;
    terminal.logged_in();
    assert_eq!(town.c.ways_in().await, ["browser", "password", "provider strange"]);
    shows_who_she_is_at_her_provider(&town, &mut browser).await;
}

/// Who has nothing to show here logs in once more, and comes to where she was going.
async fn shows_who_she_is_at_her_provider(town: &Town, browser: &mut Browser) {
    let going = "/settings/factors";
    town.c.later(Duration::from_secs(11 * 60));
    let asked = browser.follow(going).await;
    assert!(asked.says("neither a password nor a code"), "{asked:?}");
    let again = asked.between("class=\"button\" href=\"/login", "\"").replace("&amp;", "&");
    browser.get(&format!("/login{again}")).await;
    let next = browser.page.between("name=\"next\" value=\"", "\"");
    browser.submit("/auth/oidc/strange/login", &[("next", &next)]).await;
    let url = destination(browser);
    assert!(url.contains("&prompt=login") && url.contains("&max_age=0"), "it is to ask her: {url}");
    let now = town.seconds();
    let back = town.answer(&url, "ada", |claims| claims["auth_time"] = now.into());
    assert_eq!(browser.get(&back).await.location(), going);
    assert_eq!(browser.get(going).await.status, 200);
}

/// Who finds a browser, and the provider's log-in of this morning in it, gets in and changes nothing: neither where the
/// provider says when it asked, nor where somebody took the question for that out of the address.
async fn whom_the_provider_let_through_has_shown_nothing(c: Coordinator) {
    let town = Town::new(c, json!({})).await;
    let says = json!({ "claims_supported": ["sub", "auth_time"] });
    town.strange.mind().document = says.as_object().unwrap().clone();
    let this_morning = json!(town.seconds() - 3600);
    for (said, lets) in [(this_morning, false), (Value::Null, false), (json!(town.seconds()), true)] {
        let mut browser = Browser::new(town.c.address);
        let back = town.leave(&mut browser, "ada", |claims| claims["auth_time"] = said.clone()).await;
        assert_eq!(browser.get(&back).await.location(), "/");
        let shown = browser.follow("/settings/factors").await;
        assert_eq!(!shown.says("neither a password nor a code"), lets, "{said}: {shown:?}");
    }
    let mut browser = town.log_in("ada").await;
    shows_who_she_is_at_her_provider(&town, &mut browser).await;
}

async fn the_command_line_logs_in_by_password_and_code(c: Coordinator) {
    c.person(ADA).await;
    let mut ada = Browser::new(c.address);
    ada.log_in(ADA, PASSWORD).await;
    let (app, _) = add_app(&c, &mut ada).await;
    c.later(Duration::from_secs(30));
    let (terminal, path) = Terminal::log_in(&c);
    let mut browser = opens(&c, &path).await;
    browser.submit("/login", &[("email", ADA), ("password", PASSWORD), ("next", &path)]).await;
    let step = browser.page.location().to_owned();
    assert!(step.starts_with("/login/step?next="), "{:?}", browser.page);
    browser.get(&step).await;
    let code = app.code(c.clock.now());
    browser.submit("/login/step", &[("code", &code), ("next", &path)]).await;
    allows(&mut browser, &path).await;
    terminal.logged_in();
    assert_eq!(c.ways_in().await, ["browser", "password", "password", "password and code"]);
}

async fn the_command_line_logs_in_by_a_passkey(c: Coordinator) {
    c.person(ADA).await;
    let mut ada = Browser::new(c.address);
    ada.log_in(ADA, PASSWORD).await;
    let mut key = Authenticator::new(ORIGIN);
    passkey::add(&mut ada, &mut key, "phone").await;
    let (terminal, path) = Terminal::log_in(&c);
    let mut browser = opens(&c, &path).await;
    let options = ask(&mut browser, "/login/passkey/ask").await;
    let answer = key.show(&options).to_string();
    browser.submit("/login/passkey", &[("answer", &answer), ("next", &path)]).await;
    allows(&mut browser, &path).await;
    let wonder = terminal.logged_in();
    assert_eq!(c.ways_in().await, ["browser", "passkey", "password", "password"]);
    is_seen_everywhere(&wonder, &mut browser).await;
}

/// On the page, in the command line's list and in its export.
async fn is_seen_everywhere(wonder: &Wonder, browser: &mut Browser) {
    let page = browser.get("/audit?action=session.create").await;
    assert!(page.says(", by passkey<") && page.says(", by browser<"), "{page:?}");
    let all = ["audit", "--all", "--action", "session.create"];
    let list = wonder.run(&all);
    assert!(list.code == 0 && list.stdout.contains("passkey"), "{list:?}");
    let export = wonder.run(&[&all[..], &["--since", "1d", "--lines"]].concat());
    let names = export.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let names: Vec<String> =
        names.map(|event| event["target"]["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.iter().any(|name| name.ends_with(", by passkey")), "{names:?}");
}
