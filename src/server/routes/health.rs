//! `/healthz`: the process lives. `/readyz`: it can serve now.

use std::time::Duration;

use axum::Json;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::core::{Error, Kind, Result};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::health;

/// How long one part may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(3);

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "It lives.", body = Value)))]
async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Database and mesh can serve now.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, description = "Every part is well.", body = Value)))]
async fn readyz(state: State) -> Answer<Json<Value>> {
    within("database", health::database(&state.app)).await?;
    for (name, probe) in state.probes() {
        within(name, probe()).await?;
    }
    Ok(Json(json!({ "status": "ok" })))
}

async fn within(name: &str, probe: impl Future<Output = Result<()>>) -> Result<()> {
    let unwell = || {
        Error::new(Kind::Unavailable, "not_ready", format!("the {name} cannot serve now"))
            .hint("the coordinator's log says why; it goes on by itself once that is mended")
    };
    match tokio::time::timeout(PATIENCE, probe).await {
        Ok(well) => well.map_err(|e| unwell().source(e)),
        Err(_) => Err(unwell()),
    }
}
