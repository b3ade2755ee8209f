//! Invitations: a link with a code, for one e-mail address, that makes its account a member. Good once, for a
//! while, until revoked, and as long as whoever made it could make it still.

use std::time::Duration;

use super::app::App;
use super::audit::{self, Change};
use super::authority::{Caller, May};
use super::mail::Mailer;
use super::{limits, words};
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::id::{InvitationId, OrgId, UserId};
use crate::core::page::Page;
use crate::core::role::{InviteMembers, ManageAdmins, Permission, Role};
use crate::core::secret::Secret;
use crate::core::user::Email;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::invitation::{self, Invitation, NewInvitation};
use crate::store::member::{self, Member};
use crate::store::organization::{self, Membership};
use crate::store::{Read, Tx};

/// How every code begins.
pub const CODE_PREFIX: &str = "wiv_";
/// The path of the page where a code is accepted.
pub const PATH: &str = "/invitation/";

/// How long an invitation is good when nobody says.
const TTL: Duration = Duration::from_secs(7 * 86_400);
const LONGEST_TTL: Duration = Duration::from_secs(90 * 86_400);
/// How long one that is over is kept.
const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Invitations of an organization that are open at once.
const MOST_OPEN: i64 = 1000;
/// Members of an organization.
const MOST_MEMBERS: i64 = 10_000;

/// Whom somebody wants to invite.
#[derive(Clone, Debug)]
pub struct Wish {
    pub email: String,
    pub role: Role,
    /// Left out: 7 days.
    pub ttl: Option<Duration>,
    /// Whether the link goes out by mail too, where this coordinator sends any.
    pub mail: bool,
}

/// An invitation that was just made: its code is known here, and never again.
#[derive(Debug)]
pub struct Made {
    pub invitation: Invitation,
    pub code: Secret,
    /// Where it is accepted, with the code in it.
    pub url: Secret,
    /// What came of the mail; none where there was to be none, or this coordinator sends none.
    pub mailed: Option<Result<()>>,
}

/// Invites the account of an e-mail address, whether it is there yet or not. An earlier invitation of the same
/// address is revoked. To invite an admin is the owner's. Where the coordinator sends mail, and it is wished, the
/// link goes out by mail too; a mail that cannot be sent takes nothing back.
pub async fn create(app: &App, may: &May<InviteMembers>, wish: Wish) -> Result<Made> {
    let (inviter, now, code) = (may.in_person()?, app.now(), Secret::random(CODE_PREFIX));
    let new = NewInvitation {
        id: InvitationId::new(now),
        org: may.org(),
        email: wish.email.parse()?,
        role: invitable(wish.role)?,
        code: code.hash(),
        invited_by: inviter,
        created_at: now,
        expires_at: now.plus(words::ttl(wish.ttl, TTL, LONGEST_TTL)?),
    };
    let mailer = app.settings().mailer.as_ref().filter(|_| wish.mail);
    limits::take(app, Allowance::InvitationAccount, inviter)?;
    let held = may.clone();
    let invite = move |tx: &mut Tx<'_>| {
        let standing = held.hold(tx)?;
        if new.role == Role::Admin {
            standing.require::<ManageAdmins>()?;
        }
        insert(tx, &new)?;
        let change = Change::new(Action::InvitationCreate, new.id, &new.email).of(new.org);
        audit::record(tx, now, held.actor(), change)?;
        find(tx, new.org, &new.id.to_string())
    };
    let invitation = app.store().write(invite).await?;
    let url = Secret::new(format!("{}{PATH}{}", app.settings().url, code.reveal()));
    let mut made = Made { invitation, code, url, mailed: None };
    if let Some(mailer) = mailer {
        made.mailed = Some(mail(app, mailer, &made, &may.organization().name).await);
    }
    Ok(made)
}

async fn mail(app: &App, mailer: &Mailer, made: &Made, organization: &str) -> Result<()> {
    let Invitation { email, role, inviter, expires_at, .. } = &made.invitation;
    let role = with_article(*role);
    let (url, code) = (made.url.reveal(), made.code.reveal());
    let subject = format!("{inviter} invites you to {organization}");
    let text = format!(
        "{inviter} invites you to the organization {organization}, as {role}.\n\n\
         Accept it here, logged in as {email}:\n{url}\n\n\
         Or on the command line:\nwonder org accept {code}\n\n\
         It is good until {expires_at}, once, and for your account alone.\n\
         If you do not know what this is about, there is nothing to do.\n"
    );
    let sent = mailer.send(app, email, &subject, text).await;
    if let Err(error) = &sent {
        let source = std::error::Error::source(error).map(ToString::to_string);
        tracing::warn!(code = error.code(), source, "an invitation was not mailed: {error}");
    }
    sent
}

fn invitable(role: Role) -> Result<Role> {
    match role {
        Role::Owner => Err(Error::usage("role_by_transfer", "nobody is invited as an owner")
            .hint("invite an admin, and make them the owner with `wonder org transfer`")),
        role => Ok(role),
    }
}

fn insert(tx: &mut Tx<'_>, new: &NewInvitation) -> Result<()> {
    let now = new.created_at;
    if let Some(there) = member::by_email(tx, new.org, &new.email)? {
        let message = format!("{} is {} already", there.email, with_article(there.role));
        return Err(Error::new(Kind::Conflict, "already_member", message)
            .hint("`wonder org role` makes a member an admin, or an admin a member"));
    }
    invitation::revoke_for(tx, new.org, &new.email, now)?;
    if invitation::count_open(tx, new.org, now)? >= MOST_OPEN {
        return Err(Error::new(Kind::Conflict, "too_many_invitations", "too many invitations are open")
            .hint("`wonder org revoke` revokes one"));
    }
    invitation::insert(tx, new)
}

/// `the owner`, `an admin`, `a member`.
pub fn with_article(role: Role) -> &'static str {
    match role {
        Role::Owner => "the owner",
        Role::Admin => "an admin",
        Role::Member => "a member",
    }
}

/// A page of the invitations of the last month, the newest first, and the cursor of the next one.
pub async fn list(
    app: &App,
    may: &May<InviteMembers>,
    page: Page,
) -> Result<(Vec<Invitation>, Option<String>)> {
    let (org, before, rows) = (may.org(), page.after()?, page.rows());
    let found = app.store().read(move |read| invitation::list_of_org(read, org, before, rows)).await?;
    Ok(page.cut(found, |invitation| invitation.id.to_string()))
}

/// Revokes an invitation, named by its id or its address.
pub async fn revoke(app: &App, may: &May<InviteMembers>, reference: &str) -> Result<Invitation> {
    let (held, reference, now) = (may.clone(), reference.to_owned(), app.now());
    let revoke = move |tx: &mut Tx<'_>| {
        held.hold(tx)?;
        let found = find(tx, held.org(), &reference)?;
        if found.accepted_at.is_some() {
            let message = format!("{} has accepted it already", found.email);
            return Err(Error::new(Kind::Conflict, "invitation_accepted", message)
                .hint("`wonder org remove` takes them out again"));
        }
        if invitation::revoke(tx, found.id, now)? {
            let change = Change::new(Action::InvitationRevoke, found.id, &found.email).of(held.org());
            audit::record(tx, now, held.actor(), change)?;
        }
        find(tx, held.org(), &found.id.to_string())
    };
    app.store().write(revoke).await
}

/// What an invitation is about, for the account that it is for, if it could accept it now.
pub async fn look(app: &App, caller: &Caller, code: &str) -> Result<(Invitation, Membership)> {
    let guest = Guest::of(app, caller, code)?;
    let looked = app.store().read(move |read| guest.look(read)).await;
    judge(app, caller, looked)
}

/// Makes the caller a member. Somebody who is one already, by this very invitation, is told so.
pub async fn accept(app: &App, caller: &Caller, code: &str) -> Result<Membership> {
    let (guest, actor, now) = (Guest::of(app, caller, code)?, caller.actor(), app.now());
    let accept = move |tx: &mut Tx<'_>| {
        // Whoever takes the inviter out, or accepts another invitation, waits from here on.
        let found = guest.find(tx)?;
        organization::hold(tx, found.org)?;
        if let Some(already) = guest.is_in(tx, found.org)? {
            return Ok(already);
        }
        let (invitation, membership) = guest.look(tx)?;
        if !invitation::accept(tx, invitation.id, now)? {
            return Err(over("invitation_used", "this invitation has been used"));
        }
        member::insert(tx, invitation.org, guest.user, invitation.role, now)?;
        let change =
            Change::new(Action::InvitationAccept, invitation.id, &invitation.email).of(invitation.org);
        audit::record(tx, now, &actor, change)?;
        Ok(membership)
    };
    let accepted = app.store().write(accept).await;
    judge(app, caller, accepted)
}

/// Tries of what nobody has made count.
fn judge<T>(app: &App, caller: &Caller, tried: Result<T>) -> Result<T> {
    if tried.as_ref().err().is_some_and(|e| e.kind() == Kind::NotFound) {
        limits::take(app, Allowance::InvitationCodeAccount, caller.person()?.user)?;
    }
    tried
}

/// Forgets invitations that were over long ago; tells how many. For the coordinator's own housekeeping.
pub async fn sweep(app: &App) -> Result<u64> {
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let before = Timestamp::from_millis(app.now().as_millis().saturating_sub(kept));
    app.store().write(move |tx| invitation::delete_over(tx, before)).await
}

/// Who shows a code.
struct Guest {
    user: UserId,
    email: Email,
    code: Secret,
    now: Timestamp,
}

impl Guest {
    /// `code`: as it was pasted, the whole link or the code alone.
    fn of(app: &App, caller: &Caller, code: &str) -> Result<Guest> {
        let person = caller.person()?;
        let code = code.trim().trim_end_matches('/');
        let code = Secret::new(code.rsplit_once('/').map_or(code, |(_, code)| code));
        if !code.reveal().starts_with(CODE_PREFIX) {
            return Err(Error::usage("malformed_code", "this is not the code of an invitation")
                .hint(format!("it begins with {CODE_PREFIX}; the whole link will do as well")));
        }
        Ok(Guest { user: person.user, email: person.email.clone(), code, now: app.now() })
    }

    /// The invitation, in whatever state; to other accounts than the one that it is for it does not exist.
    fn find(&self, read: &mut Read<'_>) -> Result<Invitation> {
        let found = invitation::by_code(read, self.code.hash())?;
        found.filter(|invitation| invitation.email == self.email).ok_or_else(unknown)
    }

    /// Who is a member already has nothing to accept.
    fn is_in(&self, read: &mut Read<'_>, org: OrgId) -> Result<Option<Membership>> {
        match (member::by_user(read, org, self.user)?, organization::by_id(read, org)?) {
            (Some(member), Some(organization)) => Ok(Some(Membership { organization, role: member.role })),
            _ => Ok(None),
        }
    }

    /// The invitation, if it can be accepted now, and what that would make of the account.
    fn look(&self, read: &mut Read<'_>) -> Result<(Invitation, Membership)> {
        let found = self.find(read)?;
        if found.accepted_at.is_some() {
            return Err(over("invitation_used", "this invitation has been used"));
        }
        let inviter = member::by_user(read, found.org, found.invited_by)?;
        if found.revoked_at.is_some() || !inviter.is_some_and(|inviter| may_invite(&inviter, found.role)) {
            return Err(over("invitation_revoked", "this invitation was revoked"));
        }
        if found.expires_at <= self.now {
            return Err(over("invitation_expired", "this invitation has expired"));
        }
        if member::count(read, found.org)? >= MOST_MEMBERS {
            return Err(Error::new(Kind::Conflict, "too_many_members", "this organization is full")
                .hint("ask whoever invited you to make room: `wonder org remove EMAIL`"));
        }
        let organization = organization::by_id(read, found.org)?.ok_or_else(unknown)?;
        let role = found.role;
        Ok((found, Membership { organization, role }))
    }
}

/// Whether somebody could (still) make an invitation for this role.
pub(super) fn may_invite(inviter: &Member, role: Role) -> bool {
    let least = if role == Role::Admin { ManageAdmins::ROLE } else { InviteMembers::ROLE };
    inviter.role >= least && inviter.disabled_at.is_none()
}

fn find(read: &mut Read<'_>, org: OrgId, reference: &str) -> Result<Invitation> {
    let found = match reference.parse::<InvitationId>() {
        Ok(id) => invitation::by_id(read, org, id)?,
        Err(_) => invitation::by_email(read, org, &reference.parse()?)?,
    };
    found.ok_or_else(|| {
        Error::not_found("invitation", reference).hint("`wonder org invitations` shows what there is")
    })
}

fn over(code: &str, message: &str) -> Error {
    Error::new(Kind::Denied, code, message).hint("ask whoever invited you for a new one")
}

/// The same for a code that nobody made and for one that is another account's.
fn unknown() -> Error {
    Error::new(Kind::NotFound, "invitation_not_found", "there is no such invitation for this account")
        .hint("log in with the e-mail address that was invited; `wonder whoami` shows which one you use")
}
