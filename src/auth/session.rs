//! The bearer tokens of log-ins: opaque, 256 random bits, kept as a hash, over after 90 days without use.
//! `service` is the caller.

use std::time::Duration;

use crate::core::id::{SessionId, UserId};
use crate::core::secret::Secret;
use crate::core::{Result, Timestamp};
use crate::store::session::{self, Live, Session};
use crate::store::{Read, Tx};

/// How every token of a log-in begins.
pub const PREFIX: &str = "wcs_";

/// A log-in of the command line that is not used for this long is over.
pub const IDLE: Duration = Duration::from_secs(90 * 86_400);

/// A use is noted at most this often: most calls write nothing.
const NOTED_EVERY: Duration = Duration::from_secs(3600);

/// Begins a session; the token is told once.
pub fn begin(tx: &mut Tx<'_>, user: UserId, label: &str, now: Timestamp) -> Result<(Session, Secret)> {
    let token = Secret::random(PREFIX);
    let session = Session {
        id: SessionId::new(now),
        user,
        label: label.to_owned(),
        created_at: now,
        expires_at: now.plus(IDLE),
        last_used_at: now,
    };
    session::insert(tx, &session, token.hash())?;
    Ok((session, token))
}

/// The session of a token, if it is good now.
pub fn find(read: &mut Read<'_>, token: &Secret, now: Timestamp) -> Result<Option<Live>> {
    match token.reveal().starts_with(PREFIX) {
        true => session::live(read, token.hash(), now),
        false => Ok(None),
    }
}

/// Whether a use now is worth noting.
pub fn is_due(session: &Session, now: Timestamp) -> bool {
    now.since(session.last_used_at) >= NOTED_EVERY
}

/// Notes a use; gives the new end.
pub fn renew(tx: &mut Tx<'_>, session: &Session, now: Timestamp) -> Result<Timestamp> {
    let expires_at = now.plus(IDLE);
    session::renew(tx, session.id, now, expires_at)?;
    Ok(expires_at)
}
