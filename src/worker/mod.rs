//! The device side: joins, leaves and inspects through the LocalAPI of the tailscaled that runs here. Called by
//! `cli`; synchronous, every wait has a deadline. It never starts the `tailscale` program, so that no secret
//! stands in the arguments of a process, and it never talks to the coordinator's API.

pub mod engine;
mod hostname;
mod install;
pub mod ipn;
pub mod join;
pub mod leave;
mod restore;
mod socket;
pub mod status;
pub mod url;
mod wait;
pub mod watch;

pub use engine::Engine;
pub use join::{JoinPlan, Preflight, Standing};
pub use leave::{Departure, leave};
pub use status::{DeviceState, DeviceStatus, LocalNode};
pub use wait::{Joined, Step};
