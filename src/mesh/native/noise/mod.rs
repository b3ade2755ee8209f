//! The encrypted transport between a device and the coordinator (ts2021: Noise IK), as the server sees it.
//! `server::control` answers a device's [`accept`] and then speaks HTTP/2 over a [`NoiseStream`]. It knows
//! neither HTTP nor what is said inside.

mod cipher;
mod frame;
mod handshake;
mod inbox;
mod key;
mod outbox;
mod stream;

pub use frame::{Fault, MAX_FRAME, MAX_PLAINTEXT, frame_length};
pub use handshake::{Accepted, INITIATION_LENGTH, RESPONSE_LENGTH, TransportKeys, accept};
pub use key::ControlKey;
pub use stream::NoiseStream;
