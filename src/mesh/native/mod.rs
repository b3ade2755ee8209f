//! The built-in backend: the Tailscale coordination protocol, its relay (DERP) and STUN. `server::control`
//! is its door to the network; `service` tells it what changed.

mod backend;
pub mod derp;
pub mod noise;
pub mod realm;
mod registry;
pub mod stun;
pub mod wire;

pub use backend::Native;
pub use registry::{Registry, Source, Stored};
