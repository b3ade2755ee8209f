//! `wonder mail`: the password of the mail server, kept sealed, administered on the coordinator's own host.

use clap::Subcommand;
use serde_json::json;

use super::ctx::Ctx;
use super::user::{PasswordFlag, Place};
use super::wait::wait;
use crate::core::Result;
use crate::service::mail;
use crate::ui::secret_from_stdin;

/// The password of the mail server, on the coordinator's own host
///
/// Works on the coordinator's database, whether the coordinator runs or not. The rest of what there is to say of the
/// mail server is in [mail] of the settings file.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Keep the password, sealed with the master key, for a mail.username whose password is not in the settings
    SetPassword {
        #[command(flatten)]
        password: PasswordFlag,
        #[command(flatten)]
        place: Place,
    },
    /// Forget the password that is kept
    ForgetPassword {
        #[command(flatten)]
        place: Place,
    },
}

pub fn run(ctx: &Ctx, command: MailCommand) -> Result<()> {
    match command {
        MailCommand::SetPassword { password, place } => set_password(ctx, &password, &place),
        MailCommand::ForgetPassword { place } => forget_password(ctx, &place),
    }
}

fn set_password(ctx: &Ctx, flag: &PasswordFlag, place: &Place) -> Result<()> {
    let password = match flag.password_stdin {
        true => secret_from_stdin("password")?,
        false => ctx.ui.ask_password("--password-stdin")?,
    };
    let (app, operator) = place.open_sealed()?;
    wait(mail::set_password(&app, &operator, &password))?;
    ctx.ui.changed(&json!({ "mail": { "password_kept": true } }), || {
        "Kept the password of the mail server, sealed.".to_owned()
    })
}

fn forget_password(ctx: &Ctx, place: &Place) -> Result<()> {
    ctx.ui.confirm("Forget the password of the mail server? No mail goes out without it.")?;
    let (app, operator) = place.open()?;
    wait(mail::forget_password(&app, &operator))?;
    ctx.ui.changed(&json!({ "mail": { "password_kept": false } }), || {
        "Forgot the password of the mail server.".to_owned()
    })
}
