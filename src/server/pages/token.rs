//! `/o/{org}/tokens`: the join tokens. They are made where a device is added ([`super::add`]).

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};

use super::layout::{self, Tab};
use super::note::go;
use super::parts::{self, From};
use super::text::{self, token as t};
use super::visitor::Inside;
use crate::core::Timestamp;
use crate::core::page::Page;
use crate::core::role::{CreateJoinTokens, ViewJoinTokens};
use crate::server::extract::Target;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::token;
use crate::store::join_token::JoinTokenRow;

pub fn routes() -> Router<State> {
    Router::new().route("/o/{org}/tokens", get(list)).route("/o/{org}/tokens/{token}/revoke", post(revoke))
}

async fn list(state: State, inside: Inside<ViewJoinTokens>, Query(from): Query<From>) -> Answer<Response> {
    let (tokens, next) =
        token::list(&state.app, &inside.may, Page::new(None, from.after.as_deref())?).await?;
    let may_make = inside.may.also::<CreateJoinTokens>().is_some();
    let make = html! { @if may_make { a.button href=(inside.path("/add")) { (t::MAKE) } } };
    let body = html! {
        div.head { h1 { (t::TITLE) } @if !tokens.is_empty() { (make) } p.about { (t::LEAD) } }
        div.card.flush {
            @if tokens.is_empty() { (parts::empty(t::EMPTY, t::EMPTY_WORDS, &make)) }
            @else {
                table.table {
                    thead {
                        tr {
                            th scope="col" { (t::TOKEN) }
                            th.spare scope="col" { (t::USES) }
                            th.spare scope="col" { (t::ENDS) }
                            th scope="col" { (t::STATE) }
                            @if may_make { th.end scope="col" { span.unseen { (t::ACTIONS) } } }
                        }
                    }
                    tbody { @for token in &tokens { (line(&inside, token, may_make)) } }
                }
                (parts::more(&inside.path("/tokens"), next.as_deref()))
            }
        }
    };
    Ok(layout::inside(t::TITLE, &inside, Tab::Tokens, &body))
}

fn line(inside: &Inside<ViewJoinTokens>, token: &JoinTokenRow, may_revoke: bool) -> Markup {
    let now = inside.visitor.now;
    let over = is_over(token, now);
    let name = if token.name.is_empty() { t::NAMELESS } else { &token.name };
    let action = inside.path(&format!("/tokens/{}/revoke", token.id));
    html! {
        tr.gone[over.is_some()] {
            td {
                strong { (name) } " "
                span.badges {
                    @if token.ephemeral { (parts::badge(text::device::EPHEMERAL)) }
                    @for tag in &token.tags { (parts::badge(tag)) }
                }
                span.under { (t::MADE_BY) " " (token.creator) ", " (parts::when(token.created_at, now)) }
            }
            td.spare {
                (token.used) @match token.uses { Some(uses) => { " " (t::OF) " " (uses) }, None => { " · " (t::REUSABLE) } }
            }
            td.spare { (parts::when(token.expires_at, now)) }
            td { @match over { Some(word) => { (parts::badge(word)) }, None => { span.badge.good { (t::GOOD) } } } }
            @if may_revoke {
                td.end {
                    @if over.is_none() {
                        (parts::danger(t::REVOKE, t::REVOKE_WORDS, &action, inside.visitor.form(), t::REVOKE_YES))
                    }
                }
            }
        }
    }
}

/// Why a token lets nobody in any more.
fn is_over(token: &JoinTokenRow, now: Timestamp) -> Option<&'static str> {
    if token.revoked_at.is_some() || token.creator_disabled_at.is_some() {
        return Some(t::REVOKED);
    }
    if token.expires_at <= now {
        return Some(t::EXPIRED);
    }
    token.uses.is_some_and(|uses| token.used >= uses).then_some(t::USED_UP)
}

async fn revoke(state: State, inside: Inside<CreateJoinTokens>, Target(id): Target) -> Answer<Response> {
    token::revoke(&state.app, &inside.may, &id).await?;
    Ok(go(&inside.path("/tokens"), t::DONE, state.url()))
}
