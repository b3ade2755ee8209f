//! What every long-running part needs from the process: the clock, supervised tasks, and the signal to stop.
//! Called by `service`, `mesh`, `server`; decides nothing.

mod clock;
pub mod memory;
pub mod metrics;
mod supervisor;

pub use clock::Clock;
pub use supervisor::{Stop, Supervisor};
