//! The coordinator over HTTP. Extracts, checks authority, calls `service`, answers; no SQL, no rules.

pub mod control;
mod crowd;
pub mod extract;
pub mod frame;
pub mod listen;
pub mod log;
pub mod problem;
pub mod ready;
pub mod request;
pub mod routes;
pub mod socket;
pub mod state;
pub mod tls;

#[cfg(test)]
mod stories;
