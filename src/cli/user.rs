//! `wonder user`: accounts, administered on the coordinator's own host, whether it runs or not.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::sync::Arc;

use super::ctx::Ctx;
use super::wait::wait;
use crate::api;
use crate::auth::vault::Vault;
use crate::config::master_key;
use crate::config::server::data_dir;
use crate::core::Result;
use crate::core::id::UserNumber;
use crate::core::secret::Secret;
use crate::core::user::Email;
use crate::service::app::App;
use crate::service::identity;
use crate::service::user::{self, NewUser, Operator, Reset};
use crate::store::DatabaseUrl;
use crate::store::user::User;
use crate::ui::{Cell, Table, ago, secret_from_stdin, under};

/// How many accounts are read at a time.
const PAGE: u32 = 200;

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
        email: Email,
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
        /// Its e-mail address or id
        #[arg(value_name = "EMAIL")]
        who: String,
        #[command(flatten)]
        place: Place,
    },
    /// Unlock an account
    Enable {
        /// Its e-mail address or id
        #[arg(value_name = "EMAIL")]
        who: String,
        #[command(flatten)]
        place: Place,
    },
    /// Give an account a new password; its log-ins end
    ResetPassword {
        /// Its e-mail address or id
        #[arg(value_name = "EMAIL")]
        who: String,
        #[command(flatten)]
        password: PasswordFlag,
        /// Take off its second factors and passkeys as well, for somebody who has lost them
        #[arg(long)]
        reset_factors: bool,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub struct PasswordFlag {
    /// Read the password from stdin
    #[arg(long)]
    pub password_stdin: bool,
}

/// Which coordinator's database.
#[derive(Debug, Args)]
pub struct Place {
    /// The coordinator's data directory [default: /var/lib/wonder for root, else the user's data directory]
    #[arg(long, value_name = "DIR", env = "WONDER_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// The coordinator's database, where it is not in the data directory
    #[arg(long, value_name = "URL", env = "WONDER_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
}

pub fn run(ctx: &Ctx, command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Create { email, password, admin, place } => {
            let password = new_password(ctx, &password)?;
            let (app, operator) = place.open()?;
            let made = wait(user::create(&app, &operator, NewUser { email, password, admin }))?;
            let role = if made.admin { ", an administrator" } else { "" };
            changed(ctx, &made, &format!("Created {}{role}.", made.email))?;
            ctx.ui.next("wonder login URL", "with the coordinator's URL, from anywhere");
            Ok(())
        }
        UserCommand::List { place } => list(ctx, place),
        UserCommand::Disable { who, place } => {
            let (app, operator) = place.open()?;
            let user = wait(user::disable(&app, &operator, &who))?;
            changed(ctx, &user, &format!("Disabled {}; its log-ins have ended.", user.email))
        }
        UserCommand::Enable { who, place } => {
            let (app, operator) = place.open()?;
            let user = wait(user::enable(&app, &operator, &who))?;
            changed(ctx, &user, &format!("Enabled {}.", user.email))
        }
        UserCommand::ResetPassword { who, password, reset_factors, place } => {
            let reset = Reset { password: new_password(ctx, &password)?, factors: reset_factors };
            let (app, operator) = place.open()?;
            let user = wait(user::reset_password(&app, &operator, &who, reset))?;
            let also = if reset_factors { " Its second factors and passkeys are gone." } else { "" };
            let sentence = format!("Changed the password of {}; its log-ins have ended.{also}", user.email);
            changed(ctx, &user, &sentence)
        }
    }
}

impl Place {
    /// The coordinator's data, and the authority of whoever may open it.
    pub fn open(&self) -> Result<(App, Operator)> {
        let name = std::env::var("USER").unwrap_or_else(|_| format!("uid {}", rustix::process::geteuid()));
        Ok((App::local(&self.database()?)?, Operator::local(&name)))
    }

    /// The same, with the key that its secrets are sealed with.
    pub fn open_sealed(&self) -> Result<(App, Operator)> {
        let (app, operator) = self.open()?;
        let sealed = wait(identity::is_sealed(app.store()))?;
        let master = Vault::load(master_key::Place::find(&self.data_dir()?), sealed)?;
        Ok((App::local_with(app.store().clone(), Some(Arc::new(master)))?, operator))
    }

    /// The coordinator's database.
    pub fn database(&self) -> Result<DatabaseUrl> {
        match &self.database {
            Some(url) => url.parse(),
            None => Ok(DatabaseUrl::in_data_dir(&self.data_dir()?)),
        }
    }

    /// The directory that its master key is in.
    pub fn data_dir(&self) -> Result<PathBuf> {
        data_dir(self.data_dir.clone())
    }
}

fn new_password(ctx: &Ctx, flag: &PasswordFlag) -> Result<Secret> {
    if flag.password_stdin {
        secret_from_stdin("password")
    } else {
        ctx.ui.ask_new_password("--password-stdin")
    }
}

fn changed(ctx: &Ctx, user: &User, sentence: &str) -> Result<()> {
    ctx.ui.changed(&under("user", &shown(user)), || sentence.to_owned())
}

fn shown(user: &User) -> api::User {
    api::User {
        id: user.id,
        email: user.email.to_string(),
        admin: user.admin,
        disabled: user.disabled_at.is_some(),
        created_at: user.created_at,
    }
}

fn list(ctx: &Ctx, place: Place) -> Result<()> {
    let (app, operator) = place.open()?;
    let users: Vec<_> = wait(all(&app, &operator))?.iter().map(shown).collect();
    ctx.ui.show(&under("users", &users), || {
        let mut table = Table::new(&["EMAIL", "ROLE", "STATE", "CREATED"]);
        for user in &users {
            let role = if user.admin { "admin" } else { "user" };
            let state =
                if user.disabled { Cell::Faint("disabled".into()) } else { Cell::Good("active".into()) };
            table.row([
                user.email.clone().into(),
                role.into(),
                state,
                ago(ctx.now(), user.created_at).into(),
            ]);
        }
        table.text("No accounts yet. `wonder user create EMAIL` makes the first one.")
    })
}

async fn all(app: &App, operator: &Operator) -> Result<Vec<User>> {
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map_or(UserNumber(0), |user| user.number);
        let page = user::list(app, operator, after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
