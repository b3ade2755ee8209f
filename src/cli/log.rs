//! The log: `serve` always has one; any other command where `-v` or `WONDER_LOG` asks for it.

use crate::core::Result;
use crate::server::log;

/// Starts the log on stderr, where there is to be one.
pub fn start(verbose: bool, serves: bool) -> Result<()> {
    let wanted = std::env::var("WONDER_LOG").ok().filter(|text| !text.is_empty());
    let usual = match (verbose, serves) {
        (true, _) => Some("info,wonder=debug"),
        (false, true) => Some("info"),
        (false, false) => None,
    };
    match wanted.as_deref().or(usual) {
        Some(filter) => log::init(Some(filter)),
        None => Ok(()),
    }
}
