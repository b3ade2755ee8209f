//! The one table of permissions, held against the web pages: every page and form of an organization is opened and
//! sent as everybody there is. A page that is not in the table here fails.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

use crate::common;

use common::api::PASSWORD;
use common::cast::{Cast, Outcome, Who, by_the_table};
use common::page::{Browser, Page};
use common::routes::routes;
use std::collections::BTreeSet;

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
    ("GET", "/audit"),
    ("GET", "/coordinator/providers"),
    ("POST", "/coordinator/providers"),
    ("GET", "/coordinator/new-provider"),
    ("POST", "/coordinator/new-provider"),
    ("GET", "/coordinator/providers/{provider}"),
    ("GET", "/coordinator/providers/{provider}/edit"),
    ("POST", "/coordinator/providers/{provider}/edit"),
    ("POST", "/coordinator/providers/{provider}/remove"),
];

/// The pages of whoever is logged in, about what is their own; the log-out last.
const PEOPLE: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/approve"),
    ("POST", "/approve"),
    ("GET", "/approve/{code}"),
    ("POST", "/approve/{code}"),
    ("GET", "/device"),
    ("POST", "/device"),
    ("POST", "/oauth/authorize"),
    ("POST", "/oauth/end_session/confirm"),
    ("GET", "/organizations/new"),
    ("POST", "/organizations/new"),
    ("GET", "/invitation/{code}"),
    ("POST", "/invitation/{code}"),
    ("GET", "/settings"),
    ("POST", "/settings/password"),
    ("GET", "/settings/confirm"),
    ("POST", "/settings/confirm"),
    ("POST", "/settings/confirm/passkey"),
    ("GET", "/settings/factors"),
    ("GET", "/settings/factors/app"),
    ("POST", "/settings/factors/app"),
    ("POST", "/settings/factors/app/confirm"),
    ("POST", "/settings/factors/app/remove"),
    ("POST", "/settings/factors/codes"),
    ("POST", "/settings/factors/passkeys/ask"),
    ("POST", "/settings/factors/passkeys"),
    ("POST", "/settings/factors/passkeys/{passkey}/remove"),
    ("GET", "/settings/identities"),
    ("POST", "/settings/identities/{identity}/disconnect"),
    ("POST", "/settings/grants/{grant}/revoke"),
    ("POST", "/settings/sessions/{session}/revoke"),
    ("POST", "/settings/sessions/revoke-others"),
    ("POST", "/auth/oidc/{provider}/link"),
    ("POST", "/logout"),
];

/// The pages before a log-in, those that lead back to one of the above, and those that show nobody's things.
const OPEN: &[(&str, &str)] = &[
    ("GET", "/assets/{name}"),
    ("GET", "/phone"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/passkey"),
    ("POST", "/login/passkey"),
    ("POST", "/login/passkey/ask"),
    ("GET", "/login/step"),
    ("POST", "/login/step"),
    ("GET", "/login/step/passkey"),
    ("POST", "/login/step/passkey"),
    ("GET", "/setup"),
    ("POST", "/setup"),
    ("POST", "/auth/oidc/{provider}/login"),
    ("GET", "/auth/oidc/{provider}/callback"),
    ("GET", "/oauth/authorize"),
    ("GET", "/oauth/end_session"),
    ("GET", "/settings/password"),
    ("GET", "/settings/confirm/passkey"),
    ("GET", "/settings/factors/app/confirm"),
    ("GET", "/settings/factors/app/remove"),
    ("GET", "/settings/factors/codes"),
    ("GET", "/settings/factors/passkeys"),
    ("GET", "/settings/factors/passkeys/{passkey}/remove"),
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

/// What is about one's own is for whoever is logged in, also without any organization of the others', and for nobody
/// else; what is open shows nobody anything of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_one_s_own_is_for_people_who_are_logged_in() {
    let cast = Cast::gather().await;
    let mut wrong = Vec::new();
    for (who, own) in [(Who::Outsider, Outcome::Allowed), (Who::Nobody, Outcome::NotLoggedIn)] {
        let mut visit = Visit::begin(&cast, who).await;
        for (method, path) in PEOPLE.iter().filter(|(_, path)| who == Who::Nobody || *path != "/logout") {
            let got = visit.open(method, &filled(path, "")).await;
            if got != own {
                wrong.push(format!("{method} {path} as {who:?}: {got:?} in the place of {own:?}"));
            }
        }
        let mut visit = Visit::begin(&cast, Who::Nobody).await;
        for (method, path) in OPEN {
            visit.open(method, &filled(path, "")).await;
            assert!(!visit.browser.page.says("@example.org"), "{method} {path}: {:?}", visit.browser.page);
        }
    }
    assert!(wrong.is_empty(), "{} pages are not as the table says:\n{}", wrong.len(), wrong.join("\n"));
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

/// Every route of the pages, as their source names them.
#[test]
fn every_page_is_in_the_tables_of_this_test() {
    let there = routes(|file| file.starts_with("pages"));
    let of_organizations = PAGES.iter().map(|(_, method, path)| (method, path));
    let others = [COORDINATOR, PEOPLE, OPEN].into_iter().flatten().map(|(method, path)| (method, path));
    let known: BTreeSet<_> =
        of_organizations.chain(others).map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(there, known, "left: the routes of src/server/pages; right: the four tables");
}
