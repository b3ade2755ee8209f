//! Forms, and the guard before everything that changes something: a form counts only when this coordinator made
//! it for this browser, and this site sent it. The guard stands before every page, so that no handler can
//! forget it.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode, header};
use maud::{Markup, Render, html};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use super::cookie::Cookie;
use crate::core::secret::Secret;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result};
use crate::server::problem::Failure;
use crate::server::state::State;

/// The largest form, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// The proof that a form was made for one browser: bound to its log-in, or to its form cookie before it has
/// one. Rendered, it is the hidden field of every form.
#[derive(Clone)]
pub struct FormToken(String);

impl FormToken {
    /// Of the secret that only this browser and the coordinator have.
    pub fn of(key: &Secret) -> Self {
        let bound = Secret::new(format!("form {}", key.reveal()));
        FormToken(URL_SAFE_NO_PAD.encode(bound.hash().as_bytes()))
    }

    fn matches(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl Render for FormToken {
    fn render(&self) -> Markup {
        html! { input type="hidden" name="csrf" value=(self.0); }
    }
}

/// What the forms of this browser are bound to.
pub fn key(headers: &HeaderMap, url: &BaseUrl) -> Option<Secret> {
    let cookie = Cookie::Session.read(headers, url).or_else(|| Cookie::Form.read(headers, url));
    cookie.map(Secret::new)
}

/// Lets through what only looks, and what a form of this browser on this site asks.
pub async fn guard(state: State, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match check(state.url(), request).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

#[derive(Deserialize)]
struct Sealed {
    #[serde(default)]
    csrf: String,
}

async fn check(url: &BaseUrl, request: Request) -> Result<Request, Failure> {
    if !is_own_site(request.headers(), url) {
        return Err(other_site().into());
    }
    require_form(request.headers())?;
    let token = key(request.headers(), url).map(|key| FormToken::of(&key)).ok_or_else(stale)?;
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MAX_FORM).await.map_err(|e| too_large().source(e))?;
    let sealed: Sealed = read(&bytes)?;
    if !token.matches(&sealed.csrf) {
        return Err(stale().into());
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Whether the browser says that a page of this site asks. Browsers say `Sec-Fetch-Site` where they trust the
/// connection (W3C Fetch Metadata), and `Origin` with every form (RFC 6454); what says neither is no browser of
/// these years, and has the form's token alone.
fn is_own_site(headers: &HeaderMap, url: &BaseUrl) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            origin == url.as_str() || (authority.is_some() && authority == text("host"))
        }
        (None, None) => true,
    }
}

fn require_form(headers: &HeaderMap) -> Result<(), Failure> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(());
    }
    let error = Error::usage("unsupported_media_type", "pages take forms only");
    Err(Failure::with_status(error.hint("programs use /api/v1"), StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

fn other_site() -> Error {
    Error::new(Kind::Denied, "other_site", "another site asked for this, so it was not done")
        .hint("open the page here, and do it there")
}

fn stale() -> Error {
    Error::new(Kind::Denied, "form_expired", "this form is too old, so nothing was done")
        .hint("go back, reload the page and try again")
}

fn too_large() -> Error {
    Error::new(Kind::TooLarge, "form_too_large", format!("a form has at most {MAX_FORM} bytes"))
}

/// The fields of a form, which [`guard`] has let through.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<State> for Form<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &State) -> Result<Self, Failure> {
        let broken = |_| Error::usage("broken_body", "the form ended before it was whole");
        let bytes = Bytes::from_request(request, state).await.map_err(broken)?;
        Ok(Form(read(&bytes)?))
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_html_form::from_bytes(bytes).map_err(|e| {
        Error::usage("malformed_form", format!("the form does not fit: {e}"))
            .hint("go back, reload the page and try again")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_this_site_may_ask() {
        let url: BaseUrl = "https://mesh.example.org".parse().unwrap();
        let own = |list: &[(&'static str, &str)]| is_own_site(&headers(list), &url);
        assert!(own(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(own(&[("origin", "https://mesh.example.org"), ("host", "127.0.0.1:8080")]));
        assert!(own(&[("origin", "http://pi:8080"), ("host", "pi:8080")]), "by another name of this host");
        assert!(own(&[]));
        for site in ["cross-site", "same-site", "nonsense"] {
            assert!(!own(&[("sec-fetch-site", site), ("origin", "https://mesh.example.org")]), "{site}");
        }
        for origin in ["null", "https://evil.example", "https://mesh.example.org.evil.example", "mesh"] {
            assert!(!own(&[("origin", origin), ("host", "mesh.example.org")]), "{origin}");
        }
    }

    #[test]
    fn a_token_is_of_one_browser() {
        let (mine, other) = (Secret::random("wbs_"), Secret::random("wbs_"));
        assert!(FormToken::of(&mine).matches(&FormToken::of(&mine).0));
        assert!(!FormToken::of(&mine).matches(&FormToken::of(&other).0));
        assert!(!FormToken::of(&mine).matches(""));
        assert!(!FormToken::of(&mine).0.contains(&mine.reveal()[4..]));
    }
}
