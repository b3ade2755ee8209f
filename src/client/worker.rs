//! A worker about itself; the bearer is its worker key.

use ureq::http::Method;

use super::Client;
use crate::api::WorkerAnswer;
use crate::core::Result;

impl Client {
    /// What the coordinator knows of this device.
    pub fn worker(&self) -> Result<WorkerAnswer> {
        self.get("/worker")
    }

    /// Takes the device out: removes its node, or gives the use of the token back where none has registered.
    pub fn remove_worker(&self) -> Result<()> {
        self.tell(Method::DELETE, "/worker")
    }
}
