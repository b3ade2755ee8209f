//! Every form and every page of the server's source, held against the guard: none counts that another site sent or
//! that was made for nobody, and whoever only looks changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

use crate::common;

use common::api::{Coordinator, PASSWORD};
use common::page::Browser;
use common::routes::routes;

crate::coordinator_stories! {
    no_form_counts_from_elsewhere
    looking_changes_nothing
}

async fn ada(c: &Coordinator) -> Browser {
    c.person("ada@example.org").await;
    let mut browser = Browser::new(c.address);
    browser.log_in("ada@example.org", PASSWORD).await;
    browser
}

/// The paths of the pages that are asked by `method`, in Ada's organization.
fn paths(method: &str) -> Vec<String> {
    let all = routes(|file| file.starts_with("pages"));
    all.iter().filter_map(|route| route.strip_prefix(method)).map(filled).collect()
}

/// A path with something in each of its places.
fn filled(path: &str) -> String {
    let parts = path.trim().split('/').map(|part| match part {
        "{org}" => "ada",
        _ if part.starts_with('{') => "x",
        _ => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn no_form_counts_from_elsewhere(c: Coordinator) {
    let mut ada = ada(&c).await;
    let (token, own) = (ada.cookies.clone(), ada.follow("/").await.csrf());
    let forms = paths("POST");
    assert!(forms.len() > 50, "{forms:?}");
    for path in forms {
        for fields in [&[][..], &[("csrf", "made up")]] {
            let bare = ada.post(&path, fields).await;
            assert!(bare.status == 403 && bare.says("form_expired"), "{path}: {bare:?}");
        }
        ada.headers = vec![("Sec-Fetch-Site".into(), "cross-site".into())];
        let foreign = ada.post(&path, &[("csrf", &own)]).await;
        assert!(foreign.status == 403 && foreign.says("other_site"), "{path}: {foreign:?}");
        ada.headers.clear();
    }
    assert_eq!(ada.cookies, token, "she is still logged in");
}

/// Of all that a look could leave behind: events, log-ins, and what waits.
const TRACES: &str = "SELECT (SELECT COUNT(*) FROM audit_events WHERE code IS NULL) \
    + 1000 * (SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL) + 1000000 * (SELECT COUNT(*) FROM totp) \
    + 10000000 * (SELECT COUNT(*) FROM login_states) + 100000000 * (SELECT COUNT(*) FROM passkey_challenges)";

async fn traces(c: &Coordinator) -> i64 {
    c.app.store().read(|read| read.first(TRACES, &[])?.unwrap().take::<i64>(0)).await.unwrap()
}

async fn looking_changes_nothing(c: Coordinator) {
    let mut ada = ada(&c).await;
    let before = traces(&c).await;
    let pages = paths("GET");
    assert!(pages.len() > 40, "{pages:?}");
    // A stream has no end.
    for path in pages.iter().filter(|path| !path.ends_with("/live")) {
        let page = ada.get(path).await.clone();
        assert!((200..500).contains(&page.status), "{path}: {page:?}");
        assert_eq!(traces(&c).await, before, "{path} left something behind: {page:?}");
    }
    assert_eq!(ada.get("/settings").await.status, 200, "she is still logged in");
}
