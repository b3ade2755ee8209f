//! Logging in by a code that is typed in a browser (RFC 8628), as the command line of `wonder` itself.

use serde::Deserialize;
use std::time::Duration;

use super::Client;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};

/// The `client_id` of the command line: every coordinator knows it.
const CLIENT_ID: &str = "wonder-cli";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a coordinator gives a device that asks (RFC 8628 section 3.2).
#[derive(Debug, Deserialize)]
pub struct DeviceCode {
    pub device_code: Secret,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: String,
    pub expires_in: u64,
    /// Seconds between two looks; five where nothing is said.
    #[serde(default = "five")]
    pub interval: u64,
}

fn five() -> u64 {
    5
}

/// What a look came to.
#[derive(Debug)]
pub enum Polled {
    /// The token of the log-in.
    Allowed(Secret),
    Pending,
    /// The looks come too often.
    TooOften,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Good(T),
    Refused { error: String, error_description: Option<String> },
}

#[derive(Deserialize)]
struct Token {
    access_token: Secret,
}

impl Client {
    /// Asks for a code. `label`: where from, as the person will know it again.
    pub fn begin_device_login(&self, label: &str) -> Result<DeviceCode> {
        let fields = [("client_id", CLIENT_ID), ("label", label)];
        match self.post_form("/oauth/device_authorization", &fields)? {
            Answer::Good(code) => Ok(code),
            Answer::Refused { error, error_description } => Err(refused(&error, error_description)),
        }
    }

    /// Looks whether somebody has decided.
    pub fn poll_device_login(&self, code: &Secret) -> Result<Polled> {
        let fields = [("client_id", CLIENT_ID), ("grant_type", GRANT_TYPE), ("device_code", code.reveal())];
        match self.post_form("/oauth/token", &fields)? {
            Answer::Good(Token { access_token }) => Ok(Polled::Allowed(access_token)),
            Answer::Refused { error, .. } if error == "authorization_pending" => Ok(Polled::Pending),
            Answer::Refused { error, .. } if error == "slow_down" => Ok(Polled::TooOften),
            Answer::Refused { error, error_description } => Err(refused(&error, error_description)),
        }
    }
}

impl DeviceCode {
    /// How long to wait between two looks; a minute at most, whatever the coordinator says.
    pub fn pause(&self) -> Duration {
        Duration::from_secs(self.interval.clamp(1, 60))
    }
}

fn refused(code: &str, description: Option<String>) -> Error {
    let (kind, hint) = match code {
        "access_denied" => (Kind::Denied, "nothing was changed; `wonder login` begins again"),
        "expired_token" => (Kind::Unauthenticated, "`wonder login` begins again, with a new code"),
        "temporarily_unavailable" => (Kind::Unavailable, "try again in a minute"),
        _ => (Kind::Unauthenticated, "log in with `wonder login URL --email EMAIL`"),
    };
    Error::new(kind, code, description.unwrap_or_else(|| "the coordinator refused the log-in".to_owned()))
        .hint(hint)
}
