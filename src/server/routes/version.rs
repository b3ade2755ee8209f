//! `/version`.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::VersionAnswer;
use crate::server::state::State;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(version))
}

/// Which coordinator this is.
#[utoipa::path(get, path = "/version", tag = "coordinator", security(()),
    responses((status = 200, description = "The version.", body = VersionAnswer)))]
async fn version() -> Json<VersionAnswer> {
    Json(VersionAnswer { version: env!("CARGO_PKG_VERSION").to_owned() })
}
