//! What somebody shows to log in, or to show once more who they are: the audit trail names it each time, and
//! docs/audit.md lists it from here.

use std::fmt;

use super::provider::ProviderName;

/// What was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    Password,
    PasswordAnd(Factor),
    Factor(Factor),
    Provider(ProviderName),
    /// Another log-in of the same person.
    Browser,
}

/// A second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    Code,
    RecoveryCode,
    Passkey,
}

impl Factor {
    const ALL: [Factor; 3] = [Factor::Code, Factor::RecoveryCode, Factor::Passkey];
}

impl Evidence {
    /// One of each kind, in the order of the documents.
    pub fn kinds(provider: ProviderName) -> Vec<Evidence> {
        let alone = Factor::ALL.map(Evidence::Factor);
        let second = Factor::ALL.map(Evidence::PasswordAnd);
        let elsewhere = [Evidence::Provider(provider), Evidence::Browser];
        [Evidence::Password].into_iter().chain(second).chain(alone).chain(elsewhere).collect()
    }

    /// One sentence for people.
    pub const fn meaning(&self) -> &'static str {
        match self {
            Evidence::Password => "The account's password; it has no second factor.",
            Evidence::PasswordAnd(Factor::Code) => "The password, and a code of an authenticator app.",
            Evidence::PasswordAnd(Factor::RecoveryCode) => {
                "The password, and a recovery code, which is used up."
            }
            Evidence::PasswordAnd(Factor::Passkey) => "The password, and a passkey as the second factor.",
            Evidence::Factor(Factor::Code) => "A code of an authenticator app, of who was logged in.",
            Evidence::Factor(Factor::RecoveryCode) => "A recovery code, of who was logged in.",
            Evidence::Factor(Factor::Passkey) => "A passkey alone: it stands for both factors.",
            Evidence::Provider(_) => "The word of this OpenID Connect provider.",
            Evidence::Browser => "A browser that was logged in let the command line in (`device.approve`).",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Evidence::Password => f.write_str("password"),
            Evidence::PasswordAnd(factor) => write!(f, "password and {factor}"),
            Evidence::Factor(factor) => factor.fmt(f),
            Evidence::Provider(name) => write!(f, "provider {name}"),
            Evidence::Browser => f.write_str("browser"),
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Factor::Code => "code",
            Factor::RecoveryCode => "recovery code",
            Factor::Passkey => "passkey",
        })
    }
}
