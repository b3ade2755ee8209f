//! One device's encrypted connection: HTTP/2 with prior knowledge over Noise. One task a connection drives
//! the transport and all of its requests, so that an idle device costs no more than its buffers.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Method, Request, StatusCode};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{map, refusal, register};
use crate::core::key::MachineKey;
use crate::core::{Error, Kind, Result};
use crate::server::crowd::Seat;
use crate::service::app::App;

/// Requests that a device may have under way at once; the protocol needs three.
const MOST_STREAMS: u32 = 16;
/// The largest body of a request: a register or map request with a long host description is a tenth of it.
const MOST_BODY: usize = 256 * 1024;
/// What may wait in a connection for a slow reader, in bytes.
const SEND_BUFFER: usize = 64 * 1024;
/// How long a device may take to begin HTTP/2.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may have no request under way. A device that is there holds its map stream open.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
/// How long a device may take to send a body.
const BODY_LIMIT: Duration = Duration::from_secs(20);

/// Who speaks on a connection: proven by the handshake.
pub struct Caller {
    pub machine_key: MachineKey,
    pub address: IpAddr,
    /// Its place among the strangers of its address.
    seat: Mutex<Option<Seat>>,
}

impl Caller {
    pub fn stranger(machine_key: MachineKey, address: IpAddr, seat: Seat) -> Self {
        Caller { machine_key, address, seat: Mutex::new(Some(seat)) }
    }

    /// It is a node: no stranger any more.
    pub fn is_known(&self) {
        drop(self.seat.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Serves one device until it leaves, asks nothing any more, or the coordinator stops.
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
                Some(Ok((request, respond))) => requests.push(Box::pin(handle(request, respond, &caller, &app))),
                Some(Err(_)) | None => return,
            },
            Some(()) = requests.next(), if !requests.is_empty() => {}
            () = tokio::time::sleep(IDLE_LIMIT), if requests.is_empty() => break,
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

async fn handle(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, caller: &Caller, app: &App) {
    if let Err(error) = dispatch(request, &mut respond, caller, app).await {
        refusal::refuse(&mut respond, &error);
    }
}

async fn dispatch(
    request: Request<RecvStream>,
    respond: &mut SendResponse<Bytes>,
    caller: &Caller,
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
    .hint("docs/compatibility.md lists what is")
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
    use crate::runtime::{Clock, Supervisor};
    use crate::server::crowd::Crowd;
    use crate::service::app::Settings;
    use crate::store::{DatabaseUrl, Purpose, Store};

    #[tokio::test(start_paused = true)]
    async fn a_stranger_who_asks_nothing_is_shown_out_and_leaves_its_seat() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&DatabaseUrl::in_data_dir(directory.path()), Purpose::Serve).unwrap();
        let settings = Settings::at("http://127.0.0.1:1".parse().unwrap());
        let app = App::new(store, Clock::system(), Supervisor::new(), settings);
        let (crowd, address) = (Crowd::new(1), IpAddr::from([192, 0, 2, 1]));
        let stranger = || Caller::stranger(MachineKey([1; 32]), address, crowd.enter(address).unwrap());
        let (near, far) = tokio::io::duplex(1 << 16);
        let client = async {
            let (_requests, connection) = h2::client::handshake(far).await.unwrap();
            connection.await
        };
        let both = async { tokio::join!(serve(near, stranger(), app), client) };
        assert!(tokio::time::timeout(10 * IDLE_LIMIT, both).await.is_ok());
        let known = stranger();
        assert!(crowd.enter(address).is_none());
        known.is_known();
        assert!(crowd.enter(address).is_some(), "a node does not count");
    }

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
