//! Third-party apps: registered by people, let in by people, and told apart from them at every call. One file a
//! part of OAuth 2.0; `server/oauth` and the API's routes are the callers. It signs ID tokens, and shows nothing.

pub mod app;
pub mod authorize;
pub mod bearer;
pub mod client;
pub mod device;
pub mod end_session;
pub mod exchange;
pub mod grant;
pub mod limits;
pub mod signing;
mod sweep;

pub use sweep::sweep;

use crate::core::{Error, Kind};

/// A code or refresh token that is worth nothing (any more): why is for the log, and for whoever holds it.
fn invalid_grant(message: &str) -> Error {
    Error::usage("invalid_grant", message)
}

fn invalid_request(message: impl Into<String>) -> Error {
    Error::usage("invalid_request", message)
}

fn denied(code: &str, message: impl Into<String>) -> Error {
    Error::new(Kind::Denied, code, message)
}
