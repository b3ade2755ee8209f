//! Undoes a join that failed: called by `join` alone. Whatever was there before is there again, and of the new
//! log-in nothing is left, neither here nor, where it can be told, at the coordinator.

use super::engine::Engine;
use super::ipn::Profile;
use super::join::Before;
use super::leave::end_login;
use crate::core::{Error, Result};

/// Puts the device back to how it was `before`.
pub(super) fn put_back(engine: &Engine, before: &Before) -> Result<()> {
    let now = engine.current_profile()?;
    let is_new = now.id != before.profile.id || !before.have_node_key;
    let ended = if is_new && engine.status()?.have_node_key { end_login(engine).map(drop) } else { Ok(()) };
    if now.id != before.profile.id && !before.profile.id.is_empty() {
        engine.switch_profile(&before.profile.id)?;
    } else {
        // The same profile as before: its settings go back, and the auth key is forgotten.
        engine.start(None, &before.prefs)?;
    }
    ended
}

/// The error that made it necessary; where putting back failed too, its hint says what to do by hand.
pub(super) fn explain(error: Error, put_back: Result<()>, earlier: &Profile) -> Error {
    match put_back {
        Ok(()) => error,
        Err(second) if earlier.id.is_empty() => {
            error.hint(format!("{second}; `sudo tailscale logout` clears this device"))
        }
        Err(second) => {
            let id = &earlier.id;
            error.hint(format!("{second}; `sudo tailscale switch {id}` goes back to the earlier log-in"))
        }
    }
}
