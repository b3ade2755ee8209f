//! The pages over TLS, the coordinator's own and a proxy's: cookies that keep to this host and to TLS, and browsers that
//! are told to keep to it. Over plain http there is neither, or nobody could log in at home.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::chromium::Chromium;
use common::coordinator::Coordinator;
use common::page::{Browser, Page};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ureq::tls::TlsConfig;
use wonder::mesh::native::derp::Certificate;
use wonder::runtime::Clock;

const ADA: &str = "ada@example.org";
const PASSWORD: &str = "a long enough password";

fn made(coordinator: Coordinator) -> Coordinator {
    assert_eq!(coordinator.admin(&["user", "create", ADA, "--password-stdin"], PASSWORD).code, 0);
    coordinator
}

/// A certificate that nobody vouches for, and its key.
fn certificate(directory: &Path) -> [PathBuf; 2] {
    let own = Certificate::self_signed(&["127.0.0.1".to_owned()], Clock::system().now()).unwrap();
    let files = [("chain.pem", own.certificate_pem.as_str()), ("key.pem", own.key_pem.reveal())];
    files.map(|(name, text)| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        path
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_browser_keeps_its_log_in_to_this_host_and_to_tls() {
    let directory = tempfile::tempdir().unwrap();
    let [chain, key] = certificate(directory.path());
    let args = ["--no-derp", "--tls-cert", chain.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let coordinator = made(Coordinator::options().args(&args).start());
    assert!(coordinator.url().starts_with("https://127.0.0.1:"), "{}", coordinator.url());
    let browser = Chromium::at(coordinator.url()).await;
    browser.go("/login").await;
    browser.log_in(ADA, PASSWORD).await;
    browser.arrives("/o/ada").await;
    let cookies = browser.cookies().await;
    let session = cookies.iter().find(|cookie| cookie["name"] == "__Host-wonder").expect("a log-in");
    for (name, value) in [("secure", true), ("httpOnly", true)] {
        assert_eq!(session[name], value, "{session}");
    }
    // The browser takes a cookie of that name only with this path and for this host alone.
    assert_eq!((&session["path"], &session["domain"]), (&"/".into(), &"127.0.0.1".into()), "{session}");
    assert!(cookies.iter().all(|cookie| cookie["name"].as_str().unwrap().starts_with("__Host-")));
    browser.picture("overview-tls").await;

    let url = format!("{}/login", coordinator.url());
    let page = tokio::task::spawn_blocking(move || {
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(ring).disable_verification(true);
        let tls = tls.build();
        ureq::Agent::config_builder().tls_config(tls).build().new_agent().get(url).call().unwrap()
    });
    let page = page.await.unwrap();
    assert_eq!(page.headers()["strict-transport-security"], "max-age=31536000");
    let cookie = page.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-wonder-form=") && cookie.ends_with("; Secure"), "{cookie}");
}

/// The page after a log-in over plain http to the port itself.
async fn logged_in(coordinator: &Coordinator) -> Page {
    let address = coordinator.ready["listen"].as_str().unwrap().parse().unwrap();
    let mut browser = Browser::new(address);
    browser.get("/login").await;
    browser.submit("/login", &[("email", ADA), ("password", PASSWORD)]).await.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_with_tls_the_url_decides() {
    let args = ["--no-derp", "--url", "https://mesh.example.org"];
    let coordinator = made(Coordinator::options().args(&args).start());
    let page = logged_in(&coordinator).await;
    assert_eq!(page.status, 303, "{page:?}");
    assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
    for cookie in page.headers("set-cookie") {
        assert!(cookie.starts_with("__Host-wonder") && cookie.contains("; Path=/;"), "{cookie}");
        assert!(cookie.ends_with("; Secure") && !cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_plain_http_there_is_neither() {
    let coordinator = made(Coordinator::options().args(&["--no-derp"]).start());
    let page = logged_in(&coordinator).await;
    assert_eq!((page.status, page.header("strict-transport-security")), (303, ""), "{page:?}");
    let cookies = page.headers("set-cookie");
    assert!(cookies.iter().any(|cookie| cookie.starts_with("wonder=wbs_")), "{cookies:?}");
    assert!(cookies.iter().all(|cookie| !cookie.contains("Secure") && cookie.contains("HttpOnly")));
}
