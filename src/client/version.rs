//! Which coordinator it is.

use super::Client;
use crate::api::VersionAnswer;
use crate::core::Result;

impl Client {
    /// Tells the version; needs no log-in, so it also tells whether a coordinator is there at all.
    pub fn version(&self) -> Result<VersionAnswer> {
        self.get("/version")
    }
}
