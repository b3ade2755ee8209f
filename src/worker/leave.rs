//! A device leaves: `wonder worker leave`, and the clean-up after a join that failed. It is clean afterwards
//! whether or not the coordinator could be told, and stays so when tailscaled starts again.

use std::time::Duration;

use super::engine::Engine;
use super::ipn::VENDOR_URL;
use super::url;
use crate::core::Result;

/// How long a coordinator may take to accept a connection before it counts as down.
const PROBE: Duration = Duration::from_millis(700);

/// How long a coordinator that accepts connections may take for a log-out.
const LOGOUT: Duration = Duration::from_secs(5);

/// What leaving came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// There was no log-in.
    NothingToLeave,
    /// The device is clean.
    Left {
        /// The coordinator that the device was logged in to.
        coordinator: String,
        /// Whether it knows; else its node is still listed there, offline.
        told: bool,
    },
}

/// Leaves the network of `coordinator`; where none is known, any network but the vendor's own. With `force`,
/// whichever it is. Another network is a conflict of code `other_network`, and is left alone.
pub fn leave(engine: &Engine, coordinator: Option<&str>, force: bool) -> Result<Departure> {
    if engine.current_profile()?.id.is_empty() && !engine.status()?.have_node_key {
        return Ok(Departure::NothingToLeave);
    }
    let prefs = engine.prefs()?;
    let there = prefs.control_url();
    let meant = coordinator.map_or(there != VENDOR_URL, |meant| url::same_coordinator(meant, there));
    if !meant && !force {
        return Err(url::other_network(there).hint("`--force` leaves it all the same"));
    }
    end_login(engine)
}

/// Ends the current log-in: tells the coordinator, else forgets the profile alone. Takes [`PROBE`] where the
/// coordinator is down, [`LOGOUT`] more where it accepts connections but says nothing. Other profiles of the
/// daemon stay as they are.
pub(super) fn end_login(engine: &Engine) -> Result<Departure> {
    let profile = engine.current_profile()?;
    let coordinator = engine.prefs()?.control_url().to_owned();
    // Asking tailscaled to log out from a coordinator that is down takes as long as one waits, marks the
    // profile as logged out and keeps it: with its key, and for ever.
    let told = url::reachable(&coordinator, PROBE) && engine.logout(LOGOUT).is_ok();
    if !told {
        forget(engine, &profile.id)?;
    }
    Ok(Departure::Left { coordinator, told })
}

/// Deletes the profile; one that has no id yet is in the daemon's memory alone, and gone with the next one.
fn forget(engine: &Engine, id: &str) -> Result<()> {
    if id.is_empty() { engine.new_profile() } else { engine.delete_profile(id) }
}
