//! `wonder token`: join tokens.

use clap::{Args, Subcommand};

use super::ctx::Ctx;
use super::value::Seconds;
use crate::api::{CreateToken, NewToken, Token};
use crate::core::{Result, Timestamp};
use crate::ui::{Cell, Table, clean, under, until};

const CREATE: &str = "\
Examples:
  wonder token create
      for one device, for 8 hours

  wonder token create --reusable --ttl 30d --tag tag:server --name servers
      for any number of servers

  wonder token create -q | ssh pi wonder worker join -
      join a machine in one line";

/// Join tokens: what a device joins with
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    Create(Create),
    /// List the join tokens
    List,
    /// Revoke a join token: no further device joins with it, those that have stay
    Revoke {
        /// Its id or name
        token: String,
    },
}

/// Make a join token
#[derive(Debug, Args)]
#[command(after_help = CREATE)]
pub struct Create {
    /// How long it can be used [default: 8h]
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Seconds>,
    /// For how many devices [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "reusable")]
    uses: Option<u32>,
    /// For any number of devices, until it expires
    #[arg(long)]
    reusable: bool,
    /// Its devices are removed soon after they go offline
    #[arg(long)]
    ephemeral: bool,
    /// A tag for its devices; can be given several times
    #[arg(long = "tag", value_name = "tag:NAME", value_parser = tag)]
    tags: Vec<String>,
    /// A name, to know it again
    #[arg(long)]
    name: Option<String>,
}

pub fn run(ctx: &Ctx, command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Create(what) => create(ctx, what),
        TokenCommand::List => list(ctx),
        TokenCommand::Revoke { token } => revoke(ctx, &token),
    }
}

fn create(ctx: &Ctx, what: Create) -> Result<()> {
    let acting = ctx.acting()?;
    let made = acting.client.create_token(
        &acting.org,
        &CreateToken {
            name: what.name,
            ttl_seconds: what.ttl.map(|ttl| ttl.0),
            uses: what.uses,
            reusable: what.reusable,
            ephemeral: what.ephemeral,
            tags: what.tags,
        },
    )?;
    ctx.ui.show(&made, || if ctx.ui.quiet { made.secret.reveal().to_owned() } else { shown(ctx, &made) })
}

fn shown(ctx: &Ctx, made: &NewToken) -> String {
    let devices = match made.token.uses {
        Some(1) => "one device".into(),
        Some(many) => format!("{many} devices"),
        None => "any number of devices".into(),
    };
    let end = until(ctx.now(), made.token.expires_at);
    format!(
        "A join token for {devices}; it expires {end}. It is shown this once.\n\n\
         On a device that has wonder:\n  {}\n\n\
         On a device that has only Tailscale:\n  {}",
        clean(made.join_command.reveal()),
        clean(made.tailscale_command.reveal()),
    )
}

fn list(ctx: &Ctx) -> Result<()> {
    let acting = ctx.acting()?;
    let tokens = acting.client.tokens(&acting.org)?;
    ctx.ui.show(&under("tokens", &tokens), || {
        let mut table = Table::new(&["ID", "NAME", "USES LEFT", "EXPIRES", "STATE"]).whole(0);
        for token in &tokens {
            let left = token.uses_left.map_or("any".into(), |left| left.to_string());
            table.row([
                token.id.to_string().into(),
                token.name.clone().unwrap_or_default().into(),
                left.into(),
                until(ctx.now(), token.expires_at).into(),
                state(token, ctx.now()),
            ]);
        }
        table.text("No join tokens. `wonder token create` makes one.")
    })
}

fn state(token: &Token, now: Timestamp) -> Cell {
    if token.revoked_at.is_some() {
        Cell::Faint("revoked".into())
    } else if token.expires_at <= now {
        Cell::Faint("expired".into())
    } else if token.uses_left == Some(0) {
        Cell::Faint("used up".into())
    } else {
        Cell::Good("good".into())
    }
}

fn revoke(ctx: &Ctx, token: &str) -> Result<()> {
    ctx.ui.confirm(&format!("Revoke join token {token}?"))?;
    let acting = ctx.acting()?;
    let revoked = acting.client.revoke_token(&acting.org, token)?;
    ctx.ui.changed(&under("token", &revoked), || {
        format!("Revoked join token {}.", revoked.name.clone().unwrap_or_else(|| revoked.id.to_string()))
    })
}

fn tag(text: &str) -> Result<String> {
    crate::core::tag::check(text).map(|()| text.to_owned())
}
