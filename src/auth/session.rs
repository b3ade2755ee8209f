//! The tokens of log-ins: opaque, 256 random bits, kept as a hash. How long they last is their kind's
//! business ([`SessionKind`]). `service` is the caller.

use std::net::IpAddr;

use crate::core::evidence::Evidence;
use crate::core::id::{SessionId, UserId};
use crate::core::secret::Secret;
use crate::core::session::SessionKind;
use crate::core::{Result, Timestamp};
use crate::store::session::{self, Live, Session};
use crate::store::{Read, Tx};

/// What is known of a log-in when it begins.
#[derive(Clone, Debug)]
pub struct Beginning {
    pub kind: SessionKind,
    /// Where it came from, as its owner will know it again.
    pub label: String,
    pub address: Option<IpAddr>,
    /// What was shown for it.
    pub by: Evidence,
}

/// Begins a session; the token is told once.
pub fn begin(
    tx: &mut Tx<'_>,
    user: UserId,
    beginning: Beginning,
    now: Timestamp,
) -> Result<(Session, Secret)> {
    let Beginning { kind, label, address, .. } = beginning;
    let token = Secret::random(kind.prefix());
    let session = Session {
        id: SessionId::new(now),
        user,
        kind,
        label,
        address,
        created_at: now,
        expires_at: end(kind, now, now),
        last_used_at: now,
    };
    session::insert(tx, &session, token.hash())?;
    Ok((session, token))
}

/// The session of a token of this kind, if it is good now.
pub fn find(read: &mut Read<'_>, kind: SessionKind, token: &Secret, now: Timestamp) -> Result<Option<Live>> {
    match token.reveal().starts_with(kind.prefix()) {
        true => Ok(session::live(read, token.hash(), now)?.filter(|live| live.session.kind == kind)),
        false => Ok(None),
    }
}

/// Whether a use now is worth noting.
pub fn is_due(session: &Session, now: Timestamp) -> bool {
    now.since(session.last_used_at) >= session.kind.noted_every()
}

/// Notes a use; gives the new end.
pub fn renew(tx: &mut Tx<'_>, session: &Session, now: Timestamp) -> Result<Timestamp> {
    let expires_at = end(session.kind, session.created_at, now);
    session::renew(tx, session.id, now, expires_at)?;
    Ok(expires_at)
}

/// When a session that was begun and is now used ends, unless it is used again.
fn end(kind: SessionKind, begun: Timestamp, now: Timestamp) -> Timestamp {
    let idle = now.plus(kind.idle());
    kind.longest().map_or(idle, |longest| idle.min(begun.plus(longest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_browser_s_log_in_ends_after_fourteen_days_whatever_its_use() {
        let begun = Timestamp::from_millis(1_700_000_000_000);
        let hours = |n: u64| Duration::from_secs(n * 3600);
        let end_at = |used: u64| end(SessionKind::Browser, begun, begun.plus(hours(used)));
        assert_eq!(end_at(0), begun.plus(hours(12)));
        assert_eq!(end_at(100), begun.plus(hours(112)));
        assert_eq!(end_at(14 * 24 - 1), begun.plus(hours(14 * 24)));
    }
}
