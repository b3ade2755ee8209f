//! A failure as OAuth 2.0 tells it (RFC 6749 section 5.2): `error` and `error_description`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::core::{Error, Kind};
use crate::server::problem;

/// What an endpoint answers with.
pub type Answer<T> = Result<T, Failure>;

/// A failure on its way to a client.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    /// The client used HTTP Basic: the refusal names the scheme.
    basic: bool,
}

/// The codes that go out as they are. What else may happen has one of them by its kind.
const CODES: [&str; 14] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
    "unsupported_response_type",
    "authorization_pending",
    "slow_down",
    "expired_token",
    "invalid_token",
    "insufficient_scope",
    "invalid_redirect_uri",
];

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, basic: false }
    }
}

impl Failure {
    /// Where the client showed who it is by the `Authorization` header.
    pub fn after_basic(self, basic: bool) -> Self {
        Failure { basic, ..self }
    }

    fn code(&self) -> &str {
        match (self.error.code(), self.error.kind()) {
            (code, _) if CODES.contains(&code) => code,
            (_, Kind::Usage | Kind::TooLarge | Kind::NotFound | Kind::Conflict) => "invalid_request",
            (_, Kind::Denied) => "access_denied",
            (_, Kind::Unauthenticated) => "invalid_client",
            (_, Kind::RateLimited | Kind::Unavailable | Kind::Unsupported) => "temporarily_unavailable",
            (_, Kind::Local | Kind::Bug) => "server_error",
        }
    }

    fn status(&self) -> StatusCode {
        match self.error.kind() {
            // RFC 6749 section 5.2: every refusal of a request is 400, whatever it is in the API.
            Kind::Usage | Kind::Denied | Kind::NotFound | Kind::Conflict => StatusCode::BAD_REQUEST,
            kind => problem::status(kind),
        }
    }

    fn description(&self) -> &str {
        match self.error.kind() {
            Kind::Local | Kind::Bug => "the coordinator failed at this",
            _ => self.error.message(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if matches!(self.error.kind(), Kind::Bug | Kind::Local | Kind::Unavailable) {
            let source = std::error::Error::source(&self.error).map(ToString::to_string);
            tracing::error!(code = self.error.code(), source, "{}", self.error);
        }
        let body = json!({ "error": self.code(), "error_description": self.description() });
        let mut response = (self.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        if self.error.kind() == Kind::Unauthenticated && self.basic {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"wonder\""));
        }
        problem::tell_when(headers, &self.error);
        response
    }
}
