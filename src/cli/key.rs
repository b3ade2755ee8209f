//! `wonder key`: API keys.

use clap::{Args, Subcommand};

use super::ctx::Ctx;
use super::value::{SCOPES, Seconds, scope, scope_name};
use crate::api::{CreateKey, Key, NewKey, RotateKey};
use crate::core::{Result, Timestamp};
use crate::ui::{Cell, Table, ago, clean, under, until};

const CREATE: &str = "\
Examples:
  wonder key create --name monitoring
      may look at the nodes, for 90 days

  wonder key create --name deployer --scope nodes:read --scope nodes:write --ttl 30d
      may change them too

  WONDER_TOKEN=$(wonder key create --name ci -q) wonder node list
      works as that key";

/// API keys: what a program logs in with
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    Create(Create),
    /// List the API keys
    List,
    /// Give an API key a new secret; the old one works on for a while
    Rotate {
        /// Its id or name
        key: String,
        /// How long the old secret works on [default: 24h]
        #[arg(long, value_name = "DURATION")]
        overlap: Option<Seconds>,
    },
    /// Revoke an API key: it works no longer
    Revoke {
        /// Its id or name
        key: String,
    },
}

/// Make an API key
#[derive(Debug, Args)]
#[command(after_help = CREATE)]
pub struct Create {
    /// A name, to know it again
    #[arg(long)]
    name: String,
    /// What it may do; can be given several times [default: nodes:read]
    #[arg(long = "scope", value_name = "SCOPE",
          value_parser = clap::builder::PossibleValuesParser::new(SCOPES.map(|(name, _)| name)))]
    scopes: Vec<String>,
    /// How long it works [default: 90d]
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Seconds>,
}

pub fn run(ctx: &Ctx, command: KeyCommand) -> Result<()> {
    match command {
        KeyCommand::Create(what) => create(ctx, what),
        KeyCommand::List => list(ctx),
        KeyCommand::Rotate { key, overlap } => rotate(ctx, &key, overlap),
        KeyCommand::Revoke { key } => revoke(ctx, &key),
    }
}

fn create(ctx: &Ctx, what: Create) -> Result<()> {
    let scopes = what.scopes.iter().map(|name| scope(name)).collect::<Result<Vec<_>>>()?;
    let acting = ctx.acting()?;
    let scopes = (!scopes.is_empty()).then_some(scopes);
    let ttl_seconds = what.ttl.map(|ttl| ttl.0);
    let made = acting.client.create_key(&acting.org, &CreateKey { name: what.name, scopes, ttl_seconds })?;
    show_secret(ctx, &made, "API key")
}

fn rotate(ctx: &Ctx, key: &str, overlap: Option<Seconds>) -> Result<()> {
    let acting = ctx.acting()?;
    let how = RotateKey { overlap_seconds: overlap.map(|overlap| overlap.0) };
    let made = acting.client.rotate_key(&acting.org, key, &how)?;
    show_secret(ctx, &made, "New secret of API key")
}

fn show_secret(ctx: &Ctx, made: &NewKey, what: &str) -> Result<()> {
    let secret = made.secret.reveal();
    ctx.ui.show(made, || {
        if ctx.ui.quiet {
            return secret.to_owned();
        }
        let end = until(ctx.now(), made.key.expires_at);
        format!(
            "{what} {} ({}); it expires {end}. It is shown this once.\n\n  {secret}",
            clean(&made.key.name),
            scopes(&made.key)
        )
    })?;
    ctx.ui.next("WONDER_TOKEN=… wonder node list", "works as this key");
    Ok(())
}

fn scopes(key: &Key) -> String {
    key.scopes.iter().map(|scope| scope_name(*scope)).collect::<Vec<_>>().join(", ")
}

fn list(ctx: &Ctx) -> Result<()> {
    let acting = ctx.acting()?;
    let keys = acting.client.keys(&acting.org)?;
    ctx.ui.show(&under("keys", &keys), || {
        let mut table = Table::new(&["NAME", "PREFIX", "SCOPES", "EXPIRES", "LAST USED", "STATE"]);
        for key in &keys {
            table.row([
                key.name.clone().into(),
                key.prefix.clone().into(),
                scopes(key).into(),
                until(ctx.now(), key.expires_at).into(),
                key.last_used_at.map_or("never".into(), |then| ago(ctx.now(), then)).into(),
                state(key, ctx.now()),
            ]);
        }
        table.text("No API keys. `wonder key create --name NAME` makes one.")
    })
}

fn state(key: &Key, now: Timestamp) -> Cell {
    if key.revoked_at.is_some() {
        Cell::Faint("revoked".into())
    } else if key.expires_at <= now {
        Cell::Faint("expired".into())
    } else {
        Cell::Good("good".into())
    }
}

fn revoke(ctx: &Ctx, key: &str) -> Result<()> {
    ctx.ui.confirm(&format!("Revoke API key {key}? Whatever uses it stops working."))?;
    let acting = ctx.acting()?;
    let revoked = acting.client.revoke_key(&acting.org, key)?;
    ctx.ui.changed(&under("key", &revoked), || format!("Revoked API key {}.", revoked.name))
}
