//! Which part of a list is asked for.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// The query of every list. An answer's `next_cursor` is the next call's `cursor`; `null` ends the list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// How many at most: 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// Where the list goes on; opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
