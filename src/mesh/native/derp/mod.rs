//! The relay: carries packets between nodes of one realm that have no direct path (DERP, protocol version 2).
//! `server::control` gives it connections that asked for the upgrade, `service` tells it whom to cut off. It
//! reads no packet, admits nobody whom its [`Admission`] does not know, and lets nothing cross a realm.

mod certificate;
mod connection;
mod frame;
mod handshake;
mod http;
mod key;
mod limit;
mod mailbox;
mod registry;
mod relay;
mod scratch;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use certificate::{Certificate, MAX_RECORD};
pub use connection::End;
pub use frame::{Frame, MAX_PACKET, TooLong, split};
pub use http::{VERSION, challenge_response, upgrade_headers};
pub use key::RelayKey;
pub use limit::Limits;
pub use relay::{Admission, Relay, Stats};
