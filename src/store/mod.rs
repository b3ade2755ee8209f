//! The database: one file a noun with its row type and its SQL, over SQLite and PostgreSQL alike.
//!
//! `service` is the only caller. A use case runs as one synchronous closure against a [`Tx`]; nothing else
//! writes. No rules live here: a row function does what its name says, and constraints hold what must hold.

pub mod api_key;
pub mod engine;
pub mod join_token;
mod migrate;
pub mod redemption;

pub mod approval;
pub mod audit;
pub mod chain;
pub mod counter;
pub mod factor;
pub mod invitation;
pub mod last_start;
pub mod member;
pub mod node;
pub mod oauth;
pub mod oidc;
pub mod organization;
pub mod realm;
pub mod sealed_secret;
pub mod session;
pub mod setup_code;
pub mod user;

pub use engine::{DatabaseUrl, Purpose, Read, Row, Store, Tx, Value};
