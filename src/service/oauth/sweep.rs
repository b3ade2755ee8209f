//! What nobody needs any more is forgotten, so that the tables stay as large as what is in use.

use std::time::Duration;

use crate::core::{Result, Timestamp};
use crate::service::app::App;
use crate::store::Tx;
use crate::store::oauth::{code, device, family, grant, token};

/// How long a code is remembered after its minute, so that its replay is noticed.
const REMEMBERED: Duration = Duration::from_secs(86_400);
/// How long a device's code is, so that the device hears what came of it.
const HEARD: Duration = Duration::from_secs(3600);
/// How long a revoked grant is kept, with what came of it.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// For the coordinator's own housekeeping.
pub async fn sweep(app: &App) -> Result<()> {
    let now = app.now();
    app.store().write(move |tx| forget(tx, now)).await
}

fn forget(tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
    let (a_day_ago, a_month_ago) = (before(now, REMEMBERED), before(now, KEPT));
    code::delete_expired(tx, a_day_ago)?;
    device::delete_expired(tx, before(now, HEARD))?;
    token::delete_expired(tx, now)?;
    family::delete_empty(tx, a_day_ago)?;
    grant::delete_revoked(tx, a_month_ago).map(drop)
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX)))
}
