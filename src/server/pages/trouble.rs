//! A failure as a person with a browser reads it: what happened, what to do next, and the code for whoever helps
//! them. Programs get problem details instead, and so does everything below `/api`.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use maud::{Markup, html};

use super::{layout, parts, text};
use crate::api::{self, Problem};

/// What a page may load and where it may lead: of this site alone, no script or style within the page.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Whose hint is for programs.
const NO_ROUTE: &str = "route_not_found";

/// Puts a page in the place of a problem where a browser asked for one, and around every page the headers
/// that keep it to this site. A page that has a policy of its own keeps it.
pub async fn for_browsers(request: Request, next: Next) -> Response {
    let wants_page = wants_page(&request);
    let way = Way::of(request.uri().path());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions().get::<Problem>().filter(|_| wants_page).cloned() {
        response = in_place_of(response, &problem, way);
    }
    if is_page(response.headers()) {
        guard(response.headers_mut());
    }
    response
}

fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let path = request.uri().path();
    accept.is_some_and(|accept| accept.contains("text/html"))
        && !(path == api::PREFIX || path.starts_with("/api/"))
}

/// The page with the headers of the problem (`Allow`, `Retry-After` among them).
fn in_place_of(problem_response: Response, problem: &Problem, way: Way) -> Response {
    let (mut parts, _) = problem_response.into_parts();
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::WWW_AUTHENTICATE] {
        parts.headers.remove(name);
    }
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(layout::HTML));
    let page = layout::bare(way.title(parts.status), &body(problem, parts.status, way));
    Response::from_parts(parts, page.into_string().into())
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// What keeps a page to this site. `same-origin` rather than no referrer at all: without one, browsers send
/// forms with `Origin: null`.
fn guard(headers: &mut HeaderMap) {
    let all = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in all {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Where the page was to lead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To a log-in, by a provider.
    In,
    Anywhere,
}

impl Way {
    fn of(path: &str) -> Way {
        if path.starts_with("/auth/oidc/") { Way::In } else { Way::Anywhere }
    }

    fn title(self, status: StatusCode) -> &'static str {
        match (self, status.as_u16()) {
            (Way::In, 400..=403 | 409) => text::trouble::NOT_LOGGED_IN,
            _ => title(status),
        }
    }

    /// Where one goes on, and what that is called.
    fn forward(self) -> (&'static str, &'static str) {
        match self {
            Way::In => ("/login", text::trouble::LOG_IN),
            Way::Anywhere => ("/", text::trouble::HOME),
        }
    }
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => text::trouble::NOT_FOUND,
        401 | 403 => text::trouble::DENIED,
        429 => text::trouble::TOO_OFTEN,
        503 => text::trouble::AWAY,
        400..=499 => text::trouble::REFUSED,
        _ => text::trouble::OURS,
    }
}

fn body(problem: &Problem, status: StatusCode, way: Way) -> Markup {
    let (path, name) = way.forward();
    html! {
        div.lonely {
            p.code { (status.as_u16()) }
            h1 { (way.title(status)) }
            p.lead { (parts::sentence(&problem.detail)) }
            @if let Some(hint) = problem.hint.as_ref().filter(|_| problem.code != NO_ROUTE) {
                p { (parts::sentence(hint)) }
            }
            p.actions { a.button href=(path) { (name) } }
            p.fine {
                (text::trouble::CODE) " " code { (problem.code) }
                @if let Some(id) = &problem.request_id { " · " (text::trouble::REQUEST) " " code { (id) } }
            }
        }
    }
}
