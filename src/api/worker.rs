//! A worker, asking about itself with the key that its join gave it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Node;

/// `GET /worker`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkerAnswer {
    /// `null` until the device has registered.
    pub node: Option<Node>,
    pub coordinator: String,
}
