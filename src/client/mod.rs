//! The HTTP API as typed calls, one file a noun. Called by `cli`. Every call has a time-out; every failure comes
//! back as a [`crate::core::Error`]. It decides nothing, asks nobody, and stores nothing.

mod app;
mod audit;
mod call;
mod deployer;
mod device;
mod failure;
mod grant;
mod identity;
mod invitation;
mod join;
mod key;
mod member;
mod node;
mod organization;
mod session;
mod tls;
mod token;
mod user;
mod version;
mod worker;

pub use call::Client;
pub use device::{DeviceCode, Polled};
