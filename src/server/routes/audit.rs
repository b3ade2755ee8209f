//! `/organizations/{org}/audit` and `/audit`: the audit trail, read only.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::{AuditQuery, Event, EventList, EventOrder, EventResult, Party};
use crate::core::page::{Order, Page};
use crate::core::role::ViewAudit;
use crate::core::{Error, Result};
use crate::server::extract::Asked;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::administrator::Administrator;
use crate::service::audit::{self, Wanted};
use crate::service::authority::May;
use crate::store::audit::Linked;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(of_org)).routes(routes!(of_all))
}

/// What happened in the organization, and what was refused there.
#[utoipa::path(get, path = "/organizations/{org}/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, description = "A page of events.", body = EventList)))]
async fn of_org(
    state: State,
    may: May<ViewAudit>,
    Asked(asked): Asked<AuditQuery>,
) -> Answer<Json<EventList>> {
    if asked.organization.is_some() {
        return Err(Error::usage("malformed_query", "the path names the organization").into());
    }
    let (wanted, page) = read(asked)?;
    Ok(Json(present(audit::list(&state.app, &may, wanted, page).await?)))
}

/// What happened on the coordinator: for its administrators.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, description = "A page of events.", body = EventList)))]
async fn of_all(
    state: State,
    admin: Administrator,
    Asked(asked): Asked<AuditQuery>,
) -> Answer<Json<EventList>> {
    let (wanted, page) = read(asked)?;
    Ok(Json(present(audit::list_all(&state.app, &admin, wanted, page).await?)))
}

/// What the query asks for.
fn read(asked: AuditQuery) -> Result<(Wanted, Page)> {
    let page = Page::new(asked.limit, asked.cursor.as_deref())?;
    let wanted = Wanted {
        org: asked.organization,
        since: asked.since,
        until: asked.until,
        actor: asked.actor,
        action: asked.action,
        refused: asked.result.map(|result| result == EventResult::Refused),
        after: asked.after,
        order: match asked.order.unwrap_or_default() {
            EventOrder::Asc => Order::OldestFirst,
            EventOrder::Desc => Order::NewestFirst,
        },
    };
    if [&wanted.actor, &wanted.action].iter().any(|text| text.as_ref().is_some_and(|t| t.contains('\0'))) {
        return Err(Error::usage("malformed_query", "no name has characters that do not print"));
    }
    Ok((wanted, page))
}

fn present((events, next_cursor): (Vec<Linked>, Option<String>)) -> EventList {
    EventList { events: events.into_iter().map(present_one).collect(), next_cursor }
}

fn present_one(linked: Linked) -> Event {
    let Linked { event, link } = linked;
    Event {
        id: event.id,
        seq: link.seq,
        at: event.at,
        actor: Party { kind: event.actor_kind, id: event.actor_id, name: event.actor_name },
        organization_id: event.org,
        action: event.action,
        target: Party { kind: event.target_kind, id: event.target_id, name: event.target_name },
        result: if event.refused.is_some() { EventResult::Refused } else { EventResult::Done },
        code: event.refused,
        unwritten: event.unwritten,
        address: event.address,
        request_id: event.request_id,
        hash: link.hash.to_string(),
    }
}
