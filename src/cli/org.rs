//! `wonder org`: organizations. Who is in them: [`super::member`].

use clap::{Args, Subcommand};
use serde_json::json;

use super::ctx::Ctx;
use super::member::{self, Invite, Leave, Remove, Role};
use super::value::secret;
use crate::api::OrganizationRole;
use crate::core::id::OrgId;
use crate::core::secret::Secret;
use crate::core::{Error, Result};
use crate::ui::{Table, ago, fields, secret_from_stdin, under};

// What a command names is called otherwise than the global flag `--org`, which it would hide.
/// Organizations: people who share one mesh
#[derive(Debug, Subcommand)]
pub enum OrgCommand {
    /// Make an organization to share; you are its owner
    Create {
        /// What to call it
        name: String,
    },
    /// List the organizations that you are in
    List,
    /// Show an organization
    Show {
        /// Its id or name [default: the current one]
        #[arg(id = "named", value_name = "ORG")]
        org: Option<String>,
    },
    /// Give an organization another name; its domain stays
    Rename {
        /// Its id or name
        #[arg(id = "named", value_name = "ORG")]
        org: String,
        /// The new name
        name: String,
    },
    Delete(Delete),
    /// Make an organization the current one of this profile
    Use {
        /// Its id or name
        #[arg(id = "named", value_name = "ORG")]
        org: String,
    },
    Invite(Invite),
    /// List the invitations of the last month
    Invitations,
    /// Revoke an invitation: nobody accepts it any more
    Revoke {
        /// The e-mail address that it is for, or its id
        #[arg(value_name = "EMAIL|ID")]
        invitation: String,
    },
    /// Accept an invitation
    Accept {
        /// Its code, or the whole link ("-": from stdin)
        #[arg(value_parser = secret)]
        code: Secret,
    },
    /// List who is in the organization
    Members,
    Role(Role),
    Remove(Remove),
    /// Make another member the owner; you are an admin then
    Transfer {
        /// The e-mail address of a member
        #[arg(value_name = "EMAIL")]
        who: String,
    },
    Leave(Leave),
}

const DELETE: &str = "\
Its nodes are cut off, and its join tokens, API keys, members and invitations go with it.
Only its part of the coordinator's audit trail stays.

Examples:
  wonder org delete acme
      asks for the name once more

  wonder org delete acme --yes
      does not ask";

/// Delete an organization with everything that it has
#[derive(Debug, Args)]
#[command(after_help = DELETE)]
pub struct Delete {
    /// Its name; with --confirm also its id
    #[arg(id = "named", value_name = "ORG")]
    org: String,
    /// Its name, in place of being asked for it
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

pub fn run(ctx: &Ctx, command: OrgCommand) -> Result<()> {
    match command {
        OrgCommand::Create { name } => create(ctx, &name),
        OrgCommand::List => list(ctx),
        OrgCommand::Show { org } => show(ctx, org),
        OrgCommand::Rename { org, name } => {
            let renamed = ctx.session()?.client.rename_organization(&org, &name)?;
            ctx.ui.changed(&under("organization", &renamed), || format!("Renamed {org} to {}.", renamed.name))
        }
        OrgCommand::Delete(what) => delete(ctx, &what),
        OrgCommand::Use { org } => switch(ctx, &org),
        OrgCommand::Invite(whom) => member::invite(ctx, whom),
        OrgCommand::Invitations => member::invitations(ctx),
        OrgCommand::Revoke { invitation } => member::revoke(ctx, &invitation),
        OrgCommand::Accept { code } => accept(ctx, code),
        OrgCommand::Members => member::list(ctx),
        OrgCommand::Role(what) => member::set_role(ctx, &what),
        OrgCommand::Remove(what) => member::remove(ctx, &what),
        OrgCommand::Transfer { who } => member::transfer(ctx, &who),
        OrgCommand::Leave(how) => member::leave(ctx, &how),
    }
}

fn create(ctx: &Ctx, name: &str) -> Result<()> {
    let made = ctx.session()?.client.create_organization(name)?;
    ctx.ui.changed(&under("organization", &made), || {
        format!("Created {}. Its domain is {}.", made.name, made.realm.domain)
    })?;
    ctx.ui.next(&format!("wonder org use {}", made.name), "makes commands act on it");
    Ok(())
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
                role_name(org.role).into(),
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
            ("Role", role_name(org.role).to_owned()),
            ("Kind", kind.to_owned()),
            ("Domain", org.realm.domain.clone()),
            ("Created", ago(ctx.now(), org.created_at)),
            ("Id", org.id.to_string()),
        ];
        fields(&org.name, &all)
    })
}

fn delete(ctx: &Ctx, what: &Delete) -> Result<()> {
    if what.confirm.is_none() {
        ctx.ui.can_confirm("--confirm")?;
    }
    let client = ctx.session()?.client;
    let org = client.organization(&what.org)?;
    let confirm = match &what.confirm {
        Some(name) => name.clone(),
        None => {
            let question = format!("This deletes {} with all its nodes, tokens, keys and members.", org.name);
            ctx.ui.confirm_by_name(&question, &org.name, "--confirm")?
        }
    };
    let deleted = client.delete_organization(&org.id.to_string(), &confirm)?;
    forget(ctx, deleted.organization.id)?;
    ctx.ui.changed(&deleted, || {
        format!("Deleted {} with {} nodes.", deleted.organization.name, deleted.nodes_removed)
    })
}

fn accept(ctx: &Ctx, code: Secret) -> Result<()> {
    let code = if code.reveal() == "-" { secret_from_stdin("code")? } else { code };
    let joined = ctx.session()?.client.accept_invitation(code)?;
    ctx.ui.changed(&under("organization", &joined), || {
        let article = if joined.role == OrganizationRole::Admin { "an" } else { "a" };
        format!("You are {article} {} of {} now.", role_name(joined.role), joined.name)
    })?;
    ctx.ui.next(&format!("wonder org use {}", joined.name), "makes commands act on it");
    Ok(())
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

/// The profile's current organization is this one no more: commands act on the personal one again.
pub(super) fn forget(ctx: &Ctx, org: OrgId) -> Result<()> {
    let Some((name, profile)) = ctx.session()?.profile else { return Ok(()) };
    if profile.organization != Some(org) {
        return Ok(());
    }
    ctx.profiles()?.update(|profiles| {
        if let Some(profile) = profiles.profiles.get_mut(&name) {
            profile.organization = None;
        }
        Ok(())
    })
}

pub(super) fn role_name(role: OrganizationRole) -> &'static str {
    match role {
        OrganizationRole::Owner => "owner",
        OrganizationRole::Admin => "admin",
        OrganizationRole::Member => "member",
    }
}
