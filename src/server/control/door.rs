//! Where devices knock, over plain HTTP: the coordinator's key, and the upgrade to the encrypted connection.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

use super::connection::{self, Caller};
use crate::core::key::MachineKey;
use crate::core::{Error, Result};
use crate::mesh::native::noise::{self, Accepted, ControlKey, NoiseStream};
use crate::server::problem::Failure;
use crate::server::request::Peer;
use crate::service::app::App;

const PROTOCOL: &str = "tailscale-control-protocol";
const HANDSHAKE: HeaderName = HeaderName::from_static("x-tailscale-handshake");
/// How long a device may take from the answer to its upgrade.
const UPGRADE_LIMIT: Duration = Duration::from_secs(10);

/// What the door knows.
#[derive(Clone)]
struct Door {
    app: App,
    key: Arc<ControlKey>,
}

/// `GET /key` and `POST /ts2021`.
pub fn routes(app: App, key: ControlKey) -> Router {
    let door = Door { app, key: Arc::new(key) };
    Router::new().route("/key", get(key_of)).route("/ts2021", post(upgrade)).with_state(door)
}

/// The coordinator's public key (`tailcfg.OverTLSPublicKeyResponse`). There is no key for the protocol
/// before ts2021: zeros say so.
async fn key_of(State(door): State<Door>) -> Response {
    let (legacy, key) = (MachineKey::default(), door.key.public());
    Json(json!({ "legacyPublicKey": legacy, "publicKey": key })).into_response()
}

/// Answers the first message of the handshake and goes on encrypted (`control/controlhttp`).
async fn upgrade(State(door): State<Door>, mut request: Request) -> Result<Response, Failure> {
    let accepted = noise::accept(&door.key, &initiation(request.headers())?)?;
    let address = request.extensions().get::<Peer>().map(|peer| peer.0);
    let address = address.ok_or_else(|| Error::bug("a request came from nowhere"))?;
    let caller = Caller { machine_key: accepted.machine, address };
    let connection = hyper::upgrade::on(&mut request);
    let app = door.app.clone();
    door.app.supervisor().spawn("device", go_on(connection, accepted, caller, app));
    let headers = [
        (header::UPGRADE, HeaderValue::from_static(PROTOCOL)),
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// The handshake's first message, from the headers of an upgrade. Pure, so that a fuzz target can call it.
/// Fails with `not_a_device` where no upgrade is asked for, and with `malformed_handshake`.
pub fn initiation(headers: &HeaderMap) -> Result<Vec<u8>> {
    let asked = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    if asked != Some(PROTOCOL) {
        return Err(Error::usage(
            "not_a_device",
            "this is where devices connect, with a protocol of their own",
        )
        .hint("use `tailscale up --login-server URL` on a device"));
    }
    let handshake = headers.get(HANDSHAKE).map(HeaderValue::as_bytes).unwrap_or_default();
    STANDARD.decode(handshake).map_err(|_| Error::usage("malformed_handshake", "the handshake is not base64"))
}

async fn go_on(connection: OnUpgrade, accepted: Accepted, caller: Caller, app: App) {
    let Ok(Ok(upgraded)) = tokio::time::timeout(UPGRADE_LIMIT, connection).await else { return };
    let mut stream = TokioIo::new(upgraded);
    let answered = tokio::time::timeout(UPGRADE_LIMIT, stream.write_all(&accepted.response)).await;
    if matches!(answered, Ok(Ok(()))) {
        connection::serve(NoiseStream::new(stream, accepted.keys, &[]), caller, app).await;
    }
}
