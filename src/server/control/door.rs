//! Where devices knock, over plain HTTP: the coordinator's key, and the upgrade to the encrypted connection.

use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::connection::{self, Caller};
use super::websocket;
use crate::core::key::MachineKey;
use crate::core::{Error, Kind, Result};
use crate::mesh::native::noise::{self, Accepted, ControlKey, NoiseStream};
use crate::server::crowd::Crowd;
use crate::server::problem::Failure;
use crate::server::request::Peer;
use crate::service::app::App;

const PROTOCOL: &str = "tailscale-control-protocol";
const HANDSHAKE: HeaderName = HeaderName::from_static("x-tailscale-handshake");
/// How long a device may take from the answer to its upgrade.
const UPGRADE_LIMIT: Duration = Duration::from_secs(10);

/// Connections of one address that no node has spoken on yet; a handshake costs a stranger nothing.
const MOST_STRANGERS: usize = 4096;

/// What the door knows.
#[derive(Clone)]
struct Door {
    app: App,
    key: Arc<ControlKey>,
    strangers: Crowd,
}

/// `GET /key`; `/ts2021`: POST for devices, GET with a WebSocket for clients in browsers.
pub fn routes(app: App, key: ControlKey) -> Router {
    let door = Door { app, key: Arc::new(key), strangers: Crowd::new(MOST_STRANGERS) };
    Router::new()
        .route("/key", get(key_of))
        .route("/ts2021", post(upgrade).get(upgrade_websocket))
        .with_state(door)
}

/// The coordinator's public key (`tailcfg.OverTLSPublicKeyResponse`). There is no key for the protocol
/// before ts2021: zeros say so. A client on any web page may read it, for it is public.
async fn key_of(State(door): State<Door>) -> Response {
    let (legacy, key) = (MachineKey::default(), door.key.public());
    let keys = Json(json!({ "legacyPublicKey": legacy, "publicKey": key }));
    ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], keys).into_response()
}

/// Answers the first message of the handshake and goes on encrypted (`control/controlhttp`).
async fn upgrade(State(door): State<Door>, mut request: Request) -> Result<Response, Failure> {
    let (accepted, caller) = door.accept(&request, &initiation(request.headers())?)?;
    let connection = hyper::upgrade::on(&mut request);
    let app = door.app.clone();
    door.app.supervisor().spawn("device", go_on(connection, accepted, caller, app));
    let headers = [
        (header::UPGRADE, HeaderValue::from_static(PROTOCOL)),
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// The same for clients in browsers, which can send no header: the first message is in the query, and bytes
/// go as binary messages (`control/controlhttp/client_js.go`).
async fn upgrade_websocket(State(door): State<Door>, request: Request) -> Result<Response, Failure> {
    if !websocket::is_asked(&request) {
        return Err(not_a_device().into());
    }
    let (accepted, caller) = door.accept(&request, &initiation_of_query(&request)?)?;
    let app = door.app.clone();
    let serve = move |stream| serve(stream, accepted, caller, app);
    Ok(websocket::accept(request, PROTOCOL, door.app.supervisor(), serve).await?)
}

impl Door {
    /// Takes the handshake's first message. Whoever sent it is a stranger until a node speaks.
    fn accept(&self, request: &Request, initiation: &[u8]) -> Result<(Accepted, Caller)> {
        let address = request.extensions().get::<Peer>().map(|peer| peer.0);
        let address = address.ok_or_else(|| Error::bug("a request came from nowhere"))?;
        let seat = self.strangers.enter(address).ok_or_else(too_many)?;
        let accepted = noise::accept(&self.key, initiation)?;
        let caller = Caller::stranger(accepted.machine, address, seat);
        Ok((accepted, caller))
    }
}

fn too_many() -> Error {
    Error::new(Kind::RateLimited, "too_many_strangers", "too many devices of this address are joining")
        .hint("try again in a few seconds")
}

/// The handshake's first message, from the headers of an upgrade. Pure, so that a fuzz target can call it.
/// Fails with `not_a_device` where no upgrade is asked for, and with `malformed_handshake`.
pub fn initiation(headers: &HeaderMap) -> Result<Vec<u8>> {
    let asked = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    if asked != Some(PROTOCOL) {
        return Err(not_a_device());
    }
    decode(headers.get(HANDSHAKE).map(HeaderValue::as_bytes).unwrap_or_default())
}

fn initiation_of_query(request: &Request) -> Result<Vec<u8>> {
    #[derive(Deserialize)]
    struct Asked {
        #[serde(rename = "X-Tailscale-Handshake")]
        handshake: String,
    }
    let asked = Query::<Asked>::try_from_uri(request.uri()).map_err(|_| malformed_handshake())?;
    decode(asked.handshake.as_bytes())
}

fn decode(handshake: &[u8]) -> Result<Vec<u8>> {
    STANDARD.decode(handshake).map_err(|_| malformed_handshake())
}

fn not_a_device() -> Error {
    Error::usage("not_a_device", "this is where devices connect, with a protocol of their own")
        .hint("use `tailscale up --login-server URL` on a device")
}

fn malformed_handshake() -> Error {
    Error::usage("malformed_handshake", "the handshake is not base64")
}

async fn go_on(connection: OnUpgrade, accepted: Accepted, caller: Caller, app: App) {
    if let Ok(Ok(upgraded)) = tokio::time::timeout(UPGRADE_LIMIT, connection).await {
        serve(TokioIo::new(upgraded), accepted, caller, app).await;
    }
}

/// Ends the handshake, and serves the device.
async fn serve<IO>(mut stream: IO, accepted: Accepted, caller: Caller, app: App)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let answer = async {
        stream.write_all(&accepted.response).await?;
        stream.flush().await
    };
    if let Ok(Ok(())) = tokio::time::timeout(UPGRADE_LIMIT, answer).await {
        // Boxed: it holds two ciphers, and is handed on more than once.
        let stream = Box::new(NoiseStream::new(stream, accepted.keys));
        connection::serve(stream, caller, app).await;
    }
}
