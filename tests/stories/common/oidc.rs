//! Log-ins at providers, in a browser's words.

use wonder::core::Timestamp;
use wonder::core::provider::{Configured, Provider};
use wonder::core::secret::Secret;
use wonder::service::oidc::provider;
use wonder::service::user::Operator;

use super::api::Coordinator;
use super::page::Browser;

/// The provider `name` of a coordinator; its client's secret is `secret`.
pub async fn add(c: &Coordinator, settings: serde_json::Value, secret: &str) -> Provider {
    let provider: Provider = serde_json::from_value(settings).unwrap();
    let configured = Configured { provider, secret: Some(Secret::new(secret)) };
    provider::add(&c.app, &Operator::local("test"), configured).await.unwrap()
}

/// Sets the clock of a coordinator to that of the world, which its providers keep to.
pub fn keep_time(c: &Coordinator) {
    c.clock.set(world_time());
}

pub fn world_time() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().expect("the clock of this machine is right");
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

/// Leaves for a provider by its button on the log-in page; gives the URL there.
pub async fn leave(browser: &mut Browser, provider: &str) -> String {
    browser.get("/login").await;
    browser.submit(&format!("/auth/oidc/{provider}/login"), &[]).await;
    destination(browser)
}

/// Where the page that is shown leads on to.
pub fn destination(browser: &Browser) -> String {
    let page = &browser.page;
    assert_eq!(page.status, 200, "{page:?}");
    let url = page.between("class=\"button\" href=\"", "\"").replace("&amp;", "&");
    assert_eq!(page.header("refresh"), format!("0;url={url}"));
    url
}

/// A field of the query of a URL, as it stands there.
pub fn field<'u>(url: &'u str, name: &str) -> &'u str {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map_or_else(|| panic!("no {name} in {url}"), |(_, value)| value)
}
