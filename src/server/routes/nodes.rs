//! `/organizations/{org}/nodes` and `…/approvals`: the devices of a realm.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::{ApproveNode, ApproveRoutes, ListQuery, Node, NodeAnswer, NodeList, NodeRoutes, RenameNode};
use crate::core::role::{ManageNodes, ViewNodes};
use crate::server::extract::{Body, Listing, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::May;
use crate::service::node::{self, Seen};

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, rename, remove))
        .routes(routes!(expire))
        .routes(routes!(approve_routes))
        .routes(routes!(approve))
}

/// The organization's nodes, in the order in which they joined.
#[utoipa::path(get, path = "/organizations/{org}/nodes", tag = "nodes", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = NodeList)))]
async fn list(state: State, may: May<ViewNodes>, Listing(page): Listing) -> Answer<Json<NodeList>> {
    let (nodes, next_cursor) = node::list(&state.app, &may, page).await?;
    Ok(Json(NodeList { nodes: nodes.into_iter().map(present).collect(), next_cursor }))
}

/// One node.
#[utoipa::path(get, path = "/organizations/{org}/nodes/{node}", tag = "nodes",
    responses((status = 200, description = "The node.", body = NodeAnswer)))]
async fn show(state: State, may: May<ViewNodes>, Target(reference): Target) -> Answer<Json<NodeAnswer>> {
    answer(node::show(&state.app, &may, &reference).await?)
}

/// Gives a node another name.
#[utoipa::path(patch, path = "/organizations/{org}/nodes/{node}", tag = "nodes", request_body = RenameNode,
    responses((status = 200, description = "The node, renamed.", body = NodeAnswer)))]
async fn rename(
    state: State,
    may: May<ManageNodes>,
    Target(reference): Target,
    Body(asked): Body<RenameNode>,
) -> Answer<Json<NodeAnswer>> {
    answer(node::rename(&state.app, &may, &reference, asked.name.parse()?).await?)
}

/// Removes a node: the device is told and cut off.
#[utoipa::path(delete, path = "/organizations/{org}/nodes/{node}", tag = "nodes",
    responses((status = 200, description = "The node as it was.", body = NodeAnswer)))]
async fn remove(state: State, may: May<ManageNodes>, Target(reference): Target) -> Answer<Json<NodeAnswer>> {
    answer(node::remove(&state.app, &may, &reference).await?)
}

/// Ends a node's key: the device has to log in again.
#[utoipa::path(post, path = "/organizations/{org}/nodes/{node}/expire", tag = "nodes",
    responses((status = 200, description = "The node, expired.", body = NodeAnswer)))]
async fn expire(state: State, may: May<ManageNodes>, Target(reference): Target) -> Answer<Json<NodeAnswer>> {
    answer(node::expire(&state.app, &may, &reference).await?)
}

/// Allows exactly these routes.
#[utoipa::path(put, path = "/organizations/{org}/nodes/{node}/routes", tag = "nodes", request_body = ApproveRoutes,
    responses((status = 200, description = "The node, with its routes.", body = NodeAnswer)))]
async fn approve_routes(
    state: State,
    may: May<ManageNodes>,
    Target(reference): Target,
    Body(asked): Body<ApproveRoutes>,
) -> Answer<Json<NodeAnswer>> {
    answer(node::approve_routes(&state.app, &may, &reference, asked.approved).await?)
}

/// Lets in a device that waits for a person, by the code that it shows.
#[utoipa::path(post, path = "/organizations/{org}/approvals", tag = "nodes", request_body = ApproveNode,
    responses((status = 200, description = "The new node.", body = NodeAnswer)))]
async fn approve(
    state: State,
    may: May<ManageNodes>,
    Body(asked): Body<ApproveNode>,
) -> Answer<Json<NodeAnswer>> {
    answer(node::approve(&state.app, &may, &asked.code).await?)
}

fn answer(seen: Seen) -> Answer<Json<NodeAnswer>> {
    Ok(Json(NodeAnswer { node: present(seen) }))
}

/// A node, as the API shows it.
pub fn present(seen: Seen) -> Node {
    let Seen { node, online, dns_name, primary_routes } = seen;
    let report = node.report;
    Node {
        id: node.id,
        name: node.name,
        hostname: report.hostinfo.hostname,
        dns_name,
        addresses: node.address.both().to_vec(),
        online,
        last_seen: report.last_seen_at,
        created_at: node.created_at,
        expires_at: node.key_expires_at,
        ephemeral: node.ephemeral,
        owner: node.tags.is_empty().then_some(node.owner.email),
        tags: node.tags,
        os: some(report.hostinfo.os),
        client_version: some(report.hostinfo.client_version),
        routes: NodeRoutes {
            advertised: report.hostinfo.routes,
            approved: node.approved_routes,
            primary: primary_routes,
        },
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
