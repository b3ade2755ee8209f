//! `wonder key-ring`: the coordinator's master keys, on its own host.

use clap::{Args, Subcommand};
use serde_json::json;

use super::ctx::Ctx;
use super::user::Place;
use super::wait::wait;
use crate::auth::vault::Vault;
use crate::config::master_key;
use crate::core::{Error, Kind, Result};
use crate::service::key_ring;
use crate::ui::Table;

/// The master keys that seal what the coordinator must read back, on its own host
///
/// Works whether the coordinator runs or not.
#[derive(Debug, Subcommand)]
pub enum KeyRingCommand {
    /// List the master keys by their names, and what is sealed with which
    List {
        #[command(flatten)]
        place: Place,
    },
    Rotate(Rotate),
    /// Forget all that was sealed with a master key that is lost
    Reset {
        #[command(flatten)]
        place: Place,
    },
}

/// Make a new master key, and seal everything with it
///
/// The older keys stay in master.key, so that an older backup of the database can be opened.
#[derive(Debug, Args)]
pub struct Rotate {
    /// Forget the older keys: backups of the database from before are worth nothing then
    #[arg(long)]
    forget: bool,
    #[command(flatten)]
    place: Place,
}

pub fn run(ctx: &Ctx, command: KeyRingCommand) -> Result<()> {
    match command {
        KeyRingCommand::List { place } => list(ctx, &place),
        KeyRingCommand::Rotate(how) => rotate(ctx, &how),
        KeyRingCommand::Reset { place } => reset(ctx, &place),
    }
}

fn list(ctx: &Ctx, place: &Place) -> Result<()> {
    let (app, operator) = place.open()?;
    let source = master_key::Place::find(&place.data_dir()?);
    let ring = Vault::find(source.clone())?.map(|vault| vault.ring());
    let ids: Vec<&str> = ring.as_ref().map(|ring| ring.ids()).unwrap_or_default();
    let sealed = wait(key_ring::list(&app, &operator))?;
    let secrets: Vec<_> = sealed.iter().map(|s| json!({ "name": s.name, "master_key": s.key_id })).collect();
    let document =
        json!({ "key_ring": { "place": source.to_string(), "master_keys": ids, "secrets": secrets } });
    ctx.ui.show(&document, || {
        let mut table = Table::new(&["SEALED", "MASTER KEY", "HERE"]);
        for secret in &sealed {
            let here = match ids.iter().position(|id| *id == secret.key_id) {
                Some(0) => "yes, the newest",
                Some(_) => "yes, an older one",
                None => "no",
            };
            table.row([secret.name.clone().into(), secret.key_id.clone().into(), here.into()]);
        }
        format!("Master keys in {source}.\n{}", table.text("Nothing is sealed yet."))
    })
}

fn rotate(ctx: &Ctx, how: &Rotate) -> Result<()> {
    let (app, operator) = how.place.open()?;
    let source = master_key::Place::find(&how.place.data_dir()?);
    let vault = Vault::find(source.clone())?.ok_or_else(|| none(&source))?;
    // Before anything is changed: what is sealed must open with what is there.
    wait(key_ring::check(&app, &operator, &vault.ring()))?;
    vault.add_key()?;
    let newest = vault.ring().newest().id().to_owned();
    let count = wait(key_ring::rotate(&app, &operator, vault.ring()))?;
    if how.forget {
        vault.forget_older()?;
    }
    let document = json!({ "key_ring": { "place": source.to_string(), "newest": newest, "sealed": count } });
    ctx.ui.changed(&document, || format!("Sealed {count} secrets with the new master key {newest}."))?;
    ctx.ui.next(&format!("keep a copy of {source}"), "apart from the copies of the database");
    Ok(())
}

fn none(source: &master_key::Place) -> Error {
    Error::new(Kind::Local, "master_key_missing", format!("{source} is not there"))
        .hint("name the coordinator's data directory with --data-dir")
}

fn reset(ctx: &Ctx, place: &Place) -> Result<()> {
    ctx.ui.confirm(
        "Forget the coordinator's own keys and all that is sealed? Devices must restart their tailscaled, and \
         secrets of providers and the password of the mail server must be given again.",
    )?;
    let (app, operator) = place.open()?;
    let count = wait(key_ring::reset(&app, &operator))?;
    ctx.ui.changed(&json!({ "key_ring": { "forgotten": count } }), || {
        format!("Forgot {count} sealed secrets. The next start makes new ones.")
    })?;
    ctx.ui.next("restart the coordinator", "then tailscaled on each device");
    Ok(())
}
