//! What every long-running part needs from the process: the clock, supervised tasks, the signal to stop, and whom
//! calls to elsewhere trust. Called by `client`, `service`, `mesh`, `auth`, `server`; decides nothing.

mod clock;
pub mod memory;
pub mod metrics;
mod supervisor;
pub mod trust;

pub use clock::Clock;
pub use supervisor::{Stop, Supervisor};
