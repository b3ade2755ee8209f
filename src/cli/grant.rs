//! `wonder grant`: what people allowed apps.

use clap::Subcommand;

use super::ctx::Ctx;
use crate::api::Grant;
use crate::core::Result;
use crate::ui::{Table, ago, under};

/// What you, or an organization's people, allowed apps
#[derive(Debug, Subcommand)]
pub enum GrantCommand {
    /// List what you allowed apps
    List {
        /// What anybody allowed in the organization, which its admins may see
        #[arg(long)]
        all: bool,
    },
    /// Revoke what was allowed an app: it is over at once
    Revoke {
        /// The id of the grant
        grant: String,
        /// Somebody else's in the organization, which its admins may revoke
        #[arg(long)]
        all: bool,
    },
}

pub fn run(ctx: &Ctx, command: GrantCommand) -> Result<()> {
    match command {
        GrantCommand::List { all } => list(ctx, all),
        GrantCommand::Revoke { grant, all } => revoke(ctx, &grant, all),
    }
}

fn list(ctx: &Ctx, all: bool) -> Result<()> {
    let grants = if all {
        let acting = ctx.acting()?;
        acting.client.grants(Some(&acting.org))?
    } else {
        ctx.session()?.client.grants(None)?
    };
    ctx.ui.show(&under("grants", &grants), || {
        let mut table = Table::new(&["ID", "APP", "ORGANIZATION", "BY", "SCOPES", "LAST USED"]).whole(0);
        for grant in &grants {
            table.row([
                grant.id.to_string().into(),
                grant.app.name.clone().into(),
                grant.organization.name.clone().into(),
                by(grant).into(),
                grant.scopes.join(" ").into(),
                grant.last_used_at.map_or("never".into(), |then| ago(ctx.now(), then)).into(),
            ]);
        }
        table.text("No app was allowed anything.")
    })
}

fn by(grant: &Grant) -> String {
    if grant.own { format!("the app itself, for {}", grant.user) } else { grant.user.clone() }
}

fn revoke(ctx: &Ctx, grant: &str, all: bool) -> Result<()> {
    ctx.ui.confirm(&format!("Revoke grant {grant}? The app's access and its own nodes end at once."))?;
    let revoked = if all {
        let acting = ctx.acting()?;
        acting.client.revoke_grant(Some(&acting.org), grant)?
    } else {
        ctx.session()?.client.revoke_grant(None, grant)?
    };
    ctx.ui.changed(&under("grant", &revoked), || {
        format!(
            "Revoked what {} allowed {} in {}.",
            revoked.user, revoked.app.name, revoked.organization.name
        )
    })
}
