//! What log-ins there are. A token of one kind is worth nothing where the other is asked for: a browser's
//! comes by cookie, and is guarded against what other sites make a browser do; a command line's is shown by
//! the program itself.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Error, Result};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Where a log-in is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// The command line, or another program that logs in as a person.
    Cli,
    Browser,
}

impl SessionKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            SessionKind::Cli => "cli",
            SessionKind::Browser => "browser",
        }
    }

    /// How every token of this kind begins.
    pub const fn prefix(self) -> &'static str {
        match self {
            SessionKind::Cli => "wcs_",
            SessionKind::Browser => "wbs_",
        }
    }

    /// A log-in that is not used for this long is over.
    pub const fn idle(self) -> Duration {
        match self {
            SessionKind::Cli => Duration::from_secs(90 * DAY),
            SessionKind::Browser => Duration::from_secs(12 * HOUR),
        }
    }

    /// A log-in is over after this long, however much it is used; none: it lives on with use.
    pub const fn longest(self) -> Option<Duration> {
        match self {
            SessionKind::Cli => None,
            SessionKind::Browser => Some(Duration::from_secs(14 * DAY)),
        }
    }

    /// A use is noted at most this often: most calls write nothing.
    pub const fn noted_every(self) -> Duration {
        match self {
            SessionKind::Cli => Duration::from_secs(HOUR),
            SessionKind::Browser => Duration::from_secs(5 * 60),
        }
    }
}

impl fmt::Display for SessionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SessionKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "cli" => Ok(SessionKind::Cli),
            "browser" => Ok(SessionKind::Browser),
            _ => Err(Error::usage("unknown_session_kind", format!("{text:?} is not a kind of log-in"))),
        }
    }
}
