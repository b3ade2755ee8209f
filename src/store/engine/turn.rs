//! Who may bring a database up to date: whoever holds its lock, which a coordinator keeps from then on. Both engines open
//! by this, so that nobody migrates at the same time as another or below a running coordinator.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Purpose;
use crate::core::{Error, Result};

/// How often an opener looks whether the lock is free.
pub(super) const PAUSE: Duration = Duration::from_millis(20);
/// How long it waits for whoever holds it.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// The same where that one may be bringing an old schema up to date.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(15);

/// What an opener may do.
pub(super) struct Turn<L> {
    /// None: nothing to bring up to date, and no coordinator that would keep it.
    pub lock: Option<L>,
    pub is_behind: bool,
}

/// Waits until `take` gives the lock of `database`, or gives up with the error that it gives meanwhile. Whoever would
/// migrate alone goes without where the holder, a coordinator that starts, does that.
pub(super) fn wait<D, L>(
    database: &mut D,
    purpose: Purpose,
    mut is_behind: impl FnMut(&mut D) -> Result<bool>,
    take: impl Fn(&mut D) -> Result<Result<L, Error>>,
) -> Result<Turn<L>> {
    let (began, mut current) = (Instant::now(), None);
    loop {
        let is_behind = is_behind(database)?;
        if purpose == Purpose::Administer && !is_behind {
            return Ok(Turn { lock: None, is_behind });
        }
        // Whoever has just brought it up to date gives the lock back a moment later.
        let (since, patience) = match is_behind {
            true => (began, MIGRATION_PATIENCE),
            false => (*current.get_or_insert_with(Instant::now), PATIENCE),
        };
        match take(database)? {
            Ok(lock) => return Ok(Turn { lock: Some(lock), is_behind }),
            Err(in_use) if since.elapsed() > patience => return Err(in_use),
            Err(_) => sleep(PAUSE),
        }
    }
}
