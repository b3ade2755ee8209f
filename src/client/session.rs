//! Log-ins.

use ureq::http::Method;

use super::Client;
use crate::api::{LogIn, NewSession, SessionAnswer};
use crate::core::Result;

impl Client {
    /// Logs in with a password.
    pub fn log_in(&self, with: &LogIn) -> Result<NewSession> {
        self.call(Method::POST, "/sessions", Some(with))
    }

    /// Whose credential the bearer is.
    pub fn session(&self) -> Result<SessionAnswer> {
        self.get("/session")
    }

    /// Ends the session that the bearer belongs to.
    pub fn log_out(&self) -> Result<()> {
        self.tell(Method::DELETE, "/session")
    }
}
