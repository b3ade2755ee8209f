//! The HTTP API, one file a noun. A handler is: extract, authority, service, answer.

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use axum::{Extension, Router};
use http::{HeaderValue, header};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::extract::MAX_BODY;
use super::request;
use super::state::State;
use crate::api;

mod apps;
mod audit;
mod declared;
mod deployer;
mod grants;
mod health;
mod identities;
mod invitations;
mod join;
mod keys;
mod members;
mod nodes;
mod openapi;
mod organizations;
mod sessions;
mod setup;
mod tokens;
mod version;
mod worker;

/// Every route of the API, and the document that describes them all: a route is in both or in neither.
fn described() -> OpenApiRouter<State> {
    let api = OpenApiRouter::new()
        .merge(version::routes())
        .merge(openapi::routes())
        .merge(setup::routes())
        .merge(sessions::routes())
        .merge(identities::routes())
        .merge(organizations::routes())
        .merge(members::routes())
        .merge(invitations::routes())
        .merge(tokens::routes())
        .merge(keys::routes())
        .merge(apps::routes())
        .merge(grants::routes())
        .merge(deployer::routes())
        .merge(nodes::routes())
        .merge(audit::routes())
        .merge(join::routes())
        .merge(worker::routes());
    OpenApiRouter::with_openapi(openapi::head()).nest(api::PREFIX, api).merge(health::routes())
}

/// The document that `GET /api/v1/openapi.json` answers.
pub fn document() -> OpenApi {
    openapi::complete(described().into_openapi())
}

/// The API as a router, with its limits.
pub fn router(state: State) -> Router {
    let (routes, document) = described().split_for_parts();
    let document = openapi::Document::new(openapi::complete(document));
    routes
        .layer(Extension(document))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(request::limit_time))
        .layer(map_response(not_stored))
        .with_state(state)
}

/// Answers hold names and secrets: no cache keeps them.
pub(super) async fn not_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
