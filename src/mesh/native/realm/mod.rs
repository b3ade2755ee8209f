//! One realm's network map, live: who is in it, who is connected, and what each device has been told.

#[doc(hidden)]
pub mod bench;
mod deadlines;
mod delta;
mod frame;
mod full_map;
mod handle;
mod outbox;
mod settings;
mod state;
#[cfg(test)]
mod state_tests;
mod task;
#[cfg(test)]
mod task_tests;
mod tell;
mod unsaved;
mod view;

pub use frame::{Client, Encoding, keep_alive};
pub use handle::{Attached, Device, Event, Live, Realm, Reported, node_unknown, shutting_down};
pub use outbox::{Next, Outbox};
pub use settings::Settings;
pub use task::{Surroundings, start};
pub use unsaved::Unsaved;
