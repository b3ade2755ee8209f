//! A platform's own machine; the bearer is an API key or an app's access token.

use ureq::http::Method;

use super::Client;
use super::call::NOTHING;
use crate::api::{JoinGrant, JoinTarget};
use crate::core::Result;

impl Client {
    /// Where the machine would join. Spends nothing.
    pub fn deployer_target(&self) -> Result<JoinTarget> {
        self.get("/deployer")
    }

    pub fn deployer_join(&self) -> Result<JoinGrant> {
        self.call(Method::POST, "/deployer/join", NOTHING)
    }
}
