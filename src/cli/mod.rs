//! The command line: one file a noun. Parses, asks, calls `client` or `service`, prints through `ui`.
//! Called by `main`.

mod app;
mod audit;
mod ctx;
mod deployer;
mod device;
mod generate;
mod grant;
mod identity;
mod key;
mod key_ring;
mod log;
mod login;
mod mail;
mod member;
mod node;
mod org;
mod provider;
mod serve;
mod token;
mod usage;
mod user;
mod value;
mod wait;
mod worker;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::ffi::OsString;

use crate::core::{Kind, Result};
use crate::ui::Ui;
use ctx::{Ctx, Globals};

const EXAMPLES: &str = "\
Examples:
  wonder serve                              run a coordinator on this machine
  wonder user create ada@example.org        make the first account
  wonder login http://192.168.1.10:8080     log in to it, from anywhere
  wonder token create                       make a token that one device joins with
  wonder worker join wjt_…                  join, on that device
  wonder node list                          see what is there

Every command explains itself with --help. With --json it answers with one JSON document.";

/// Private mesh networks for people, companies and platforms.
#[derive(Debug, Parser)]
#[command(name = "wonder", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Serve>),
    #[command(subcommand)]
    User(user::UserCommand),
    Login(login::Login),
    Logout(login::Logout),
    Whoami(login::Whoami),
    #[command(subcommand)]
    Token(token::TokenCommand),
    #[command(subcommand)]
    Worker(worker::WorkerCommand),
    #[command(subcommand)]
    Node(node::NodeCommand),
    #[command(subcommand)]
    Key(key::KeyCommand),
    #[command(subcommand)]
    KeyRing(key_ring::KeyRingCommand),
    #[command(subcommand)]
    Mail(mail::MailCommand),
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    #[command(subcommand)]
    Identity(identity::IdentityCommand),
    #[command(subcommand)]
    Org(org::OrgCommand),
    Audit(Box<audit::Audit>),
    #[command(subcommand)]
    App(app::AppCommand),
    #[command(subcommand)]
    Grant(grant::GrantCommand),
    #[command(subcommand)]
    Deployer(deployer::DeployerCommand),
    Completions(generate::Completions),
    Man(generate::Man),
}

/// Runs one command line, the program's name first. Gives the exit code; whatever failed is told.
pub fn run(arguments: &[OsString]) -> u8 {
    match parse(arguments) {
        Ok(cli) => {
            let ui = cli.globals.ui();
            finish(ui, dispatch(cli))
        }
        Err(error) if error.use_stderr() => {
            let ui = Ui { json: usage::wants_json(arguments), ..Ui::default() };
            if usage::needs_command(&error) && !ui.json {
                ui.say(error.render().to_string().trim_end());
                return Kind::Usage.exit_code();
            }
            finish(ui, Err(usage::explain(&error, arguments)))
        }
        // `--help` and `--version` are answers.
        Err(error) => finish(Ui::default(), Ui::default().data(&usage::answer(&error))),
    }
}

/// Tells a defect that ended the run, and gives its exit code.
pub fn broken(arguments: &[OsString]) -> u8 {
    let ui = Ui { json: usage::wants_json(arguments), ..Ui::default() };
    finish(ui, Err(crate::core::Error::bug("wonder ran into a defect of its own")))
}

/// Every command there is. `help` stands at the top alone: below it says nothing that `--help` does not.
fn definition() -> clap::Command {
    Cli::command().mut_subcommands(|noun| noun.disable_help_subcommand(true))
}

fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = definition().try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

fn dispatch(cli: Cli) -> Result<()> {
    let ctx = Ctx::new(cli.globals);
    log::start(ctx.globals.verbose, matches!(cli.command, Command::Serve(_)))?;
    match cli.command {
        Command::Serve(serve) => serve::run(&ctx, *serve),
        Command::User(command) => user::run(&ctx, command),
        Command::Login(login) => login::login(&ctx, login),
        Command::Logout(_) => login::logout(&ctx),
        Command::Whoami(_) => login::whoami(&ctx),
        Command::Token(command) => token::run(&ctx, command),
        Command::Worker(command) => worker::run(&ctx, command),
        Command::Node(command) => node::run(&ctx, command),
        Command::Key(command) => key::run(&ctx, command),
        Command::Mail(command) => mail::run(&ctx, command),
        Command::Provider(command) => provider::run(&ctx, command),
        Command::Identity(command) => identity::run(&ctx, command),
        Command::KeyRing(command) => key_ring::run(&ctx, command),
        Command::Org(command) => org::run(&ctx, command),
        Command::Audit(what) => audit::run(&ctx, *what),
        Command::App(command) => app::run(&ctx, command),
        Command::Grant(command) => grant::run(&ctx, command),
        Command::Deployer(command) => deployer::run(&ctx, command),
        Command::Completions(what) => generate::completions(&ctx, &what, definition()),
        Command::Man(what) => generate::man(&ctx, &what, definition()),
    }
}

fn finish(ui: Ui, outcome: Result<()>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            ui.report(&error);
            error.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        definition().debug_assert();
    }
}
