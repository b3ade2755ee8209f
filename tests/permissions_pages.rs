//! The one table of permissions, held against the web pages: every page and form of an organization is opened and
//! sent as everybody there is. A page that is not in the table here fails.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod common;

use common::api::PASSWORD;
use common::cast::{Cast, Outcome, Who, by_the_table};
use common::page::{Browser, Page};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The pages of an organization and its forms, by what they need.
const PAGES: &[(&str, &str, &str)] = &[
    ("view_nodes", "GET", "/o/{org}"),
    ("view_nodes", "GET", "/o/{org}/live"),
    ("view_nodes", "GET", "/o/{org}/devices"),
    ("view_nodes", "GET", "/o/{org}/devices/{node}"),
    ("manage_nodes", "POST", "/o/{org}/devices/{node}/rename"),
    ("manage_nodes", "POST", "/o/{org}/devices/{node}/routes"),
    ("manage_nodes", "POST", "/o/{org}/devices/{node}/expire"),
    ("manage_nodes", "POST", "/o/{org}/devices/{node}/remove"),
    ("create_join_tokens", "GET", "/o/{org}/add"),
    ("create_join_tokens", "POST", "/o/{org}/add"),
    ("view_join_tokens", "GET", "/o/{org}/tokens"),
    ("create_join_tokens", "POST", "/o/{org}/tokens/{token}/revoke"),
    ("view_api_keys", "GET", "/o/{org}/keys"),
    ("manage_api_keys", "GET", "/o/{org}/keys/new"),
    ("manage_api_keys", "POST", "/o/{org}/keys"),
    ("manage_api_keys", "POST", "/o/{org}/keys/{key}/rotate"),
    ("manage_api_keys", "POST", "/o/{org}/keys/{key}/revoke"),
    ("manage_organization", "POST", "/o/{org}/keys/policy"),
    ("view_apps", "GET", "/o/{org}/apps"),
    ("view_audit", "GET", "/o/{org}/audit"),
    ("manage_apps", "GET", "/o/{org}/apps/new"),
    ("manage_apps", "POST", "/o/{org}/apps"),
    ("manage_apps", "POST", "/o/{org}/apps/{app}/revoke"),
    ("manage_apps", "POST", "/o/{org}/grants/{grant}/revoke"),
    ("view_members", "GET", "/o/{org}/members"),
    ("invite_members", "GET", "/o/{org}/members/invite"),
    ("invite_members", "POST", "/o/{org}/members/invite"),
    ("invite_members", "POST", "/o/{org}/invitations/{invitation}/revoke"),
    ("remove_members", "POST", "/o/{org}/members/{member}/remove"),
    ("manage_admins", "POST", "/o/{org}/members/{member}/role"),
    ("transfer_ownership", "POST", "/o/{org}/members/{member}/transfer"),
    ("view_organization", "GET", "/o/{org}/organization"),
    ("manage_organization", "POST", "/o/{org}/organization/rename"),
    ("delete_organization", "POST", "/o/{org}/organization/delete"),
    ("view_organization", "POST", "/o/{org}/organization/leave"),
];

/// The pages of whoever administers the coordinator: in this test the owner, whose account was the first.
const COORDINATOR: &[(&str, &str)] = &[
    ("GET", "/coordinator/providers"),
    ("GET", "/coordinator/new-provider"),
    ("POST", "/coordinator/new-provider"),
    ("GET", "/coordinator/providers/{provider}"),
    ("POST", "/coordinator/providers/{provider}/remove"),
];

/// A page that goes on and on: only who may not see it comes to an end.
const ENDLESS: &str = "/o/{org}/live";

const VISITORS: [Who; 5] = [Who::Owner, Who::Admin, Who::Member, Who::Outsider, Who::Nobody];

/// Somebody's browser, and what their forms carry.
struct Visit {
    who: Who,
    browser: Browser,
    csrf: String,
}

impl Visit {
    async fn begin(cast: &Cast, who: Who) -> Visit {
        let mut browser = Browser::new(cast.c.address);
        let email = match who {
            Who::Owner => "owner@example.org",
            Who::Admin => "admin@example.org",
            Who::Member => "member@example.org",
            Who::Outsider => "outsider@example.org",
            Who::Key | Who::ForeignKey | Who::Nobody => {
                let csrf = browser.get("/login").await.csrf();
                return Visit { who, browser, csrf };
            }
        };
        let csrf = browser.log_in(email, PASSWORD).await.csrf();
        Visit { who, browser, csrf }
    }

    async fn open(&mut self, method: &str, path: &str) -> Outcome {
        let page = match method {
            "GET" => self.browser.get(path).await,
            // A field that no form has, so that who may is told apart and little is changed.
            _ => self.browser.post(path, &[("csrf", &self.csrf), ("a field that nobody knows", "x")]).await,
        };
        outcome(page)
    }
}

fn outcome(page: &Page) -> Outcome {
    let led_to_log_in = page.status == 303 && page.location().starts_with("/login");
    match page.status {
        403 if page.says("role_too_low") || page.says("administrators_only") => Outcome::RoleTooLow,
        404 if page.says("organization_not_found") => Outcome::Unknown,
        303 if led_to_log_in => Outcome::NotLoggedIn,
        status => {
            assert!((200..500).contains(&status) && !page.says("form_expired"), "{page:?}");
            Outcome::Allowed
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_allows_what_the_table_says() {
    let cast = Cast::gather().await;
    let mut visits = Vec::new();
    for who in VISITORS {
        visits.push(Visit::begin(&cast, who).await);
    }
    let mut wrong = Vec::new();
    for (name, method, path) in PAGES {
        let stage = cast.stage().await;
        for visit in &mut visits {
            let wanted = by_the_table(name, visit.who);
            if *path == ENDLESS && wanted == Outcome::Allowed {
                continue;
            }
            let got = visit.open(method, &filled(path, &stage.org)).await;
            if got != wanted {
                wrong.push(format!("{method} {path} as {:?}: {got:?} in the place of {wanted:?}", visit.who));
            }
        }
        cast.strike(stage).await;
    }
    assert!(wrong.is_empty(), "{} pages are not as the table says:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_coordinator_s_pages_are_for_its_administrators() {
    let cast = Cast::gather().await;
    for who in VISITORS {
        let mut visit = Visit::begin(&cast, who).await;
        let wanted = match who {
            Who::Owner => Outcome::Allowed,
            Who::Nobody => Outcome::NotLoggedIn,
            _ => Outcome::RoleTooLow,
        };
        for (method, path) in COORDINATOR {
            assert_eq!(visit.open(method, &filled(path, "")).await, wanted, "{method} {path} as {who:?}");
        }
    }
}

/// The path within an organization, with names of nothing for what else stands in it.
fn filled(path: &str, org: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{org}" => org,
        part if part.starts_with('{') => "nothing",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The routes below `/o/{org}`, as the source of the pages names them.
#[test]
fn every_page_is_in_the_table_of_this_test() {
    let mut there = BTreeSet::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/pages")) {
        let text = fs::read_to_string(file).unwrap();
        for route in text.split(".route(").skip(1) {
            let Some((path, rest)) = route.strip_prefix('"').and_then(|rest| rest.split_once('"')) else {
                continue;
            };
            let handlers = rest.split(['\n', ';']).next().unwrap();
            for (word, method) in [("get(", "GET"), ("post(", "POST")] {
                let is_guarded = path.starts_with("/o/{org}") || path.starts_with("/coordinator");
                if is_guarded && handlers.contains(word) {
                    there.insert(format!("{method} {path}"));
                }
            }
        }
    }
    let of_organizations = PAGES.iter().map(|(_, method, path)| (method, path));
    let all = of_organizations.chain(COORDINATOR.iter().map(|(method, path)| (method, path)));
    let known: BTreeSet<_> = all.map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(there, known, "left: the routes of src/server/pages; right: PAGES and COORDINATOR");
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let deep = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    deep.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}
