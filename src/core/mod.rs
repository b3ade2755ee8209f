//! What is true whatever the transport: identifiers, secrets, keys, errors, rights, names, addresses,
//! policies. Everybody above calls it; it knows no SQL, HTTP, terminal, async runtime, and no clock of its own.

pub mod error;
pub mod id;
pub mod key;
pub mod name;
pub mod secret;
pub mod time;

pub use error::{Error, Kind, Result};
pub use time::Timestamp;
