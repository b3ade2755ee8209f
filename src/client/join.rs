//! A device spends a join token.

use ureq::http::Method;

use super::Client;
use crate::api::{JoinGrant, JoinRequest, JoinTarget};
use crate::core::Result;
use crate::core::secret::Secret;

impl Client {
    /// Where a join token leads. Spends nothing.
    pub fn join_target(&self, token: &Secret) -> Result<JoinTarget> {
        self.call(Method::POST, "/join/check", Some(&JoinRequest { token: token.clone() }))
    }

    /// Takes one use of a join token.
    pub fn join(&self, token: &Secret) -> Result<JoinGrant> {
        self.call(Method::POST, "/join", Some(&JoinRequest { token: token.clone() }))
    }
}
