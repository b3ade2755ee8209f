//! A coordinator with a provider that says what a story wants.

use serde_json::{Value, json};

use super::api::{Answer, Coordinator};
use super::oidc::{add, field, leave};
use super::page::{Browser, Page};
use super::strange::Strange;

/// A coordinator with an administrator, and a provider `strange`.
pub struct Town {
    pub c: Coordinator,
    pub strange: Strange,
}

impl Town {
    pub async fn new(c: Coordinator, settings: Value) -> Town {
        c.person("owner@example.org").await;
        let strange = Strange::start().await;
        let mut all = json!({ "name": "strange", "issuer": strange.issuer, "client-id": "wonder", "create-accounts": true });
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        add(&c, all, "secret").await;
        Town { c, strange }
    }

    pub fn seconds(&self) -> i64 {
        self.c.clock.now().as_millis() / 1000
    }

    /// The claims of an ID token that has nothing wrong with it.
    pub fn claims(&self, who: &str, nonce: &str) -> Value {
        json!({
            "iss": self.strange.issuer, "aud": "wonder", "sub": who, "nonce": nonce, "sid": format!("session of {who}"),
            "iat": self.seconds(), "exp": self.seconds() + 300,
            "email": format!("{who}@example.org"), "email_verified": true,
        })
    }

    /// Leaves for the provider, which will say of `who` what `change` makes of the usual; gives the way back.
    pub async fn leave(&self, browser: &mut Browser, who: &str, change: impl FnOnce(&mut Value)) -> String {
        let url = leave(browser, "strange").await;
        self.answer(&url, who, change)
    }

    /// Has the provider say so to the browser that came to `url` there; gives the way back.
    pub fn answer(&self, url: &str, who: &str, change: impl FnOnce(&mut Value)) -> String {
        assert_eq!(field(url, "code_challenge_method"), "S256");
        assert_eq!(field(url, "response_type"), "code");
        let mut claims = self.claims(who, field(url, "nonce"));
        change(&mut claims);
        let mut mind = self.strange.mind();
        mind.claims = claims;
        field(url, "code_challenge").clone_into(&mut mind.challenge);
        format!("/auth/oidc/strange/callback?code=code&state={}", field(url, "state"))
    }

    /// Logs in as `who`; gives what that leads to.
    pub async fn try_log_in(&self, who: &str, change: impl FnOnce(&mut Value)) -> Page {
        let mut browser = Browser::new(self.c.address);
        let back = self.leave(&mut browser, who, change).await;
        browser.get(&back).await.clone()
    }

    pub async fn log_in(&self, who: &str) -> Browser {
        let mut browser = Browser::new(self.c.address);
        let back = self.leave(&mut browser, who, |_| {}).await;
        let page = browser.get(&back).await;
        assert_eq!((page.status, page.location()), (303, "/"), "{page:?}");
        browser
    }
}

impl Town {
    /// The claims of a logout token that has nothing wrong with it.
    pub fn logout(&self, id: &str) -> Value {
        json!({ "iss": self.strange.issuer, "aud": "wonder", "sub": "ada", "sid": "session of ada", "jti": id,
            "iat": self.seconds(), "exp": self.seconds() + 120,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} } })
    }

    /// Tells the coordinator of a log-out.
    pub async fn tell(&self, token: &str) -> Answer {
        let body = format!("logout_token={token}");
        let head = "POST /auth/oidc/strange/backchannel-logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let request = format!("{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len());
        self.c.say(request.as_bytes()).await
    }
}

/// That a page tells a failure: its code, and a way forward.
pub fn fails(page: &Page, status: u16, code: &str, what: &str) {
    assert_eq!(page.status, status, "{what}: {page:?}");
    assert!(page.says(&format!("<code>{code}</code>")), "{what}: {page:?}");
    assert!(
        page.says("href=\"/login\"") && page.headers("set-cookie").iter().all(|c| !c.contains("wbs_")),
        "{what}"
    );
}
