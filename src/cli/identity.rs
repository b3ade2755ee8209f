//! `wonder identity`: the providers that one's own account is connected with.

use clap::Subcommand;

use super::ctx::Ctx;
use crate::core::Result;
use crate::ui::{Table, ago, under};

/// The providers that log you in, and who you are there
///
/// To connect one more, log in to the web pages: Settings, Ways to log in.
#[derive(Debug, Subcommand)]
pub enum IdentityCommand {
    /// List who you are at which provider
    List,
    /// Disconnect one: it logs you in no more, and log-ins that came by it end
    Remove {
        /// Its id, or the name of its provider
        identity: String,
    },
}

pub fn run(ctx: &Ctx, command: IdentityCommand) -> Result<()> {
    match command {
        IdentityCommand::List => list(ctx),
        IdentityCommand::Remove { identity } => remove(ctx, &identity),
    }
}

fn list(ctx: &Ctx) -> Result<()> {
    let identities = ctx.session()?.client.identities()?;
    ctx.ui.show(&under("identities", &identities), || {
        let mut table = Table::new(&["ID", "PROVIDER", "KNOWN THERE AS", "LAST USED"]).whole(0);
        for identity in &identities {
            table.row([
                identity.id.clone().into(),
                identity.provider.clone().unwrap_or_else(|| identity.issuer.clone()).into(),
                identity.subject.clone().into(),
                ago(ctx.now(), identity.last_used_at).into(),
            ]);
        }
        table.text("No provider opens your account. Settings, Ways to log in, connects one.")
    })
}

fn remove(ctx: &Ctx, identity: &str) -> Result<()> {
    ctx.ui.confirm(&format!("Disconnect {identity}? Log-ins that came by it end."))?;
    let gone = ctx.session()?.client.disconnect_identity(identity)?;
    let name = gone.provider.as_ref().unwrap_or(&gone.issuer);
    ctx.ui.changed(&under("identity", &gone), || format!("Disconnected {name}."))
}
