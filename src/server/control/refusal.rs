//! How a device is refused: a status that its client understands and one line that a person can read in its
//! log. Clients read no problem documents here.

use bytes::Bytes;
use h2::server::SendResponse;
use http::{Response, StatusCode};

use crate::core::{Error, Kind};
use crate::server::problem;

/// Answers one request inside the encrypted connection and ends its stream. A device that has gone away is
/// answered by nothing.
pub fn answer(respond: &mut SendResponse<Bytes>, status: StatusCode, content_type: &str, body: Bytes) {
    let response = Response::builder().status(status).header("content-type", content_type).body(());
    let Ok(response) = response else { return };
    if let Ok(mut stream) = respond.send_response(response, body.is_empty())
        && !body.is_empty()
    {
        let _ = stream.send_data(body, true);
    }
}

/// Refuses a request with what the error says.
pub fn refuse(respond: &mut SendResponse<Bytes>, error: &Error) {
    if error.kind() == Kind::Bug {
        tracing::error!(error = %error, source = ?std::error::Error::source(error), "a device's request failed");
    }
    let response = Response::builder()
        .status(problem::status(error.kind()))
        .header("content-type", "text/plain; charset=utf-8")
        .header("retry-after", "5")
        .body(());
    let Ok(mut response) = response else { return };
    problem::tell_when(response.headers_mut(), error);
    if let Ok(mut stream) = respond.send_response(response, false) {
        let _ = stream.send_data(Bytes::from(sentence(error) + "\n"), true);
    }
}

/// What the error says and what to do, in one line.
pub fn sentence(error: &Error) -> String {
    match error.hint_text() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}
