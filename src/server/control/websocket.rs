//! A WebSocket as a byte stream: how clients in browsers reach the coordinator and the relay, for they have no
//! other connection (RFC 6455; Tailscale's `net/wsconn`). The doors hand the stream on to what serves every
//! client; what the bytes mean is none of its business.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts as _, Request};
use axum::response::Response;
use bytes::{Buf as _, Bytes};
use futures_util::{Sink, Stream};
use http::header;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::core::{Error, Result};
use crate::runtime::Supervisor;

/// The longest message that is taken, and the longest that is sent: a client sends each of its writes as one,
/// and a relayed packet of 64 KiB is its longest.
const MAX_MESSAGE: usize = 128 * 1024;
/// What is read at once. It is kept for as long as the connection lives.
const READ_BUFFER: usize = 4 * 1024;
/// Messages without data (pings, empty ones) before others get their turn.
const MAX_ROUNDS: usize = 16;

/// Whether a request asks for a WebSocket.
pub fn is_asked(request: &Request) -> bool {
    let asked = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    asked.is_some_and(|asked| asked.eq_ignore_ascii_case("websocket"))
}

/// Accepts a request for a WebSocket that speaks `protocol`, and runs what `serve` makes of its bytes as a task
/// of `tasks`. Fails with `malformed_websocket` or `unknown_subprotocol`.
pub async fn accept<F>(
    request: Request,
    protocol: &'static str,
    tasks: &Supervisor,
    serve: impl FnOnce(WebSocketStream) -> F + Send + 'static,
) -> Result<Response>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let upgrade = upgrade.map_err(|e| Error::usage("malformed_websocket", e.body_text()))?;
    let upgrade = bounded(upgrade).protocols([protocol]);
    if upgrade.selected_protocol().is_none() {
        let message = format!("this WebSocket speaks the subprotocol {protocol} alone");
        return Err(Error::usage("unknown_subprotocol", message));
    }
    let tasks = tasks.clone();
    Ok(upgrade.on_upgrade(async move |socket| tasks.spawn("websocket", serve(WebSocketStream::new(socket)))))
}

fn bounded(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * MAX_MESSAGE)
}

/// The bytes of the binary messages, one after another; where a message ends means nothing.
pub struct WebSocketStream {
    socket: WebSocket,
    /// What is left of the message that is being read.
    unread: Bytes,
}

impl WebSocketStream {
    fn new(socket: WebSocket) -> Self {
        WebSocketStream { socket, unread: Bytes::new() }
    }

    fn socket(&mut self) -> Pin<&mut WebSocket> {
        Pin::new(&mut self.socket)
    }

    /// The next message with its kind; `None` at the end.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let message = ready!(self.socket().poll_next(cx)).transpose().map_err(io::Error::other)?;
        Poll::Ready(match message {
            Some(Message::Binary(bytes)) => Ok(Some(bytes)),
            Some(Message::Ping(_) | Message::Pong(_)) => Ok(Some(Bytes::new())),
            Some(Message::Text(_)) => Err(io::Error::new(io::ErrorKind::InvalidData, "text came, not bytes")),
            Some(Message::Close(_)) | None => Ok(None),
        })
    }
}

impl AsyncRead for WebSocketStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        for _ in 0..MAX_ROUNDS {
            if !this.unread.is_empty() {
                let fits = this.unread.len().min(out.remaining());
                out.put_slice(&this.unread[..fits]);
                this.unread.advance(fits);
                return Poll::Ready(Ok(()));
            }
            match ready!(this.poll_message(cx))? {
                Some(bytes) => this.unread = bytes,
                None => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl AsyncWrite for WebSocketStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.socket().poll_ready(cx)).map_err(io::Error::other)?;
        let part = &data[..data.len().min(MAX_MESSAGE)];
        let message = Message::Binary(Bytes::copy_from_slice(part));
        self.socket().start_send(message).map_err(io::Error::other)?;
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_flush(cx).map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_close(cx).map_err(io::Error::other)
    }
}
