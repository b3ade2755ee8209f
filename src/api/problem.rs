//! A failure as the API tells it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Problem details (RFC 9457), sent as `application/problem+json`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URI for the kind of problem, or `about:blank`.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status, again.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong, in one sentence.
    pub detail: String,
    /// Stable and in `snake_case`: what programs decide by.
    #[schema(example = "node_not_found")]
    pub code: String,
    /// What the caller can do next.
    pub hint: Option<String>,
    /// The request that the coordinator's log knows it by (`X-Request-Id`).
    pub request_id: Option<String>,
}
