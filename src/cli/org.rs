//! `wonder org`: organizations.

use clap::Subcommand;
use serde_json::json;

use super::ctx::Ctx;
use crate::api::{Organization, OrganizationRole};
use crate::core::{Error, Result};
use crate::ui::{Table, ago, fields, under};

/// Organizations: people who share one mesh
#[derive(Debug, Subcommand)]
pub enum OrgCommand {
    /// List the organizations that you are in
    List,
    /// Show an organization
    Show {
        /// Its id or name [default: the current one]
        org: Option<String>,
    },
    /// Make an organization the current one of this profile
    Use {
        /// Its id or name
        org: String,
    },
}

pub fn run(ctx: &Ctx, command: OrgCommand) -> Result<()> {
    match command {
        OrgCommand::List => list(ctx),
        OrgCommand::Show { org } => show(ctx, org),
        OrgCommand::Use { org } => switch(ctx, &org),
    }
}

fn list(ctx: &Ctx) -> Result<()> {
    let session = ctx.session()?;
    let organizations = session.client.organizations()?;
    let current = session.profile.and_then(|(_, profile)| profile.organization);
    ctx.ui.show(&under("organizations", &organizations), || {
        let mut table = Table::new(&["NAME", "ROLE", "DOMAIN", "CURRENT"]);
        for org in &organizations {
            let mark = if Some(org.id) == current { "*" } else { "" };
            table.row([
                org.name.clone().into(),
                role(org).into(),
                org.realm.domain.clone().into(),
                mark.into(),
            ]);
        }
        table.text("No organizations.")
    })
}

fn show(ctx: &Ctx, org: Option<String>) -> Result<()> {
    let acting = ctx.acting()?;
    let org = acting.client.organization(&org.unwrap_or(acting.org))?;
    ctx.ui.show(&under("organization", &org), || {
        let kind = if org.personal { "personal" } else { "shared" };
        let all = [
            ("Role", role(&org).to_owned()),
            ("Kind", kind.to_owned()),
            ("Domain", org.realm.domain.clone()),
            ("Created", ago(ctx.now(), org.created_at)),
            ("Id", org.id.to_string()),
        ];
        fields(&org.name, &all)
    })
}

fn switch(ctx: &Ctx, org: &str) -> Result<()> {
    let session = ctx.session()?;
    let Some((name, _)) = session.profile else {
        return Err(Error::usage(
            "no_profile",
            "WONDER_TOKEN is set, so there is no profile to remember it in",
        )
        .hint("name the organization with --org, or WONDER_ORG"));
    };
    let org = session.client.organization(org)?;
    ctx.profiles()?.update(|profiles| {
        let profile = profiles.profiles.get_mut(&name).ok_or_else(|| ctx.not_logged_in())?;
        profile.organization = Some(org.id);
        Ok(())
    })?;
    ctx.ui.changed(&json!({ "organization": org, "profile": name }), || {
        format!("Commands act on {} now.", org.name)
    })
}

fn role(org: &Organization) -> &'static str {
    match org.role {
        OrganizationRole::Owner => "owner",
        OrganizationRole::Admin => "admin",
        OrganizationRole::Member => "member",
    }
}
