//! `wonder completions` and `wonder man`: what shells and readers get, made from the definitions of the commands.

use clap::{Args, Command};
use clap_complete::Shell;
use std::path::{Path, PathBuf};

use super::ctx::Ctx;
use crate::core::{Error, Kind, Result};

const COMPLETIONS: &str = "\
Examples:
  wonder completions bash > ~/.local/share/bash-completion/completions/wonder
  wonder completions zsh > \"${fpath[1]}/_wonder\"
  wonder completions fish > ~/.config/fish/completions/wonder.fish
  wonder completions powershell >> $PROFILE";

const MAN: &str = "\
Examples:
  wonder man | man -l -
  sudo wonder man /usr/local/share/man/man1";

/// Print what makes a shell complete the commands of wonder
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS)]
pub struct Completions {
    /// The shell
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(["bash", "zsh", "fish", "powershell"]))]
    shell: String,
}

/// Print the manual page, or write every page into a directory
#[derive(Debug, Args)]
#[command(after_help = MAN)]
pub struct Man {
    /// Where to write a page for every command
    directory: Option<PathBuf>,
}

pub fn completions(ctx: &Ctx, what: &Completions, mut command: Command) -> Result<()> {
    let shell: Shell = what.shell.parse().map_err(|reason| Error::usage("invalid_value", reason))?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "wonder", &mut script);
    ctx.ui.data(&String::from_utf8_lossy(&script))
}

pub fn man(ctx: &Ctx, what: &Man, command: Command) -> Result<()> {
    // The pages of `help` say nothing that the others do not.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    match &what.directory {
        Some(directory) => {
            write_pages(directory, command).map_err(|error| unwritten(directory, &error))?;
            ctx.ui.say(&format!("Wrote the manual to {}.", directory.display()));
            Ok(())
        }
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(command).render(&mut page);
            rendered.map_err(|error| Error::bug("the manual page cannot be made").source(error))?;
            ctx.ui.data(&String::from_utf8_lossy(&page))
        }
    }
}

fn write_pages(directory: &Path, command: Command) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(command, directory)
}

fn unwritten(directory: &Path, error: &std::io::Error) -> Error {
    let message = format!("the manual could not be written to {}: {error}", directory.display());
    Error::new(Kind::Local, "unwritable_directory", message).hint("name a directory of your own")
}
