//! `/worker`: a worker about itself, by the key that its join gave it.

use axum::Json;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use super::nodes::present;
use crate::api::WorkerAnswer;
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::worker::{self, Worker};

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(show, leave))
}

/// The node that this worker is; `null` until its device has registered.
#[utoipa::path(get, path = "/worker", tag = "join",
    responses((status = 200, description = "What the coordinator knows of it.", body = WorkerAnswer)))]
async fn show(state: State, worker: Worker) -> Answer<Json<WorkerAnswer>> {
    let node = worker::show(&state.app, &worker).await?.map(present);
    Ok(Json(WorkerAnswer { node, coordinator: state.url().to_string() }))
}

/// Takes the worker out of its realm, and ends its key.
#[utoipa::path(delete, path = "/worker", tag = "join",
    responses((status = 204, description = "It has left.")))]
async fn leave(state: State, worker: Worker) -> Answer<StatusCode> {
    worker::leave(&state.app, worker).await?;
    Ok(StatusCode::NO_CONTENT)
}
