//! `wonder user`: accounts, administered on the coordinator's own host, whether it runs or not.

use clap::{Args, Subcommand};
use std::path::PathBuf;

use super::ctx::Ctx;
use crate::api::User;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};
use crate::ui::{Table, ago, secret_from_stdin, under};

const CREATE: &str = "\
Examples:
  wonder user create ada@example.org
  pwgen 20 1 | tee password | wonder user create ada@example.org --password-stdin";

/// Accounts, on the coordinator's own host
///
/// Works on the coordinator's database, whether the coordinator runs or not.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account; the first one is an administrator
    #[command(after_help = CREATE)]
    Create {
        /// The e-mail address to log in with
        email: String,
        #[command(flatten)]
        password: PasswordFlag,
        /// An administrator of the coordinator
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        place: Place,
    },
    /// List the accounts
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Lock an account: its log-ins end, its devices stay
    Disable {
        /// The e-mail address of the account
        email: String,
        #[command(flatten)]
        place: Place,
    },
    /// Unlock an account
    Enable {
        /// The e-mail address of the account
        email: String,
        #[command(flatten)]
        place: Place,
    },
    /// Give an account a new password; its log-ins end
    ResetPassword {
        /// The e-mail address of the account
        email: String,
        #[command(flatten)]
        password: PasswordFlag,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub struct PasswordFlag {
    /// Read the password from stdin
    #[arg(long)]
    password_stdin: bool,
}

/// Which coordinator's database.
#[derive(Debug, Args)]
pub struct Place {
    /// The coordinator's data directory [default: /var/lib/wonder for root, else the user's data directory]
    #[arg(long, value_name = "DIR", env = "WONDER_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// The coordinator's database, where it is not in the data directory
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
}

/// What is to be done; the answer is the accounts that it is about.
#[derive(Debug)]
#[expect(dead_code, reason = "read as soon as the coordinator's accounts are called")]
pub enum Act {
    Create { email: String, password: Secret, admin: bool },
    List,
    Disable { email: String },
    Enable { email: String },
    ResetPassword { email: String, password: Secret },
}

pub fn run(ctx: &Ctx, command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Create { email, password, admin, place } => {
            let password = new_password(ctx, &password)?;
            let user = one(&place, Act::Create { email, password, admin })?;
            let role = if user.admin { ", an administrator" } else { "" };
            changed(ctx, &user, format!("Created {}{role}.", user.email))?;
            ctx.ui.next("wonder login URL", "with the coordinator's URL, from anywhere");
            Ok(())
        }
        UserCommand::List { place } => list(ctx, &administer(&place, Act::List)?),
        UserCommand::Disable { email, place } => {
            let user = one(&place, Act::Disable { email })?;
            changed(ctx, &user, format!("Disabled {}; its log-ins have ended.", user.email))
        }
        UserCommand::Enable { email, place } => {
            let user = one(&place, Act::Enable { email })?;
            changed(ctx, &user, format!("Enabled {}.", user.email))
        }
        UserCommand::ResetPassword { email, password, place } => {
            let password = new_password(ctx, &password)?;
            let user = one(&place, Act::ResetPassword { email, password })?;
            changed(ctx, &user, format!("Changed the password of {}; its log-ins have ended.", user.email))
        }
    }
}

fn new_password(ctx: &Ctx, flag: &PasswordFlag) -> Result<Secret> {
    if flag.password_stdin {
        secret_from_stdin("password")
    } else {
        ctx.ui.ask_new_password("--password-stdin")
    }
}

fn changed(ctx: &Ctx, user: &User, sentence: String) -> Result<()> {
    ctx.ui.changed(&under("user", user), || sentence)
}

fn list(ctx: &Ctx, users: &[User]) -> Result<()> {
    ctx.ui.show(&under("users", &users), || {
        let mut table = Table::new(&["EMAIL", "ROLE", "STATE", "CREATED"]);
        for user in users {
            let role = if user.admin { "admin" } else { "user" };
            let state = if user.disabled { "disabled" } else { "active" };
            table.row([
                user.email.clone().into(),
                role.into(),
                state.into(),
                ago(ctx.now(), user.created_at).into(),
            ]);
        }
        table.text("No accounts yet. `wonder user create EMAIL` makes the first one.")
    })
}

fn one(place: &Place, act: Act) -> Result<User> {
    administer(place, act)?.pop().ok_or_else(|| Error::bug("an account was changed, and is not there"))
}

/// The one door to the coordinator's database.
fn administer(_place: &Place, _act: Act) -> Result<Vec<User>> {
    Err(Error::new(Kind::Unsupported, "no_coordinator_built_in", "this build has no coordinator in it"))
}
