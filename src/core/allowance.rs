//! How often something may be done: every limit by its name, with what it is when the settings say nothing. One
//! list; `config` reads it, `service::limits` counts, docs/operations.md describes it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::time::parse_duration;
use super::{Error, Result};

/// So many at once, and as many more in each period, evenly. Written `20/5m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub per: Duration,
}

/// The longest period: what is used up is allowed again after that.
const LONGEST: Duration = Duration::from_secs(86_400);

impl Rate {
    pub const fn new(count: u32, seconds: u64) -> Rate {
        Rate { count, per: Duration::from_secs(seconds) }
    }

    /// After what time one more is allowed.
    pub fn interval(self) -> Duration {
        self.per / self.count
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, humantime::format_duration(self.per).to_string().replace(' ', ""))
    }
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            Error::usage("malformed_rate", format!("{text:?} is not a rate"))
                .hint("write it like 20/5m: 20 at once, and 20 more in 5 minutes; at most a day")
        };
        let (count, per) = text.split_once('/').ok_or_else(malformed)?;
        let count = count.trim().parse().ok().filter(|count| *count > 0).ok_or_else(malformed)?;
        let per = parse_duration(per.trim()).map_err(|_| malformed())?;
        match per >= Duration::from_secs(1) && per <= LONGEST {
            true => Ok(Rate { count, per }),
            false => Err(malformed()),
        }
    }
}

macro_rules! allowances {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $count:literal / $seconds:literal;)*) => {
        /// Something that is limited.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Allowance { $($(#[doc = $doc])* $variant,)* }

        impl Allowance {
            /// Every one of them.
            pub const ALL: &[Allowance] = &[$(Allowance::$variant),*];

            /// The key of the settings, and the name of the policy in answers.
            pub const fn name(self) -> &'static str {
                match self { $(Allowance::$variant => $name,)* }
            }

            /// What it is when the settings say nothing.
            pub const fn usual(self) -> Rate {
                match self { $(Allowance::$variant => Rate::new($count, $seconds),)* }
            }

            /// One sentence for people.
            pub fn meaning(self) -> &'static str {
                let said = match self { $(Allowance::$variant => concat!($($doc),*),)* };
                said.trim_start()
            }
        }
    };
}

allowances! {
    /// Log-ins from an address; right ones do not count.
    LogInAddress = "log-in-address", 100 / 200;
    /// Log-ins to an account, from anywhere; right ones do not count.
    LogInAccount = "log-in-account", 20 / 300;
    /// Codes that are a second factor, of an account; right ones do not count.
    FactorAccount = "factor-account", 10 / 1800;
    /// Passkeys that an address asks for or shows.
    PasskeyAddress = "passkey-address", 60 / 120;
    /// Log-ins, API keys, worker keys and logout tokens that an address shows and nobody knows.
    CredentialAddress = "credential-address", 300 / 300;
    /// Log-ins at providers that an address sets out for.
    DepartureAddress = "departure-address", 20 / 60;
    /// Log-ins at providers that all addresses together set out for.
    DepartureAll = "departure-all", 1000 / 50;
    /// Wrong set-up codes from an address.
    SetupAddress = "setup-address", 20 / 300;
    /// Join tokens and auth keys that an address shows and nobody made.
    JoinAddress = "join-address", 60 / 120;
    /// Devices without a key that register from an address.
    RegisterAddress = "register-address", 60 / 1800;
    /// Clients that do not prove who they are, from an address.
    OauthClientAddress = "oauth-client-address", 60 / 120;
    /// Tokens that an app asks for or ends; where it has no secret, each address counts for itself.
    TokenApp = "token-app", 600 / 120;
    /// Log-ins of devices without a browser that an address begins.
    DeviceAddress = "device-address", 30 / 600;
    /// Codes of such devices that a person types; right ones do not count.
    UserCodeAccount = "user-code-account", 10 / 300;
    /// Credentials for a platform's machines, by grant or person.
    DeployerJoin = "deployer-join", 30 / 600;
    /// Invitations that a person sends.
    InvitationAccount = "invitation-account", 100 / 3000;
    /// Codes of invitations that a person tries.
    InvitationCodeAccount = "invitation-code-account", 20 / 300;
    /// Calls of a person who is logged in.
    ApiAccount = "api-account", 10000 / 10;
    /// Calls of an organization's API keys, together.
    ApiOrganization = "api-organization", 10000 / 10;
    /// Calls of an app, for all who granted it anything.
    ApiApp = "api-app", 10000 / 10;
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A limit that was reached: what the caller is told (draft-ietf-httpapi-ratelimit-headers-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    pub policy: &'static str,
    pub rate: Rate,
    /// After what time one more is allowed.
    pub wait: Duration,
}

impl Reached {
    /// The wait in whole seconds, rounded up.
    pub fn seconds(&self) -> u64 {
        u64::try_from(self.wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_and_written_alike() {
        for text in ["20/5m", "1/1s", "600/1h", "10000/10s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        assert_eq!("20/5m".parse::<Rate>().unwrap().interval(), Duration::from_secs(15));
        for bad in ["", "20", "0/5m", "-1/5m", "20/0s", "20/2d", "20/soon", "20/10ms"] {
            assert_eq!(bad.parse::<Rate>().unwrap_err().code(), "malformed_rate", "{bad}");
        }
    }

    #[test]
    fn every_allowance_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Allowance::ALL.iter().map(|a| a.name()).collect();
        assert_eq!(names.len(), Allowance::ALL.len());
    }
}
