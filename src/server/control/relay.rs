//! The relay's door: the upgrade to DERP, and what clients probe to find a relay near them.

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

use super::websocket;
use crate::core::key::NodeKey;
use crate::core::{Error, Result};
use crate::mesh::native::derp::{self, Relay};
use crate::runtime::{Stop, Supervisor};
use crate::server::problem::Failure;
use crate::server::request::Peer;
use crate::service::app::App;

/// How long a client may take from the answer to its upgrade.
const UPGRADE_LIMIT: Duration = Duration::from_secs(10);
/// What a WebSocket to the relay speaks (`cmd/derper/websocket.go`).
const SUBPROTOCOL: &str = "derp";

/// What the relay's door knows.
#[derive(Clone)]
struct Door {
    app: App,
    relay: Relay,
}

/// The relay itself: on the coordinator's own port where that has TLS, else on a port of its own.
pub fn routes(app: App, relay: Relay) -> Router {
    let door = Door { app, relay };
    Router::new()
        // The Rust client upgrades with POST, the others with GET.
        .route("/derp", get(upgrade).post(upgrade))
        .route("/derp/probe", any(alive))
        .route("/derp/latency-check", any(alive))
        .with_state(door)
        .merge(probes())
}

/// What clients ask for at port 80 and at the relay to find a captive portal (`net/captivedetection`).
pub fn probes() -> Router {
    Router::new().route("/generate_204", get(no_content))
}

async fn alive() -> Response {
    ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], StatusCode::OK).into_response()
}

async fn no_content(headers: HeaderMap) -> Response {
    const CHALLENGE: HeaderName = HeaderName::from_static("x-tailscale-challenge");
    const RESPONSE: HeaderName = HeaderName::from_static("x-tailscale-response");
    let challenge = headers.get(CHALLENGE).and_then(|value| value.to_str().ok());
    let answer =
        challenge.and_then(derp::challenge_response).and_then(|text| HeaderValue::from_str(&text).ok());
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(answer) = answer {
        response.headers_mut().insert(RESPONSE, answer);
    }
    response
}

/// Hands the connection to the relay: after the upgrade to DERP, or as a WebSocket for clients in browsers.
async fn upgrade(State(door): State<Door>, request: Request) -> Result<Response, Failure> {
    let from = request.extensions().get::<Peer>().map(|peer| SocketAddr::new(peer.0, 0));
    let from = from.ok_or_else(|| Error::bug("a request came from nowhere"))?;
    let (relay, tasks) = (door.relay.clone(), door.app.supervisor());
    if websocket::is_asked(&request) {
        let stop = tasks.stop_signal();
        let serve = move |stream| carry(relay, stream, from, stop);
        return Ok(websocket::accept(request, SUBPROTOCOL, tasks, serve).await?);
    }
    let asked = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    if !asked.is_some_and(|asked| asked.eq_ignore_ascii_case("derp")) {
        let error = Error::usage("not_a_relay_client", "this is where devices reach the relay, with DERP");
        return Err(Failure::with_status(error, StatusCode::UPGRADE_REQUIRED));
    }
    Ok(switch(request, relay, from, tasks))
}

/// Answers with the relay's key, and goes on as a relay. `Derp-Fast-Start`, which asks for no answer, is not looked
/// at: a client sends it only where the TLS certificates told it the relay's key, and ours tell none.
fn switch(mut request: Request, relay: Relay, from: SocketAddr, tasks: &Supervisor) -> Response {
    let connection = hyper::upgrade::on(&mut request);
    let stop = tasks.stop_signal();
    let headers = derp::upgrade_headers(&relay.public_key());
    tasks.spawn("relay client", async move {
        if let Ok(Ok(upgraded)) = tokio::time::timeout(UPGRADE_LIMIT, connection).await {
            carry(relay, TokioIo::new(upgraded), from, stop).await;
        }
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Serves one client until it leaves or the coordinator stops.
async fn carry<IO>(relay: Relay, io: IO, from: SocketAddr, mut stop: Stop)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send,
{
    tokio::select! {
        _ = relay.serve(io, from) => {}
        () = stop.wait() => {}
    }
}

/// `POST /verify` (`tailcfg.DERPAdmitClientRequest`): whether a relay elsewhere may carry for a node.
pub fn verify(app: App) -> Router {
    Router::new().route("/verify", post(verified)).with_state(app)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Verify {
    node_public: NodeKey,
}

async fn verified(State(app): State<App>, body: Bytes) -> Result<Response, Failure> {
    let malformed = |e| Error::usage("malformed_request", "this names no node key").source(e);
    let asked: Verify = serde_json::from_slice(&body).map_err(malformed)?;
    let allow = app.mesh().admits(&asked.node_public).await;
    Ok(Json(json!({ "Allow": allow })).into_response())
}
