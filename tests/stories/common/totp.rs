//! An authenticator app made by hand (RFC 6238), which shares nothing with the coordinator's code.

use ring::hmac;
use wonder::core::Timestamp;

use super::api::Coordinator;
use super::page::Browser;

/// The secret, as a person types it into the app.
#[derive(Clone, Debug)]
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    pub fn new(text: &str) -> Authenticator {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits: String =
            text.chars().map(|c| format!("{:05b}", ALPHABET.find(c).expect("base32"))).collect();
        let byte = |at: usize| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap();
        Authenticator((0..bits.len() / 8).map(byte).collect())
    }

    /// The six digits that it shows.
    pub fn code(&self, at: Timestamp) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &(at.as_millis() / 30_000).to_be_bytes());
        let bytes = tag.as_ref();
        let offset = usize::from(bytes[19] & 15);
        let word = u32::from_be_bytes(bytes[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", word % 1_000_000)
    }
}

/// Adds an authenticator app by the pages; gives it, and the recovery codes.
pub async fn add_app(c: &Coordinator, browser: &mut Browser) -> (Authenticator, Vec<String>) {
    browser.get("/settings/factors").await;
    browser.submit("/settings/factors/app", &[]).await;
    browser.get("/settings/factors/app").await;
    let secret = browser.page.between("aria-label=\"Secret\">", "<");
    assert_eq!(secret.len(), 32, "{secret}");
    let app = Authenticator::new(&secret);
    let code = app.code(c.clock.now());
    let wrong = if code == "000000" { "000001" } else { "000000" };
    browser.submit("/settings/factors/app/confirm", &[("code", wrong)]).await;
    assert!(browser.page.status == 401 && browser.page.says(&secret), "{:?}", browser.page);
    browser.submit("/settings/factors/app/confirm", &[("code", &code)]).await;
    assert_eq!(browser.page.status, 200, "{:?}", browser.page);
    let codes: Vec<String> =
        browser.page.body.split("<li><code>").skip(1).map(|rest| rest[..23].to_owned()).collect();
    browser.get("/settings/factors").await;
    assert!(!browser.page.says(&secret) && !codes.iter().any(|code| browser.page.says(code)), "shown once");
    (app, codes)
}
