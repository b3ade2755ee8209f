//! `POST /machine/register`: a device joins, comes back, renews its key, or logs out.

use bytes::Bytes;
use h2::server::SendResponse;
use http::StatusCode;

use super::connection::Caller;
use super::refusal;
use crate::core::{Kind, Result};
use crate::mesh::native::wire::{RegisterAnswer, RegisterRequest, to_json};
use crate::service::app::App;
use crate::service::device;

pub async fn handle(
    body: &[u8],
    respond: &mut SendResponse<Bytes>,
    caller: &Caller,
    app: &App,
) -> Result<()> {
    let request = RegisterRequest::read(body)?;
    let answer = match device::register(app, caller.machine_key, caller.address, &request).await {
        Ok(answer) => answer,
        // The client shows this text to the person who runs it; other failures it tries again.
        Err(error)
            if matches!(error.kind(), Kind::Denied | Kind::Usage | Kind::NotFound | Kind::Conflict) =>
        {
            tracing::info!(code = error.code(), machine = %caller.machine_key, "a device was refused");
            RegisterAnswer::refused(refusal::sentence(&error))
        }
        Err(error) => return Err(error),
    };
    if answer.machine_authorized {
        caller.is_known();
    }
    refusal::answer(respond, StatusCode::OK, "application/json", Bytes::from(to_json(&answer)));
    Ok(())
}
