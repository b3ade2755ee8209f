//! The part of `wonder login` that goes through a browser: a code is shown here, and typed, or just confirmed,
//! there (RFC 8628).

use std::time::{Duration, Instant};

use super::ctx::Ctx;
use crate::api::NewSession;
use crate::client::{Client, DeviceCode, Polled};
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};
use crate::ui::{can_ask, clean};

/// By how much to wait longer when the looks come too often (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// Logs in by a browser: the one of this machine when `open_it`, else any.
pub fn log_in(ctx: &Ctx, client: &Client, label: &str, open_it: bool) -> Result<NewSession> {
    let code = client.begin_device_login(label)?;
    show(ctx, &code, open_it);
    let token = wait(ctx, client, &code)?;
    let begun = client.bearer(&token).session()?;
    let organization = begun.organization.ok_or_else(|| Error::bug("a log-in without an organization"))?;
    Ok(NewSession { user: begun.user, organization, expires_at: begun.expires_at, token })
}

fn show(ctx: &Ctx, code: &DeviceCode, open_it: bool) {
    let (page, typed) = (clean(&code.verification_uri), clean(&code.user_code));
    let whole = clean(&code.verification_uri_complete);
    ctx.ui.notice(&format!("Open {page} in a browser and type the code {typed}, or open\n  {whole}"));
    if open_it && can_ask() && open::that_detached(&code.verification_uri_complete).is_err() {
        tracing::debug!("no browser could be opened here");
    }
}

/// Waits until somebody has decided, or the code is over.
fn wait(ctx: &Ctx, client: &Client, code: &DeviceCode) -> Result<Secret> {
    let deadline = Instant::now() + Duration::from_secs(code.expires_in.min(3600));
    let mut pause = code.pause();
    let _progress = ctx.ui.progress("Waiting for you to allow it in the browser");
    while Instant::now() < deadline {
        std::thread::sleep(pause);
        match client.poll_device_login(&code.device_code) {
            Ok(Polled::Allowed(token)) => return Ok(token),
            Ok(Polled::Pending) => {}
            Ok(Polled::TooOften) => pause += SLOWER,
            // RFC 8628 section 3.5: a connection that breaks is no decision.
            Err(error) if error.kind() == Kind::Unavailable => {
                tracing::debug!(%error, "the coordinator could not be asked");
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(Kind::Unauthenticated, "expired_token", "nobody allowed it in time")
        .hint("`wonder login` begins again, with a new code"))
}
