//! A failure as the API answers it: problem details (RFC 9457), made from [`crate::core::Error`] and nothing else.
//! The answer carries them beside its body too, so that `pages` can show a browser a page instead.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::request;
use crate::api::Problem;
use crate::core::{Error, Kind};

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
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.kind().status());
        Failure { status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error }
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
        if let Some(seconds) = retry_after(self.error.kind()) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        if self.error.kind() == Kind::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(problem);
        response
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

/// The failure as words for a page: for a form that is shown again with what was wrong.
pub fn words(error: &Error) -> Problem {
    let status = StatusCode::from_u16(error.kind().status());
    describe(error, status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
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
    async fn what_broke_inside_stays_inside() {
        let (parts, body) = answer(Error::bug("column 7").source("at /var/lib/wonder")).await;
        assert_eq!(parts.status, 500);
        assert_eq!(body["code"], "internal");
        assert!(!body.to_string().contains("column 7") && !body.to_string().contains("/var/lib"));
    }
}
