//! The form that a client posts, with who it is: what every endpoint for clients takes.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use http::header;

use super::failure::Failure;
use crate::auth::oauth::client::{self, Form, Presented};
use crate::core::Error;
use crate::server::extract::From;
use crate::server::state::State;
use crate::service::audit::Origin;
use crate::service::oauth::client::{Client, authenticate};

/// A form from a client that proved who it is.
pub struct Posted {
    pub form: Form,
    pub client: Client,
    pub origin: Origin,
    /// It used HTTP Basic.
    pub basic: bool,
}

impl FromRequest<State> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &State) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let Ok(From(origin)) = From::from_request_parts(&mut parts, state).await;
        let header = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let essence = header(header::CONTENT_TYPE).and_then(|kind| kind.split(';').next()).map(str::trim);
        if !essence.is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
            return Err(Error::usage("invalid_request", "send application/x-www-form-urlencoded").into());
        }
        let authorization = header(header::AUTHORIZATION).map(str::to_owned);
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let bytes = bytes.map_err(|e| Error::usage("invalid_request", e.body_text()))?;
        let form = Form::parse(&bytes)?;
        let basic = authorization.is_some();
        let refused = |e: Error| Failure::from(e).after_basic(basic);
        let presented: Presented = client::presented(authorization.as_deref(), &form).map_err(refused)?;
        let client = authenticate(&state.app, &presented, &origin).await.map_err(refused)?;
        Ok(Posted { form, client, origin, basic: presented.by_header })
    }
}
