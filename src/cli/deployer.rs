//! `wonder deployer`: a platform's own machine.

use clap::{Args, Subcommand};

use super::ctx::Ctx;
use super::value::secret;
use super::worker::join::{How, Word, join as bring_in};
use crate::core::secret::Secret;
use crate::core::{Error, Result};
use crate::ui::secret_from_stdin;

const EXAMPLES: &str = "\
Examples:
  wonder --coordinator https://mesh.example.org deployer join wnd_…
      with an API key that has nodes:write

  printf %s \"$ACCESS_TOKEN\" | wonder --coordinator URL deployer join -
      with the access token of an app that was let in";

/// A platform's own machine, through which it reaches the workers
#[derive(Debug, Subcommand)]
pub enum DeployerCommand {
    Join(Join),
}

/// Bring this machine into the network that an API key or access token is for, tagged as deployer
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Join {
    /// An API key or access token with nodes:write; "-" reads it from stdin
    #[arg(value_name = "SECRET", value_parser = secret)]
    secret: Secret,
    #[command(flatten)]
    how: How,
}

pub fn run(ctx: &Ctx, command: DeployerCommand) -> Result<()> {
    let DeployerCommand::Join(flags) = command;
    let secret = match flags.secret.reveal() {
        "-" => secret_from_stdin("API key or access token")?,
        text => Secret::new(text.trim()),
    };
    let coordinator = match &ctx.globals.coordinator {
        Some(url) => url.clone(),
        None => ctx.profile()?.map(|(_, profile)| profile.coordinator).ok_or_else(|| {
            Error::usage("no_coordinator", "no coordinator is named, and there is no log-in")
                .hint("name it with --coordinator URL, or WONDER_COORDINATOR")
        })?,
    };
    bring_in(ctx, Word::of_deployer(secret, coordinator), flags.how)
}
