//! `/o/{org}/members`: who is in an organization, what they are, and who is invited.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Form;
use super::layout::{self, Tab};
use super::note::go;
use super::parts::{self, Field, From};
use super::text::{self, people::member as t};
use super::visitor::Inside;
use crate::api::Problem;
use crate::core::page::Page;
use crate::core::role::{
    InviteMembers, ManageAdmins, Permission, RemoveMembers, Role, TransferOwnership, ViewMembers,
};
use crate::core::time::parse_duration;
use crate::core::{Result, Timestamp};
use crate::server::extract::Target;
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::invitation::{self, Made, Wish};
use crate::service::member;
use crate::store::invitation::Invitation;
use crate::store::member::Member;

const LIFETIMES: [(&str, &str); 3] = [("1d", "1 day"), ("7d", "7 days"), ("30d", "30 days")];

pub fn routes() -> Router<State> {
    Router::new()
        .route("/o/{org}/members", get(list))
        .route("/o/{org}/members/invite", get(ask).post(invite))
        .route("/o/{org}/members/{member}/role", post(set_role))
        .route("/o/{org}/members/{member}/transfer", post(transfer))
        .route("/o/{org}/members/{member}/remove", post(remove))
        .route("/o/{org}/invitations/{invitation}/revoke", post(revoke))
}

async fn list(state: State, inside: Inside<ViewMembers>, Query(from): Query<From>) -> Answer<Response> {
    let (members, next) =
        member::list(&state.app, &inside.may, Page::new(Some(100), from.after.as_deref())?).await?;
    let may_invite = inside.may.also::<InviteMembers>();
    let invitations = match &may_invite {
        Some(may) => invitation::list(&state.app, may, Page::new(None, None)?).await?.0,
        None => Vec::new(),
    };
    let body = html! {
        div.head {
            h1 { (t::TITLE) }
            @if may_invite.is_some() { a.button href=(inside.path("/members/invite")) { (t::INVITE) } }
            p.about { (t::LEAD) }
        }
        div.card.flush {
            table.table {
                thead {
                    tr {
                        th scope="col" { (t::PERSON) }
                        th scope="col" { (t::ROLE) }
                        th.spare scope="col" { (t::JOINED) }
                        th.end scope="col" { span.unseen { (text::token::ACTIONS) } }
                    }
                }
                tbody { @for member in &members { (line(&inside, member)) } }
            }
            (parts::more(&inside.path("/members"), next.as_deref()))
        }
        @if may_invite.is_some() { (invited(&inside, &invitations)) }
    };
    Ok(layout::inside(t::TITLE, &inside, Tab::Members, &body))
}

fn line(inside: &Inside<ViewMembers>, member: &Member) -> Markup {
    let own = member.user == inside.visitor.person().user;
    html! {
        tr {
            td {
                strong { (member.email) } " "
                span.badges {
                    @if own { span.badge.good { (t::YOU) } }
                    @if member.disabled_at.is_some() { span.badge.bad { (t::DISABLED) } }
                }
            }
            td { (parts::badge(member.role.as_str())) }
            td.spare { (parts::when(member.joined_at, inside.visitor.now)) }
            td.end { @if !own { (acts(inside, member)) } }
        }
    }
}

/// What this visitor may do with this member; nothing about the owner.
fn acts(inside: &Inside<ViewMembers>, member: &Member) -> Markup {
    let may = &inside.may;
    let may_rank = may.also::<ManageAdmins>().is_some();
    let may_remove = may.also::<RemoveMembers>().is_some() && (member.role == Role::Member || may_rank);
    if member.role == Role::Owner || !(may_rank || may_remove) {
        return html! {};
    }
    let shared = may.organization().personal_of.is_none();
    html! {
        details.danger.calm {
            summary { (t::ACT) }
            @if may_rank { (rank(inside, member)) }
            @if may_rank && shared && may.also::<TransferOwnership>().is_some() {
                @let transfer = Act { verb: "transfer", words: t::TRANSFER_WORDS, label: t::TRANSFER, class: "quiet" };
                (act(inside, member, &transfer, &html! {}))
            }
            @if may_remove {
                @let devices = tick("expire", t::EXPIRE);
                @let remove = Act { verb: "remove", words: t::REMOVE_WORDS, label: t::REMOVE, class: "danger" };
                (act(inside, member, &remove, &devices))
            }
        }
    }
}

fn rank(inside: &Inside<ViewMembers>, member: &Member) -> Markup {
    let (role, words, label) = match member.role {
        Role::Member => (Role::Admin, t::MAKE_ADMIN_WORDS, t::MAKE_ADMIN),
        _ => (Role::Member, t::MAKE_MEMBER_WORDS, t::MAKE_MEMBER),
    };
    let field = html! { input type="hidden" name="role" value=(role); };
    act(inside, member, &Act { verb: "role", words, label, class: "quiet" }, &field)
}

/// Something that can be done with a member.
struct Act {
    verb: &'static str,
    words: &'static str,
    label: &'static str,
    class: &'static str,
}

fn act(inside: &Inside<ViewMembers>, member: &Member, act: &Act, fields: &Markup) -> Markup {
    html! {
        form method="post" action=(inside.path(&format!("/members/{}/{}", member.user, act.verb))) {
            (inside.visitor.form())
            p { (act.words) }
            (fields)
            button class={ "small " (act.class) } type="submit" aria-label=(format!("{}: {}", act.label, member.email)) { (act.label) }
        }
    }
}

/// One box to tick.
pub fn tick(name: &str, label: &str) -> Markup {
    html! { label.choice { input type="checkbox" name=(name) value="on"; span { (label) } } }
}

fn invited(inside: &Inside<ViewMembers>, invitations: &[Invitation]) -> Markup {
    let now = inside.visitor.now;
    html! {
        section.card.flush aria-labelledby="invited" {
            div.over { h2 #invited { (t::OPEN) } @if invitations.is_empty() { p.lead { (t::NONE) } } }
            @if !invitations.is_empty() {
                table.table {
                    tbody { @for invitation in invitations { (invitation_line(inside, invitation, now)) } }
                }
            }
        }
    }
}

fn invitation_line(inside: &Inside<ViewMembers>, invitation: &Invitation, now: Timestamp) -> Markup {
    let state = state_of(invitation, now);
    let action = inside.path(&format!("/invitations/{}/revoke", invitation.id));
    let form = inside.visitor.form();
    html! {
        tr.gone[state != t::OPEN_STATE] {
            td {
                strong { (invitation.email) } " " (parts::badge(invitation.role.as_str()))
                span.under { (t::BY) " " (invitation.inviter) }
            }
            td { (parts::badge(state)) }
            td.spare { (parts::when(ended_at(invitation), now)) }
            td.end {
                @if state == t::OPEN_STATE {
                    (parts::danger(text::token::REVOKE, t::REVOKE_WORDS, &action, form, text::token::REVOKE_YES))
                }
            }
        }
    }
}

/// When it ends by itself, or ended before.
fn ended_at(invitation: &Invitation) -> Timestamp {
    invitation.accepted_at.or(invitation.revoked_at).unwrap_or(invitation.expires_at)
}

fn state_of(invitation: &Invitation, now: Timestamp) -> &'static str {
    if invitation.accepted_at.is_some() {
        return t::ACCEPTED;
    }
    if invitation.revoked_at.is_some() {
        return text::token::REVOKED;
    }
    if invitation.expires_at <= now { text::token::EXPIRED } else { t::OPEN_STATE }
}

async fn ask(state: State, inside: Inside<InviteMembers>) -> Response {
    layout::inside(t::INVITE, &inside, Tab::Members, &form(&state, &inside, &Asked::default(), None))
}

#[derive(Deserialize)]
struct Asked {
    email: String,
    role: String,
    ttl: String,
    mail: Option<String>,
}

impl Default for Asked {
    fn default() -> Self {
        let (role, mail) = (Role::Member.to_string(), Some("on".to_owned()));
        Asked { email: String::new(), role, ttl: "7d".to_owned(), mail }
    }
}

fn form(state: &State, inside: &Inside<InviteMembers>, asked: &Asked, problem: Option<&Problem>) -> Markup {
    let email =
        Field { name: "email", label: text::EMAIL, kind: "email", value: &asked.email, ..Field::default() };
    let roles = [
        (Role::Member, t::ROLE_MEMBER, true),
        (Role::Admin, t::ROLE_ADMIN, inside.may.also::<ManageAdmins>().is_some()),
    ];
    html! {
        p.crumb.middle { a href=(inside.path("/members")) { "← " (t::TITLE) } }
        div.card.middle {
            h1 { (t::INVITE) }
            p.lead { (t::INVITE_LEAD) }
            (parts::complaint(problem))
            form.stack method="post" action=(inside.path("/members/invite")) {
                (inside.visitor.form()) (email)
                fieldset {
                    legend { (t::ROLE) }
                    @for (role, label, _) in roles.iter().filter(|(.., open)| *open) {
                        label.choice {
                            input type="radio" name="role" value=(role) checked[asked.role == role.as_str()];
                            span { (label) }
                        }
                    }
                }
                div.field {
                    label for="f-ttl" { (t::TTL) }
                    select #f-ttl name="ttl" {
                        @for (value, name) in LIFETIMES { option value=(value) selected[value == asked.ttl] { (name) } }
                    }
                }
                @if state.app.settings().mailer.is_some() {
                    label.choice {
                        input type="checkbox" name="mail" value="on" checked[asked.mail.is_some()];
                        span { (t::MAIL) span { (t::MAIL_HINT) } }
                    }
                }
                div.actions { button type="submit" { (t::SEND) } }
            }
        }
    }
}

async fn invite(state: State, inside: Inside<InviteMembers>, Form(asked): Form<Asked>) -> Response {
    let body = match make(&state, &inside, &asked).await {
        Ok(made) => shown(&inside, &made),
        Err(error) => form(&state, &inside, &asked, Some(&problem::words(&error))),
    };
    layout::inside(t::INVITE, &inside, Tab::Members, &body)
}

async fn make(state: &State, inside: &Inside<InviteMembers>, asked: &Asked) -> Result<Made> {
    let ttl = Some(parse_duration(&asked.ttl)?);
    let mail = asked.mail.is_some();
    let wish = Wish { email: asked.email.clone(), role: asked.role.parse()?, ttl, mail };
    invitation::create(&state.app, &inside.may, wish).await
}

/// The link, this once.
fn shown(inside: &Inside<InviteMembers>, made: &Made) -> Markup {
    let invitation = &made.invitation;
    html! {
        p.crumb.middle { a href=(inside.path("/members")) { "← " (t::TITLE) } }
        div.card.middle {
            h1 { (t::MADE) }
            @match &made.mailed {
                Some(Ok(())) => { p { (t::MAILED) } },
                Some(Err(error)) => { (parts::complaint(Some(&problem::words(error)))) },
                None => {},
            }
            p.lead { (t::MADE_WORDS) " " strong { (invitation.email) } }
            (parts::copyable(t::LINK, made.url.reveal()))
            p.fine { (t::ENDS) " " (parts::when(invitation.expires_at, inside.visitor.now)) "." }
        }
    }
}

#[derive(Deserialize)]
struct NewRole {
    role: String,
}

async fn set_role(
    state: State,
    inside: Inside<ManageAdmins>,
    Target(who): Target,
    Form(new): Form<NewRole>,
) -> Answer<Response> {
    let role = new.role.parse::<Role>()?;
    let member = member::set_role(&state.app, &inside.may, &who, role).await?;
    Ok(told(&inside, &member, &state))
}

async fn transfer(state: State, inside: Inside<TransferOwnership>, Target(who): Target) -> Answer<Response> {
    let member = member::transfer(&state.app, &inside.may, &who).await?;
    Ok(told(&inside, &member, &state))
}

fn told<P: Permission>(inside: &Inside<P>, member: &Member, state: &State) -> Response {
    let words = t::changed(&member.email.to_string(), invitation::with_article(member.role));
    go(&inside.path("/members"), words, state.url())
}

/// Whether devices go too.
#[derive(Deserialize)]
pub struct Devices {
    pub expire: Option<String>,
}

async fn remove(
    state: State,
    inside: Inside<RemoveMembers>,
    Target(who): Target,
    Form(devices): Form<Devices>,
) -> Answer<Response> {
    let gone = member::remove(&state.app, &inside.may, &who, devices.expire.is_some()).await?;
    Ok(go(&inside.path("/members"), t::removed(&gone.member.email.to_string()), state.url()))
}

async fn revoke(state: State, inside: Inside<InviteMembers>, Target(id): Target) -> Answer<Response> {
    invitation::revoke(&state.app, &inside.may, &id).await?;
    Ok(go(&inside.path("/members"), t::REVOKED, state.url()))
}
