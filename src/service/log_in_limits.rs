//! How often somebody may try to log in: by account, so that one password cannot be guessed from everywhere,
//! and by address, so that one guesser cannot try every account. What succeeds does not count.

use std::net::IpAddr;
use std::time::Duration;

use super::audit::Origin;
use crate::auth::limit::Limit;
use crate::core::{Result, Timestamp};

/// The limits of one coordinator.
pub(super) struct LogInLimits {
    account: Limit,
    address: Limit,
}

impl Default for LogInLimits {
    fn default() -> Self {
        LogInLimits {
            account: Limit::new(20, Duration::from_secs(15)),
            address: Limit::new(100, Duration::from_secs(2)),
        }
    }
}

impl LogInLimits {
    /// Takes a try of `account` (an e-mail address as typed, or what else is guessed at).
    pub fn take(&self, account: &str, origin: &Origin, now: Timestamp) -> Result<()> {
        self.address.take(network(origin), now)?;
        self.account.take(account, now)
    }

    /// The try was right.
    pub fn give_back(&self, account: &str, origin: &Origin) {
        self.address.give_back(network(origin));
        self.account.give_back(account);
    }
}

/// An IPv6 host has a whole /64 to itself.
pub(super) fn network(origin: &Origin) -> Option<IpAddr> {
    origin.address.map(|address| match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 => v4,
    })
}
