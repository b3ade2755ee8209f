//! A failure as the API answers it: problem details (RFC 9457), made from [`crate::core::Error`] and nothing else.
//! The answer carries them beside its body too, so that `pages` can show a browser a page instead.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::request;
use crate::api::Problem;
use crate::core::allowance::Reached;
use crate::core::{Error, Kind};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What a handler answers with.
pub type Answer<T> = std::result::Result<T, Failure>;

/// A failure on its way to the caller.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    status: StatusCode,
}

impl Failure {
    /// A failure of HTTP itself, which has a status finer than its kind's: 405, 408, 415.
    pub fn with_status(error: Error, status: StatusCode) -> Self {
        Failure { error, status }
    }

    /// What failed, for an answer in another form.
    pub fn into_error(self) -> Error {
        self.error
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { status: status(error.kind()), error }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let problem = describe(&self.error, self.status);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        tell_when(headers, &self.error);
        if self.error.kind() == Kind::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(problem);
        response
    }
}

/// When to try again, where waiting helps.
pub fn tell_when(headers: &mut HeaderMap, error: &Error) {
    if let Some(reached) = error.reached() {
        tell_limit(headers, reached);
    } else if let Some(seconds) = retry_after(error.kind()) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
    }
}

/// Which limit was reached, and when there is room again (draft-ietf-httpapi-ratelimit-headers-11, RFC 9110 section 10.2.3).
fn tell_limit(headers: &mut HeaderMap, reached: &Reached) {
    let Reached { policy, rate, .. } = reached;
    let wait = reached.seconds();
    let fields = [
        (header::RETRY_AFTER, wait.to_string()),
        (RATE_LIMIT, format!("\"{policy}\";r=0;t={wait}")),
        (RATE_LIMIT_POLICY, format!("\"{policy}\";q={};w={}", rate.count, rate.per.as_secs())),
    ];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// In seconds. What is away is asked for again soon; who tried too often waits longer.
fn retry_after(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Unavailable => Some("5"),
        Kind::RateLimited => Some("30"),
        _ => None,
    }
}

/// The status of a failure's kind.
pub fn status(kind: Kind) -> StatusCode {
    StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A page that is shown again with what was wrong: with its status, and when to try again.
pub fn again(error: &Error, page: impl IntoResponse) -> Response {
    let mut response = (status(error.kind()), page).into_response();
    tell_when(response.headers_mut(), error);
    response
}

/// The failure as words for a page: for a form that is shown again with what was wrong.
pub fn words(error: &Error) -> Problem {
    describe(error, status(error.kind()))
}

/// What the caller may know. Of a failure of ours that is the request's id; the log holds the rest.
fn describe(error: &Error, status: StatusCode) -> Problem {
    let ours = matches!(error.kind(), Kind::Bug | Kind::Local);
    if ours || error.kind() == Kind::Unavailable {
        let source = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(code = error.code(), source, "{error}");
    }
    let (detail, hint) = match ours {
        true => ("the coordinator failed at this", Some("its log tells more, under the id of this request")),
        false => (error.message(), error.hint_text()),
    };
    Problem {
        type_uri: format!("urn:wonder:problem:{}", error.code()),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        status: status.as_u16(),
        detail: detail.to_owned(),
        code: error.code().to_owned(),
        hint: hint.map(str::to_owned),
        request_id: request::current_id(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(error: Error) -> (http::response::Parts, serde_json::Value) {
        let (parts, body) = Failure::from(error).into_response().into_parts();
        let body = axum::body::to_bytes(body, 10_000).await.unwrap();
        (parts, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_failure_is_a_problem_with_its_code_and_hint() {
        let error = Error::new(Kind::RateLimited, "too_many_attempts", "too many attempts").hint("wait");
        let (parts, body) = answer(error).await;
        assert_eq!(parts.status, 429);
        assert_eq!(parts.headers["content-type"], "application/problem+json");
        assert_eq!(parts.headers["retry-after"], "30");
        assert_eq!(body["type"], "urn:wonder:problem:too_many_attempts");
        assert_eq!((&body["status"], &body["hint"]), (&429.into(), &"wait".into()));
    }

    #[tokio::test]
    async fn a_limit_tells_its_policy_and_when_there_is_room() {
        let wait = std::time::Duration::from_millis(14_200);
        let reached =
            Reached { policy: "log-in-account", rate: crate::core::allowance::Rate::new(20, 300), wait };
        let (parts, body) = answer(Error::too_many(reached)).await;
        assert_eq!((parts.status.as_u16(), &body["code"]), (429, &"too_many_attempts".into()));
        assert_eq!(parts.headers["retry-after"], "15");
        assert_eq!(parts.headers["ratelimit"], "\"log-in-account\";r=0;t=15");
        assert_eq!(parts.headers["ratelimit-policy"], "\"log-in-account\";q=20;w=300");
    }

    #[tokio::test]
    async fn what_broke_inside_stays_inside() {
        let (parts, body) = answer(Error::bug("column 7").source("at /var/lib/wonder")).await;
        assert_eq!(parts.status, 500);
        assert_eq!(body["code"], "internal");
        assert!(!body.to_string().contains("column 7") && !body.to_string().contains("/var/lib"));
    }
}
