//! One device's encrypted connection: HTTP/2 with prior knowledge over Noise. One task a connection drives
//! the transport and all of its requests, so that an idle device costs no more than its buffers.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Method, Request, StatusCode};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{map, refusal, register};
use crate::core::key::MachineKey;
use crate::core::{Error, Kind, Result};
use crate::service::app::App;

/// Requests that a device may have under way at once; the protocol needs three.
const MOST_STREAMS: u32 = 16;
/// The largest body of a request: a register or map request with a long host description is a tenth of it.
const MOST_BODY: usize = 256 * 1024;
/// What may wait in a connection for a slow reader, in bytes.
const SEND_BUFFER: usize = 64 * 1024;
/// How long a device may take for its first and for each further request.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long a device may take to send a body.
const BODY_LIMIT: Duration = Duration::from_secs(20);

/// Who speaks on a connection: proven by the handshake.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    pub machine_key: MachineKey,
    pub address: std::net::IpAddr,
}

/// Serves one device until it leaves or the coordinator stops.
pub async fn serve<IO>(stream: IO, caller: Caller, app: App)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = h2::server::Builder::new();
    builder
        .max_concurrent_streams(MOST_STREAMS)
        .max_concurrent_reset_streams(8)
        .max_header_list_size(16 * 1024)
        .max_send_buffer_size(SEND_BUFFER);
    let Ok(Ok(mut connection)) =
        tokio::time::timeout(HANDSHAKE_LIMIT, builder.handshake::<_, Bytes>(stream)).await
    else {
        return;
    };
    let mut stop = app.supervisor().stop_signal();
    let mut requests = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => requests.push(handle(request, respond, caller, &app)),
                Some(Err(_)) | None => return,
            },
            Some(()) = requests.next(), if !requests.is_empty() => {}
            () = stop.wait() => break,
        }
    }
    drop(requests);
    connection.graceful_shutdown();
    // What is left to say is one frame; a device that does not read it is not waited for.
    let _ =
        tokio::time::timeout(Duration::from_secs(1), std::future::poll_fn(|cx| connection.poll_closed(cx)))
            .await;
}

async fn handle(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, caller: Caller, app: &App) {
    if let Err(error) = dispatch(request, &mut respond, caller, app).await {
        refusal::refuse(&mut respond, &error);
    }
}

async fn dispatch(
    request: Request<RecvStream>,
    respond: &mut SendResponse<Bytes>,
    caller: Caller,
    app: &App,
) -> Result<()> {
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::POST, "/machine/register") => {
            Box::pin(register::handle(&read(body).await?, respond, caller, app)).await
        }
        (&Method::POST, "/machine/map") => map::handle(&read(body).await?, respond, caller, app).await,
        (_, "/machine/update-health") => {
            refusal::answer(respond, StatusCode::NO_CONTENT, "text/plain", Bytes::new());
            Ok(())
        }
        (_, path) if is_known(path) => Err(unsupported(path)),
        (_, path) => Err(Error::new(Kind::NotFound, "no_such_endpoint", format!("there is no {path} here"))),
    }
}

/// Endpoints of the protocol that this coordinator does not offer: docs/compatibility.md lists them.
const UNSUPPORTED: [&str; 7] = [
    "/machine/set-dns",
    "/machine/feature/query",
    "/machine/id-token",
    "/machine/audit-log",
    "/machine/set-device-attr",
    "/machine/whoami",
    "/machine/c2n",
];
/// The same for all that begins so.
const UNSUPPORTED_BELOW: [&str; 3] = ["/machine/tka/", "/machine/webclient/", "/machine/ssh/"];

fn is_known(path: &str) -> bool {
    UNSUPPORTED.contains(&path) || UNSUPPORTED_BELOW.iter().any(|prefix| path.starts_with(prefix))
}

fn unsupported(path: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        "unsupported_endpoint",
        format!("{path} is not supported by this coordinator"),
    )
}

/// Reads a body whole, within its limits.
async fn read(mut body: RecvStream) -> Result<Bytes> {
    let whole = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.data().await {
            let chunk =
                chunk.map_err(|e| Error::usage("broken_request", "the request ended early").source(e))?;
            if bytes.len() + chunk.len() > MOST_BODY {
                return Err(Error::new(Kind::TooLarge, "body_too_large", "the request is too large"));
            }
            // Room in the window comes back as the bytes are taken.
            let _ = body.flow_control().release_capacity(chunk.len());
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    let late = |_| Error::usage("body_too_slow", "the request took too long to arrive");
    tokio::time::timeout(BODY_LIMIT, whole).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_lists_exactly_what_is_not_supported() {
        let document = include_str!("../../../docs/compatibility.md");
        let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let mut listed: Vec<&str> = rows.filter(|cell| cell.starts_with("/machine/")).collect();
        let below = UNSUPPORTED_BELOW.map(|prefix| format!("{prefix}…"));
        let mut answered: Vec<&str> =
            UNSUPPORTED.iter().copied().chain(below.iter().map(String::as_str)).collect();
        listed.sort_unstable();
        answered.sort_unstable();
        assert_eq!(listed, answered);
    }
}
