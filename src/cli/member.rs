//! `wonder org members` and its like: who is in an organization, and who is invited.

use clap::{Args, ValueEnum};

use super::ctx::Ctx;
use super::org::{forget, role_name};
use super::value::Seconds;
use crate::api::{self, Departure, Invitation, InvitationStatus, NewInvitation, OrganizationRole};
use crate::core::Result;
use crate::ui::{Cell, Table, ago, clean, under, until};

const INVITE: &str = "\
Examples:
  wonder org invite bob@example.org
      a link for Bob to become a member, good for 7 days

  wonder org invite bob@example.org --role admin --ttl 1d
      as an admin; only the owner can do that

  wonder org invite bob@example.org --no-mail
      you send the link yourself, even if the coordinator could mail it";

/// What somebody can be made.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Given {
    Admin,
    Member,
}

impl From<Given> for OrganizationRole {
    fn from(given: Given) -> Self {
        match given {
            Given::Admin => OrganizationRole::Admin,
            Given::Member => OrganizationRole::Member,
        }
    }
}

/// Invite somebody to the organization
#[derive(Debug, Args)]
#[command(after_help = INVITE)]
pub struct Invite {
    /// Their e-mail address: no other account can accept
    email: String,
    /// What they will be
    #[arg(long, value_enum, default_value = "member")]
    role: Given,
    /// How long the invitation is good [default: 7d]
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Seconds>,
    /// Do not mail the link to them
    #[arg(long)]
    no_mail: bool,
}

/// Make a member an admin, or an admin a member
#[derive(Debug, Args)]
pub struct Role {
    /// The e-mail address of a member
    #[arg(value_name = "EMAIL")]
    who: String,
    /// What they are from now on
    #[arg(value_enum)]
    role: Given,
}

/// Take somebody out of the organization: what they made for it ends
#[derive(Debug, Args)]
pub struct Remove {
    /// The e-mail address of a member
    #[arg(value_name = "EMAIL")]
    who: String,
    /// End the keys of their devices too
    #[arg(long)]
    expire_devices: bool,
}

/// Leave the organization: what you made for it ends
#[derive(Debug, Args)]
pub struct Leave {
    /// End the keys of your devices there too
    #[arg(long)]
    expire_devices: bool,
}

pub fn invite(ctx: &Ctx, whom: Invite) -> Result<()> {
    let acting = ctx.acting()?;
    let wish = api::Invite {
        email: whom.email,
        role: Some(whom.role.into()),
        ttl_seconds: whom.ttl.map(|ttl| ttl.0),
        mail: !whom.no_mail,
    };
    let made = acting.client.invite(&acting.org, &wish)?;
    ctx.ui.show(&made, || if ctx.ui.quiet { made.url.reveal().to_owned() } else { shown(ctx, &made) })?;
    match &made.mail {
        Some(report) if report.sent => ctx.ui.say(&format!("Mailed to {}.", clean(&made.invitation.email))),
        Some(report) => {
            let why = report.detail.clone().unwrap_or_default();
            ctx.ui.warn(&format!("it could not be mailed ({why}): send the link yourself"));
        }
        None => {}
    }
    Ok(())
}

fn shown(ctx: &Ctx, made: &NewInvitation) -> String {
    let Invitation { email, role, expires_at, .. } = &made.invitation;
    let (role, end) = (role_name(*role), until(ctx.now(), *expires_at));
    format!(
        "An invitation of {} as {role}; it expires {end}. It is shown this once.\n\n\
         Send them this link:\n  {}\n\n\
         Or, for the command line:\n  wonder org accept {}",
        clean(email),
        clean(made.url.reveal()),
        clean(made.code.reveal()),
    )
}

pub fn invitations(ctx: &Ctx) -> Result<()> {
    let acting = ctx.acting()?;
    let invitations = acting.client.invitations(&acting.org)?;
    ctx.ui.show(&under("invitations", &invitations), || {
        let mut table = Table::new(&["EMAIL", "ROLE", "INVITED BY", "EXPIRES", "STATE"]);
        for invitation in &invitations {
            table.row([
                invitation.email.clone().into(),
                role_name(invitation.role).into(),
                invitation.invited_by.clone().into(),
                until(ctx.now(), invitation.expires_at).into(),
                state(invitation.status),
            ]);
        }
        table.text("No invitations. `wonder org invite` makes one.")
    })
}

fn state(status: InvitationStatus) -> Cell {
    match status {
        InvitationStatus::Open => Cell::Good("open".into()),
        InvitationStatus::Accepted => Cell::Plain("accepted".into()),
        InvitationStatus::Revoked => Cell::Faint("revoked".into()),
        InvitationStatus::Expired => Cell::Faint("expired".into()),
    }
}

pub fn revoke(ctx: &Ctx, invitation: &str) -> Result<()> {
    ctx.ui.confirm(&format!("Revoke the invitation of {invitation}?"))?;
    let acting = ctx.acting()?;
    let revoked = acting.client.revoke_invitation(&acting.org, invitation)?;
    ctx.ui.changed(&under("invitation", &revoked), || format!("Revoked the invitation of {}.", revoked.email))
}

pub fn list(ctx: &Ctx) -> Result<()> {
    let acting = ctx.acting()?;
    let members = acting.client.members(&acting.org)?;
    ctx.ui.show(&under("members", &members), || {
        let mut table = Table::new(&["EMAIL", "ROLE", "JOINED", "STATE"]);
        for member in &members {
            table.row([
                member.email.clone().into(),
                role_name(member.role).into(),
                ago(ctx.now(), member.joined_at).into(),
                if member.disabled { Cell::Faint("disabled".into()) } else { Cell::Plain(String::new()) },
            ]);
        }
        table.text("Nobody.")
    })
}

pub fn set_role(ctx: &Ctx, what: &Role) -> Result<()> {
    let acting = ctx.acting()?;
    let member = acting.client.set_role(&acting.org, &what.who, what.role.into())?;
    ctx.ui
        .changed(&under("member", &member), || format!("{} is {} now.", member.email, role_name(member.role)))
}

pub fn remove(ctx: &Ctx, what: &Remove) -> Result<()> {
    ctx.ui.confirm(&format!("Remove {}? What they made for the organization ends.", what.who))?;
    let acting = ctx.acting()?;
    let gone = acting.client.remove_member(&acting.org, &what.who, what.expire_devices)?;
    ctx.ui.changed(&gone, || format!("Removed {}.{}", gone.member.email, ended(&gone)))?;
    tell_devices(ctx, &gone, "Their");
    Ok(())
}

pub fn leave(ctx: &Ctx, how: &Leave) -> Result<()> {
    let which = ctx.globals.org.as_deref().unwrap_or("the current organization");
    ctx.ui.confirm(&format!("Leave {which}? What you made for it ends."))?;
    let acting = ctx.acting()?;
    let org = acting.client.organization(&acting.org)?;
    let gone = acting.client.leave_organization(&acting.org, how.expire_devices)?;
    forget(ctx, org.id)?;
    ctx.ui.changed(&gone, || format!("You have left {}.{}", org.name, ended(&gone)))?;
    tell_devices(ctx, &gone, "Your");
    Ok(())
}

/// What ended with somebody's rights, as the end of a sentence.
fn ended(gone: &Departure) -> String {
    let counts = [
        (gone.tokens_revoked, "join token"),
        (gone.keys_revoked, "API key"),
        (gone.invitations_revoked, "invitation"),
    ];
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let all: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| format!("{count} {noun}{}", plural(*count)))
        .collect();
    if all.is_empty() { String::new() } else { format!(" Revoked {}.", all.join(", ")) }
}

fn tell_devices(ctx: &Ctx, gone: &Departure, whose: &str) {
    let names: Vec<&str> = gone.devices.iter().map(|node| node.name.as_str()).collect();
    match (names.join(", "), gone.devices_expired) {
        (names, _) if names.is_empty() => {}
        (names, true) => ctx.ui.say(&format!("{whose} devices have to log in again: {}.", clean(&names))),
        (names, false) => {
            ctx.ui.warn(&format!("{} devices are in the mesh still: {names}", whose.to_lowercase()));
            ctx.ui.next("wonder node expire", "ends the key of one, `wonder node remove` takes it out");
        }
    }
}

pub fn transfer(ctx: &Ctx, who: &str) -> Result<()> {
    ctx.ui.confirm(&format!("Make {who} the owner? Only they can give it back."))?;
    let acting = ctx.acting()?;
    let member = acting.client.transfer_organization(&acting.org, who)?;
    ctx.ui.changed(&under("member", &member), || {
        format!("{} is the owner now, and you are an admin.", member.email)
    })
}
