//! What happens to every request on its way in and out: an id, a log line, a bound on its time, and a
//! problem instead of a panic.

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use std::any::Any;
use std::cell::RefCell;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tracing::Instrument as _;

use super::problem::Failure;
use crate::core::secret::random_bytes;
use crate::core::{Error, Kind, hex};

/// The header that carries the id of a request, both ways.
pub const ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long an API call may take, its body included.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest id that is taken over from a caller.
const LONGEST_ID: usize = 64;

/// The address at the other end of the connection; [`super::listen`] puts it into every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

tokio::task_local! {
    static CURRENT: String;
}

/// The header that tells a program that something is to be done about its credential.
pub const WARNING: HeaderName = HeaderName::from_static("wonder-warning");

tokio::task_local! {
    static WARNED: RefCell<Option<HeaderValue>>;
}

/// Puts a warning into the answer to the request that this task answers.
pub fn warn(what: &str) {
    // Outside of a request there is nobody to warn.
    let _ = WARNED.try_with(|warned| *warned.borrow_mut() = HeaderValue::from_str(what).ok());
}

/// The answer, with the warning that came up on the way.
async fn with_warning(answer: impl Future<Output = Response>) -> Response {
    let warned = async {
        let mut response = answer.await;
        if let Some(warning) = WARNED.with(RefCell::take) {
            response.headers_mut().insert(WARNING, warning);
        }
        response
    };
    WARNED.scope(RefCell::default(), warned).await
}

/// The id of the request that this task answers, if it answers one.
pub fn current_id() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Gives a request its id and its log line.
pub async fn trace(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request.headers().get(ID).and_then(sane).unwrap_or_else(|| hex::encode(&random_bytes::<8>()));
    let span = tracing::info_span!("request", id);
    let told = Told::of(&request);
    let has_body = !request.body().is_end_stream();
    let answer = CURRENT.scope(id.clone(), with_warning(next.run(request)).instrument(span.clone()));
    let mut response = answer.await;
    span.in_scope(|| told.log(response.status(), started.elapsed()));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(ID, id);
    }
    if has_body && (response.status().is_client_error() || response.status().is_server_error()) {
        // Whoever is refused before the body was read is told not to send another request after it: the
        // connection ends there, and a client that reuses it would see it break.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn sane(id: &HeaderValue) -> Option<String> {
    let id = id.to_str().ok()?;
    let safe = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    (safe && (1..=LONGEST_ID).contains(&id.len())).then(|| id.to_owned())
}

/// What stands in the log for a path that no route has: a link with a secret in it may be mistyped.
const UNROUTED: &str = "(no route)";

/// What the log is told of a request: its route, never its path or its query.
struct Told {
    method: http::Method,
    path: String,
    peer: Option<IpAddr>,
}

impl Told {
    fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        Told { method: request.method().clone(), path: route.unwrap_or_else(|| UNROUTED.to_owned()), peer }
    }

    fn log(&self, status: StatusCode, took: Duration) {
        let (method, path, status) = (self.method.as_str(), self.path.as_str(), status.as_u16());
        let peer = self.peer.map(|peer| peer.to_string());
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match self.path.as_str() {
            "/healthz" | "/readyz" => tracing::debug!(method, path, status, peer, ms, "answered"),
            _ => tracing::info!(method, path, status, peer, ms, "answered"),
        }
    }
}

/// Ends a call that takes too long. For the API alone: streams and upgrades live longer.
pub async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let error = Error::new(Kind::Unavailable, "timed_out", "this took too long and was given up");
            Failure::from(error.hint("try again in a few seconds")).into_response()
        }
    }
}

/// The answer after a panic. What it said goes to the log.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Failure::from(Error::bug(format!("a handler panicked: {}", said.unwrap_or("no message")))).into_response()
}

/// No route has this path.
pub async fn no_route() -> Failure {
    Error::new(Kind::NotFound, "route_not_found", "there is nothing at this path")
        .hint("GET /api/v1/openapi.json lists what there is")
        .into()
}

/// The path has routes, for other methods; axum adds the `Allow` header.
pub async fn no_method() -> Failure {
    let error = Error::usage("method_not_allowed", "this path does not take this method");
    Failure::with_status(error, StatusCode::METHOD_NOT_ALLOWED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn the_log_is_told_of_no_query_and_no_path_without_a_route() {
        let request = Request::get("/invitation/wiv_hush/?access_token=hush").body(Body::empty()).unwrap();
        assert_eq!(Told::of(&request).path, UNROUTED);
    }
}
