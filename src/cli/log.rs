//! The log: `serve` always has one; any other command where `-v` or `WONDER_LOG` asks for it.

use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

use super::ctx::Ctx;
use crate::core::{Error, Result};

/// Starts the log on stderr: for people on a terminal, else one JSON object a line.
pub fn start(ctx: &Ctx, serves: bool) -> Result<()> {
    let Some(filter) = filter(ctx, serves)? else { return Ok(()) };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = if io::stderr().is_terminal() {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        log.with_ansi(!plain).try_init()
    } else {
        log.json().flatten_event(true).try_init()
    };
    started.map_err(|error| Error::bug("the log was started twice").source(error))
}

fn filter(ctx: &Ctx, serves: bool) -> Result<Option<EnvFilter>> {
    let wanted = std::env::var("WONDER_LOG").ok().filter(|text| !text.is_empty());
    let usual = match (ctx.globals.verbose, serves) {
        (true, _) => Some("info,wonder=debug"),
        (false, true) => Some("info"),
        (false, false) => None,
    };
    let Some(text) = wanted.as_deref().or(usual) else { return Ok(None) };
    EnvFilter::try_new(text).map(Some).map_err(|error| {
        Error::usage("malformed_log_filter", format!("WONDER_LOG is not a filter: {error}"))
            .hint("write it like info,wonder::mesh=debug")
    })
}
