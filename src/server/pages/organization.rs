//! `/organizations/new` and `/o/{org}/organization`: organizations are made, renamed, left and deleted.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Form;
use super::layout::{self, Tab};
use super::member::{Devices, tick};
use super::note::go;
use super::parts::{self, Field};
use super::text::people::organization as t;
use super::visitor::{Inside, Visitor};
use crate::api::Problem;
use crate::core::role::{DeleteOrganization, ManageOrganization, Role, ViewOrganization};
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::{member, organization};

pub fn routes() -> Router<State> {
    Router::new()
        .route("/organizations/new", get(ask).post(create))
        .route("/o/{org}/organization", get(show))
        .route("/o/{org}/organization/rename", post(rename))
        .route("/o/{org}/organization/leave", post(leave))
        .route("/o/{org}/organization/delete", post(delete))
}

async fn ask(visitor: Visitor) -> Response {
    layout::page(t::NEW, &visitor, &form(&visitor, "", None))
}

fn form(visitor: &Visitor, name: &str, problem: Option<&Problem>) -> Markup {
    let field = Field { name: "name", label: t::NAME, value: name, ..Field::default() };
    html! {
        div.card.narrow {
            h1 { (t::NEW) }
            p.lead { (t::NEW_LEAD) }
            (parts::complaint(problem))
            form.stack method="post" action="/organizations/new" {
                (visitor.form()) (field)
                button.wide type="submit" { (t::CREATE) }
            }
        }
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn create(state: State, visitor: Visitor, Form(new): Form<Named>) -> Response {
    match organization::create(&state.app, visitor.caller(), &new.name).await {
        Ok(made) => go(&format!("/o/{}", made.organization.id), t::CREATED, state.url()),
        Err(error) => {
            let problem = problem::words(&error);
            let page = layout::page(t::NEW, &visitor, &form(&visitor, &new.name, Some(&problem)));
            problem::again(&error, page)
        }
    }
}

async fn show(inside: Inside<ViewOrganization>) -> Response {
    let organization = inside.may.organization();
    let is_personal = organization.personal_of.is_some();
    let body = html! {
        div.head { h1 { (organization.name) } @if is_personal { p.about { (t::PERSONAL) } } }
        div.grid.even {
            @if inside.may.also::<ManageOrganization>().is_some() { (rename_form(&inside)) }
            @if organization.personal_of != Some(inside.visitor.person().user) { (dangers(&inside)) }
        }
    };
    layout::inside(t::TITLE, &inside, Tab::Organization, &body)
}

fn rename_form(inside: &Inside<ViewOrganization>) -> Markup {
    let name = &inside.may.organization().name;
    let field = Field { name: "name", label: t::NAME, value: name, ..Field::default() };
    html! {
        section.card aria-labelledby="name" {
            h2 #name { (t::RENAME) }
            p.lead { (t::RENAME_LEAD) }
            form.stack method="post" action=(inside.path("/organization/rename")) {
                (inside.visitor.form()) (field)
                div.actions { button.quiet type="submit" { (t::SAVE) } }
            }
        }
    }
}

fn dangers(inside: &Inside<ViewOrganization>) -> Markup {
    let is_owner = inside.may.role() == Some(Role::Owner);
    html! {
        section.card aria-labelledby="dangers" {
            h2.unseen #dangers { (t::DANGERS) }
            @if !is_owner {
                details.danger {
                    summary { (t::LEAVE) }
                    form method="post" action=(inside.path("/organization/leave")) {
                        (inside.visitor.form())
                        p { (t::LEAVE_WORDS) }
                        (tick("expire", t::LEAVE_DEVICES))
                        button.danger type="submit" { (t::LEAVE_YES) }
                    }
                }
            }
            @if inside.may.also::<DeleteOrganization>().is_some() { (delete_form(inside)) }
        }
    }
}

fn delete_form(inside: &Inside<ViewOrganization>) -> Markup {
    let field = Field { name: "confirm", label: t::DELETE_NAME, ..Field::default() };
    html! {
        details.danger {
            summary { (t::DELETE) }
            form method="post" action=(inside.path("/organization/delete")) {
                (inside.visitor.form())
                p { (t::DELETE_WORDS) }
                (field)
                button.danger type="submit" { (t::DELETE_YES) }
            }
        }
    }
}

async fn rename(
    state: State,
    inside: Inside<ManageOrganization>,
    Form(new): Form<Named>,
) -> Answer<Response> {
    organization::rename(&state.app, &inside.may, &new.name).await?;
    Ok(go(&format!("/o/{}/organization", inside.may.org()), t::RENAMED, state.url()))
}

async fn leave(
    state: State,
    inside: Inside<ViewOrganization>,
    Form(devices): Form<Devices>,
) -> Answer<Response> {
    member::leave(&state.app, &inside.may, devices.expire.is_some()).await?;
    Ok(go("/", t::left(&inside.may.organization().name), state.url()))
}

#[derive(Deserialize)]
struct Confirmed {
    confirm: String,
}

async fn delete(
    state: State,
    inside: Inside<DeleteOrganization>,
    Form(confirmed): Form<Confirmed>,
) -> Answer<Response> {
    let (gone, _) = organization::delete(&state.app, &inside.may, confirmed.confirm.trim()).await?;
    Ok(go("/", t::deleted(&gone.organization.name), state.url()))
}
