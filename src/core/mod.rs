//! What is true whatever the transport: identifiers, secrets, keys, errors, rights, names, addresses,
//! policies. Everybody above calls it; it knows no SQL, HTTP, terminal, async runtime, and no clock of its own.

pub mod action;
pub mod address;
pub mod allowance;
pub mod chain;
pub mod error;
pub mod evidence;
pub mod hex;
pub mod id;
pub mod key;
pub mod name;
pub mod network;
pub mod node;
pub mod oauth;
pub mod page;
pub mod passkey;
pub mod policy;
pub mod provider;
pub mod realm;
pub mod role;
pub mod route;
pub mod secret;
pub mod session;
pub mod tag;
pub mod time;
pub mod token;
pub mod url;
pub mod user;

pub use error::{Error, Kind, Result};
pub use time::Timestamp;
