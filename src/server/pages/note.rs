//! A word from the page that did something to the page that follows it: "laptop was removed". It travels in a
//! cookie that the next page takes out.

use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use std::time::Duration;

use super::cookie::Cookie;
use crate::core::url::BaseUrl;

/// How long a note waits to be read.
const LASTS: Duration = Duration::from_secs(60);
/// The longest note, in bytes.
const LONGEST: usize = 300;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(String);

impl Note {
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The note that a browser brings.
    pub fn read(headers: &HeaderMap, url: &BaseUrl) -> Option<Note> {
        let value = Cookie::Note.read(headers, url).filter(|value| value.len() <= 2 * LONGEST)?;
        String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok().map(Note)
    }
}

/// Leads on to `path`, where `text` is told.
pub fn go(path: &str, text: impl Into<String>, url: &BaseUrl) -> Response {
    let mut response = Redirect::to(path).into_response();
    if let Some(cookie) = cookie(&text.into(), url) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// What takes `text` to the next page.
pub fn cookie(text: &str, url: &BaseUrl) -> Option<HeaderValue> {
    let mut text = text.to_owned();
    while text.len() > LONGEST {
        text.pop();
    }
    Cookie::Note.set(&URL_SAFE_NO_PAD.encode(text), LASTS, url)
}
