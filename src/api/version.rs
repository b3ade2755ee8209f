//! Which coordinator this is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /version`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionAnswer {
    #[schema(example = "0.1.0")]
    pub version: String,
}
