//! What somebody shows to log in: the audit trail names it with each log-in, and docs/audit.md lists it from here.

use std::fmt;

use super::provider::ProviderName;

/// What a log-in began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    Password,
    PasswordAndCode,
    PasswordAndRecoveryCode,
    PasswordAndPasskey,
    Passkey,
    Provider(ProviderName),
    Browser,
}

impl Evidence {
    /// One of each kind, in the order of the documents.
    pub fn kinds(provider: ProviderName) -> [Evidence; 7] {
        use Evidence::{Browser, Passkey, Password, Provider};
        let second =
            [Evidence::PasswordAndCode, Evidence::PasswordAndRecoveryCode, Evidence::PasswordAndPasskey];
        let [code, recovery_code, passkey] = second;
        [Password, code, recovery_code, passkey, Passkey, Provider(provider), Browser]
    }

    /// One sentence for people.
    pub const fn meaning(&self) -> &'static str {
        match self {
            Evidence::Password => "The account's password; it has no second factor.",
            Evidence::PasswordAndCode => "The password, and a code of an authenticator app.",
            Evidence::PasswordAndRecoveryCode => "The password, and a recovery code, which is used up.",
            Evidence::PasswordAndPasskey => "The password, and a passkey as the second factor.",
            Evidence::Passkey => "A passkey alone: it stands for both factors.",
            Evidence::Provider(_) => "The word of this OpenID Connect provider.",
            Evidence::Browser => "A browser that was logged in let the command line in (`device.approve`).",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Evidence::Password => f.write_str("password"),
            Evidence::PasswordAndCode => f.write_str("password and code"),
            Evidence::PasswordAndRecoveryCode => f.write_str("password and recovery code"),
            Evidence::PasswordAndPasskey => f.write_str("password and passkey"),
            Evidence::Passkey => f.write_str("passkey"),
            Evidence::Provider(name) => write!(f, "provider {name}"),
            Evidence::Browser => f.write_str("browser"),
        }
    }
}
