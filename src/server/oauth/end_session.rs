//! `POST /oauth/end_session`: apps may send the browser with a form as well (OpenID Connect RP-Initiated Logout 1.0
//! section 2). It is led to the page, where it shows its log-in: a form of another site carries no cookie of ours.

use axum::body::Bytes;
use axum::response::Redirect;

use super::END_SESSION;
use super::failure::Answer;
use crate::auth::oauth::client::Form;
use crate::core::Error;
use crate::server::state::State;
use crate::service::oauth::end_session;

/// The longest form that fits into a URL, in bytes.
const LONGEST: usize = 8 * 1024;

/// To the page, with what the form says; its ID token is read here and goes no further.
pub async fn hand_on(state: State, body: Bytes) -> Answer<Redirect> {
    if body.len() > LONGEST {
        return Err(Error::usage("invalid_request", "this form is too long").into());
    }
    let form = Form::parse(&body)?;
    let asked = end_session::check(&state.app, &form).await?;
    Ok(Redirect::to(&format!("{END_SESSION}?{}", asked.without_hint(&form))))
}
