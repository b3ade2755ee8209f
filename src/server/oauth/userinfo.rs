//! `/oauth/userinfo` (OpenID Connect Core section 5.3): who logged in, as far as the token may know.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::failure::Failure;
use crate::core::role::Scope;
use crate::core::{Error, Kind, Result};
use crate::server::problem;
use crate::service::authority::{Caller, Delegate, Principal};
use crate::service::oauth::signing;

/// Who logged in.
pub async fn userinfo(caller: Result<Caller, problem::Failure>) -> Response {
    match caller.map_err(problem::Failure::into_error).and_then(|caller| present(&caller)) {
        Ok(claims) => Json(claims).into_response(),
        Err(error) => refuse(error),
    }
}

fn present(caller: &Caller) -> Result<Value> {
    let app = logged_in(caller)?;
    let mut claims = json!({ "sub": app.user.to_string() });
    if app.scopes.has(Scope::ProfileRead)
        && let Some(claims) = claims.as_object_mut()
    {
        claims.extend(signing::profile(app.email.as_str()));
    }
    Ok(claims)
}

/// The app that somebody logged in to. Whoever registered an app that acts for itself did not.
fn logged_in(caller: &Caller) -> Result<&Delegate> {
    let insufficient = |message| Err(Error::new(Kind::Denied, "insufficient_scope", message));
    match caller.principal() {
        Principal::App(app) if app.own => insufficient("nobody logged in: this token is the app's own"),
        Principal::App(app) if app.scopes.openid || app.scopes.has(Scope::ProfileRead) => Ok(app),
        Principal::App(_) => insufficient("this takes the scope openid or profile:read"),
        Principal::Person(_) | Principal::Integration(_) => Err(invalid()),
    }
}

fn invalid() -> Error {
    let message = "this access token is missing, over or revoked";
    Error::new(Kind::Unauthenticated, "invalid_token", message)
}

/// RFC 6750 section 3. What is no fault of the token (a limit, a database that is away) is told as what it is.
fn refuse(error: Error) -> Response {
    let (error, status) = match error.kind() {
        Kind::Unauthenticated => (invalid(), StatusCode::UNAUTHORIZED),
        Kind::Denied => (error, StatusCode::FORBIDDEN),
        _ => return Failure::from(error).into_response(),
    };
    let challenge = HeaderValue::from_str(&format!("Bearer error=\"{}\"", error.code()));
    let mut response = Failure::from(error).into_response();
    *response.status_mut() = status;
    if let Ok(challenge) = challenge {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_no_bad_token() {
        let away = Error::new(Kind::Unavailable, "database_away", "the database is away");
        for (error, status) in [(away, 503), (Error::bug("x"), 500), (invalid(), 401)] {
            assert_eq!(refuse(error).status().as_u16(), status);
        }
    }
}
