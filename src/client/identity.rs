//! Who one is at providers.

use ureq::http::Method;

use super::Client;
use super::call::{NOTHING, segment};
use crate::api::{Identity, IdentityAnswer, IdentityList};
use crate::core::Result;

impl Client {
    pub fn identities(&self) -> Result<Vec<Identity>> {
        self.list("/identities", |page: IdentityList| (page.identities, page.next_cursor))
    }

    /// Disconnects one, by its id or its provider's name.
    pub fn disconnect_identity(&self, identity: &str) -> Result<Identity> {
        self.call(Method::DELETE, &format!("/identities/{}", segment(identity)?), NOTHING)
            .map(|answer: IdentityAnswer| answer.identity)
    }
}
