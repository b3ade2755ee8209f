//! `/invitation/{code}`: where an invitation's link leads. Whoever is invited logs in, sees to what, and accepts.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use maud::html;

use super::note::go;
use super::text::people::invitation as t;
use super::visitor::Visitor;
use super::{layout, parts};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::invitation;

pub fn routes() -> Router<State> {
    Router::new().route("/invitation/{code}", get(show).post(accept))
}

async fn show(state: State, visitor: Visitor, Path(code): Path<String>) -> Answer<Response> {
    let (invitation, membership) = invitation::look(&state.app, visitor.caller(), &code).await?;
    let body = html! {
        div.card.narrow {
            h1 { (t::TITLE) }
            p.lead {
                (t::TO) " " strong { (membership.organization.name) } " "
                (t::AS) " " (invitation::with_article(membership.role)) "."
            }
            form.stack method="post" action=(format!("/invitation/{code}")) {
                (visitor.form())
                div.actions {
                    button type="submit" { (t::ACCEPT) }
                    a.button.quiet href="/" { (t::LATER) }
                }
            }
            p.fine {
                (t::BY) " " (invitation.inviter) ". "
                (t::ENDS) " " (parts::when(invitation.expires_at, visitor.now)) "."
            }
        }
    };
    Ok(layout::page(t::TITLE, &visitor, &body))
}

async fn accept(state: State, visitor: Visitor, Path(code): Path<String>) -> Answer<Response> {
    let membership = invitation::accept(&state.app, visitor.caller(), &code).await?;
    let organization = membership.organization;
    // Its name may be that of another one of theirs: the id is not.
    Ok(go(&format!("/o/{}", organization.id), t::accepted(&organization.name), state.url()))
}
