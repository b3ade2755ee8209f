//! What devices call: the coordination protocol's side of the coordinator. It speaks the protocol, and leaves
//! every decision to `service::device` and the realm.

mod connection;
mod door;
mod map;
mod refusal;
mod register;
mod relay;
mod websocket;

pub use door::{initiation, routes};
pub use relay::{probes, routes as relay_routes, verify};
