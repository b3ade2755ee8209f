//! `wonder worker leave`: the device is clean afterwards, whether or not the coordinator could be told.

use clap::Args;
use serde_json::json;

use super::super::ctx::Ctx;
use super::{Socket, worker_file};
use crate::config::worker::{WorkerFile, WorkerRecord};
use crate::core::{Kind, Result};
use crate::worker::{Departure, Engine, leave};

/// Take this device out of its network
///
/// tailscaled is logged out, and the node removed at the coordinator. With the coordinator down the device is
/// cleaned all the same; its node is then still listed there, until it is removed with `wonder node remove`.
#[derive(Debug, Args)]
pub struct Leave {
    /// Leave even where tailscaled is logged in to another network
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    socket: Socket,
}

pub fn run(ctx: &Ctx, flags: &Leave) -> Result<()> {
    ctx.ui.confirm("Take this device out of its network? It has to join again with a new token.")?;
    let engine = Engine::find(flags.socket.path.as_deref())?;
    let file = worker_file()?;
    let record = file.read()?;
    let progress = ctx.ui.progress("Leaving");
    let departure = leave(&engine, record.as_ref().map(|record| record.coordinator.as_str()), flags.force)?;
    let told = removed(ctx, &file, record.as_ref())?;
    drop(progress);
    match (departure, record) {
        (Departure::NothingToLeave, None) => {
            let document = json!({ "left": false, "coordinator": null, "coordinator_told": false });
            ctx.ui.changed(&document, || "Not joined; nothing to do.".into())
        }
        (Departure::NothingToLeave, Some(record)) => {
            left(ctx, record.coordinator.as_str(), told.unwrap_or(false))
        }
        (Departure::Left { coordinator, told: by_engine }, _) => {
            left(ctx, &coordinator, told.unwrap_or(by_engine))
        }
    }
}

/// Removes the node at the coordinator, and the file; tells whether the coordinator knows. None where this
/// device has no key to tell it with.
fn removed(ctx: &Ctx, file: &WorkerFile, record: Option<&WorkerRecord>) -> Result<Option<bool>> {
    let Some(record) = record else { return Ok(None) };
    let told = match ctx.client(&record.coordinator)?.bearer(&record.worker_key).remove_worker() {
        Ok(()) => true,
        // Gone there already.
        Err(error) => matches!(error.kind(), Kind::Unauthenticated | Kind::NotFound),
    };
    file.remove()?;
    Ok(Some(told))
}

fn left(ctx: &Ctx, coordinator: &str, told: bool) -> Result<()> {
    let document = json!({ "left": true, "coordinator": coordinator, "coordinator_told": told });
    ctx.ui.changed(&document, || format!("Left the network of {coordinator}."))?;
    if !told {
        ctx.ui.warn("the coordinator could not be told: this device's node is still listed there, offline");
    }
    Ok(())
}
