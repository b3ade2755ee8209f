//! The providers that one's account is connected with: `/settings/identities`, and the same as a section of the
//! settings. To connect or disconnect one takes a fresh proof ([`super::confirm`]).

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};

use super::confirm::Fresh;
use super::note::go;
use super::text::provider::identity as t;
use super::visitor::Visitor;
use super::{layout, parts, text};
use crate::core::Result;
use crate::core::page::{MAX_LIMIT, Page};
use crate::core::provider::Provider;
use crate::server::extract::Target;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::oidc::identity::{self, Known};
use crate::service::oidc::provider;

/// The page of its own.
pub const PATH: &str = "/settings/identities";

pub fn routes() -> Router<State> {
    Router::new().route(PATH, get(show)).route("/settings/identities/{identity}/disconnect", post(disconnect))
}

async fn show(state: State, visitor: Visitor) -> Answer<Response> {
    Ok(layout::page(t::TITLE, &visitor, &section(&state, &visitor).await?))
}

/// What opens the visitor's account beside what is kept here.
pub async fn section(state: &State, visitor: &Visitor) -> Result<Markup> {
    let (known, _) = identity::list(&state.app, visitor.caller(), Page::new(Some(MAX_LIMIT), None)?).await?;
    let providers = provider::all(&state.app).await?;
    let is_connected = |provider: &Provider| known.iter().any(|k| is_of(k, provider));
    let others: Vec<_> = providers.iter().filter(|provider| !is_connected(provider)).collect();
    Ok(html! {
        section.card.flush aria-labelledby="identities" {
            div.over {
                h2 #identities { (t::TITLE) }
                p.lead { @if known.is_empty() { (t::NONE) } @else { (t::LEAD) } }
            }
            @if !known.is_empty() { (table(&known, visitor)) }
            @for provider in others { (connect(provider, visitor)) }
        }
    })
}

fn is_of(known: &Known, provider: &Provider) -> bool {
    known.identity.issuer == provider.issuer.as_str()
}

fn connect(provider: &Provider, visitor: &Visitor) -> Markup {
    html! {
        form.more method="post" action={ "/auth/oidc/" (provider.name) "/link" } {
            (visitor.form())
            button.quiet.small type="submit" { (t::CONNECT) (provider.title()) }
        }
    }
}

fn table(known: &[Known], visitor: &Visitor) -> Markup {
    html! {
        table.table {
            thead { tr {
                th scope="col" { (t::PROVIDER) }
                th.spare scope="col" { (t::USED) }
                th.end scope="col" { span.unseen { (text::token::ACTIONS) } }
            } }
            tbody { @for one in known { (line(one, visitor)) } }
        }
    }
}

fn line(one: &Known, visitor: &Visitor) -> Markup {
    let Known { identity, provider } = one;
    let action = format!("{PATH}/{}/disconnect", identity.id());
    html! {
        tr {
            td {
                strong { (title(one)) } @if provider.is_none() { " " (parts::badge(t::GONE)) }
                span.under { (t::SUBJECT) " " code { (identity.subject) } }
            }
            td.spare { (parts::when(identity.last_used_at, visitor.now)) }
            td.end { (parts::danger(t::DISCONNECT, t::DISCONNECT_WORDS, &action, visitor.form(), t::DISCONNECT_YES)) }
        }
    }
}

fn title(known: &Known) -> &str {
    known.provider.as_ref().map_or(&known.identity.issuer, Provider::title)
}

async fn disconnect(state: State, Fresh { proven, .. }: Fresh, Target(identity): Target) -> Answer<Response> {
    let gone = identity::unlink(&state.app, proven, &identity).await?;
    Ok(go("/settings", t::disconnected(title(&gone)), state.url()))
}
