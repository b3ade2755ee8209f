//! Go reads JSON keys without regard to case, and clients rely on it; it writes `null` for an empty list.
//! Both are settled once, before a request is read into its type.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::core::{Error, Result};

/// Reads a request body whatever the case of its keys; a `null` counts as absent. Nesting is limited to
/// 128 levels by the parser, the size by whoever read the body.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let malformed =
        |e: serde_json::Error| Error::usage("malformed_request", format!("the request is not readable: {e}"));
    let value: Value = serde_json::from_slice(body).map_err(malformed)?;
    serde_json::from_value(fold(value)).map_err(malformed)
}

fn fold(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key.to_ascii_lowercase(), fold(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(fold).collect()),
        other => other,
    }
}
