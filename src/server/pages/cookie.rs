//! The cookies of a browser: its log-in, the key of its forms before it has one, and a note from one page to
//! the next. Over https their names say `__Host-` (RFC 6265bis section 4.1.3.2): then no other host of the
//! domain can have set them, and they never travel in clear text.

use http::{HeaderMap, HeaderValue, header};
use std::time::Duration;

use crate::core::url::BaseUrl;

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The token of a log-in.
    Session,
    /// What the forms of a browser without a log-in are bound to.
    Form,
    /// What has been done, told on the next page.
    Note,
    /// That this browser is away at a provider.
    Away,
    /// A log-in that waits for its second factor.
    Half,
}

impl Cookie {
    fn name(self, url: &BaseUrl) -> &'static str {
        match (self, url.is_https()) {
            (Cookie::Session, true) => "__Host-wonder",
            (Cookie::Session, false) => "wonder",
            (Cookie::Form, true) => "__Host-wonder-form",
            (Cookie::Form, false) => "wonder-form",
            (Cookie::Away, true) => "__Host-wonder-away",
            (Cookie::Away, false) => "wonder-away",
            (Cookie::Half, true) => "__Host-wonder-half",
            (Cookie::Half, false) => "wonder-half",
            (Cookie::Note, true) => "__Host-wonder-note",
            (Cookie::Note, false) => "wonder-note",
        }
    }

    /// Its value in a request, if it is there once and not empty.
    pub fn read<'h>(self, headers: &'h HeaderMap, url: &BaseUrl) -> Option<&'h str> {
        let name = self.name(url);
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
        let first = found.next().filter(|value| !value.is_empty());
        // Two of a name: somebody has put one beside ours, and which is ours cannot be told.
        first.filter(|_| found.next().is_none())
    }

    /// Sets it for so long; `value` is of the alphabet of base64url.
    pub fn set(self, value: &str, lasts: Duration, url: &BaseUrl) -> Option<HeaderValue> {
        let secure = if url.is_https() { "; Secure" } else { "" };
        let (name, seconds) = (self.name(url), lasts.as_secs());
        let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).ok()
    }

    /// Takes it out of the browser.
    pub fn clear(self, url: &BaseUrl) -> Option<HeaderValue> {
        self.set("", Duration::ZERO, url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|text| (header::COOKIE, text.parse().unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_read_among_others_and_only_where_it_is_there_once() {
        let home: BaseUrl = "http://192.168.1.10:8080".parse().unwrap();
        let read = |cookies: &[&str]| Cookie::Session.read(&headers(cookies), &home).map(str::to_owned);
        assert_eq!(read(&["a=b; wonder=x"]).as_deref(), Some("x"));
        assert_eq!(read(&["a=b", "wonder=x; wonder-form=y"]).as_deref(), Some("x"));
        for none in [&["__Host-wonder=x"][..], &["wonder="], &["wonder=x; wonder=y"], &["wonder"], &[]] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }

    #[test]
    fn over_https_a_cookie_is_bound_to_the_host_and_to_tls() {
        let url: BaseUrl = "https://mesh.example.org".parse().unwrap();
        let set = Cookie::Session.set("x", Duration::from_secs(60), &url).unwrap();
        assert_eq!(set, "__Host-wonder=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
        let home: BaseUrl = "http://localhost".parse().unwrap();
        assert!(!Cookie::Note.clear(&home).unwrap().to_str().unwrap().contains("Secure"));
    }
}
