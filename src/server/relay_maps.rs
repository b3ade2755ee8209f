//! Further relays, by file or URL: read once at the start, each a DERP map in JSON. A URL's certificate
//! is one that the system trusts.

use serde_json::Value;
use std::time::Duration;
use ureq::Agent;

use crate::core::{Error, Kind, Result};
use crate::runtime::trust;

/// The largest map that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// How long a URL may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads every map; one that cannot be read ends the start, for devices would miss its relays.
pub fn load(sources: &[String]) -> Result<Vec<Value>> {
    sources.iter().map(|source| read(source).map_err(|e| unreadable(source, e))).collect()
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn read(source: &str) -> Result<Value, Failure> {
    let text = if source.starts_with("https://") || source.starts_with("http://") {
        let agent = Agent::config_builder()
            .tls_config(trust::system())
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        agent.get(source).call()?.body_mut().with_config().limit(LARGEST).read_to_string()?
    } else {
        std::fs::read_to_string(source)?
    };
    Ok(serde_json::from_str(&text)?)
}

fn unreadable(source: &str, error: Failure) -> Error {
    let message = format!("the map of relays {source} cannot be read: {error}");
    Error::new(Kind::Local, "relay_map_unreadable", message).hint("mend it, or take it out of relay-maps")
}
