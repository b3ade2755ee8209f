//! People with accounts.

use ureq::http::Method;

use super::Client;
use crate::api::{SetUp, User, UserAnswer};
use crate::core::Result;

impl Client {
    /// Makes the first account, by the one-time set-up code.
    pub fn set_up(&self, with: &SetUp) -> Result<User> {
        self.call(Method::POST, "/setup", Some(with)).map(|answer: UserAnswer| answer.user)
    }
}
