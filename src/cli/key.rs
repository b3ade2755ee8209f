//! `wonder key`: API keys.

use clap::{Args, Subcommand};

use super::ctx::Ctx;
use super::value::{SCOPES, Seconds, scope, scope_name};
use crate::api::{CreateKey, Key, KeyPolicy, KeyPolicyAnswer, NewKey, RotateKey};
use crate::core::{Result, Timestamp};
use crate::ui::{Cell, Table, ago, clean, span, under, until};
use std::time::Duration;

const CREATE: &str = "\
Examples:
  wonder key create --name monitoring
      may look at the nodes, for 90 days

  wonder key create --name deployer --scope nodes:read --scope nodes:write --ttl 30d
      may change them too

  WONDER_TOKEN=$(wonder key create --name ci -q) wonder node list
      works as that key";

const POLICY: &str = "\
Examples:
  wonder key policy
  wonder key policy --max-age 90d --warn-before 14d
  wonder key policy --none";

/// How long before the end of a secret is warned when nobody says.
const WARN_BEFORE: u32 = 14 * 86_400;

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
    Policy(Policy),
    /// Revoke an API key: it works no longer
    Revoke {
        /// Its id or name
        key: String,
    },
}

/// Show or set how old the secrets of the organization's API keys may get
///
/// A secret that is older works no longer, whatever its own time. It counts at once, also for keys that there are.
#[derive(Debug, Args)]
#[command(after_help = POLICY)]
pub struct Policy {
    /// How old a secret may get: 1 to 366 days
    #[arg(long, value_name = "DURATION", conflicts_with = "none")]
    max_age: Option<Seconds>,
    /// How long before its end whoever uses it is warned [default: 14d]
    #[arg(long, value_name = "DURATION", requires = "max_age")]
    warn_before: Option<Seconds>,
    /// Let them get as old as they are good
    #[arg(long)]
    none: bool,
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
        KeyCommand::Policy(what) => policy(ctx, &what),
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

fn policy(ctx: &Ctx, what: &Policy) -> Result<()> {
    let acting = ctx.acting()?;
    let wanted = what.max_age.map(|age| KeyPolicy {
        max_age_seconds: age.0,
        warn_before_seconds: what.warn_before.map_or(WARN_BEFORE.min(age.0), |before| before.0),
    });
    if wanted.is_none() && !what.none {
        let answer = acting.client.key_policy(&acting.org)?;
        return ctx.ui.show(&answer, || described(answer.policy));
    }
    let answer = acting.client.set_key_policy(&acting.org, KeyPolicyAnswer { policy: wanted })?;
    ctx.ui.changed(&answer, || described(answer.policy))
}

fn described(policy: Option<KeyPolicy>) -> String {
    let long = |seconds: u32| span(Duration::from_secs(seconds.into()));
    match policy {
        None => "Secrets of API keys may get as old as they are good.".into(),
        Some(policy) => format!(
            "Secrets of API keys may get {} old; from {} before, whoever uses one is warned.",
            long(policy.max_age_seconds),
            long(policy.warn_before_seconds)
        ),
    }
}

fn state(key: &Key, now: Timestamp) -> Cell {
    if key.revoked_at.is_some() {
        Cell::Faint("revoked".into())
    } else if key.expires_at <= now {
        Cell::Faint("expired".into())
    } else if key.rotation_due {
        "rotate soon".into()
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
