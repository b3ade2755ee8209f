//! A device's connection: HTTP/2 over the encrypted records.

use bytes::Bytes;
use crypto_box::SecretKey;
use h2::RecvStream;
use h2::client::{Connection, SendRequest};
use http::{HeaderMap, Method, Request};
use serde_json::Value;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;

use super::Site;
use super::record::{self, RecordStream};

/// How long the coordinator may take for anything that is no stream.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the device lets the coordinator send ahead, in bytes: much, as Go's clients do (`net/http2`).
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 1 << 30;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of an answer that is a success.
    pub fn document(&self) -> io::Result<Value> {
        if self.status != 200 {
            return Err(io::Error::other(format!("{}: {}", self.status, self.text())));
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// A connection; dropped, it is cut.
pub struct Link {
    requests: SendRequest<Bytes>,
    stalled: watch::Sender<bool>,
    driver: tokio::task::JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Link {
    pub async fn connect(site: Site, machine: &SecretKey) -> io::Result<Link> {
        let begin = async {
            let records = record::connect(site, machine).await?;
            let mut builder = h2::client::Builder::new();
            builder.initial_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
            builder.handshake(records).await.map_err(io::Error::other)
        };
        let (requests, connection) = in_time(begin).await?;
        let (stalled, watched) = watch::channel(false);
        #[expect(clippy::disallowed_methods, reason = "a test has no supervisor")]
        let driver = tokio::spawn(drive(connection, watched));
        Ok(Link { requests, stalled, driver })
    }

    /// Whether the other side has ended it.
    pub fn is_over(&self) -> bool {
        self.driver.is_finished()
    }

    pub fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// Sends a request; gives the status and the body as it comes.
    pub async fn open(&mut self, path: &str, body: Bytes) -> io::Result<(u16, RecvStream)> {
        let answer = in_time(self.exchange(path, body)).await?;
        Ok((answer.status().as_u16(), answer.into_body()))
    }

    /// Sends a request, and reads the answer whole.
    pub async fn request(&mut self, path: &str, body: Bytes) -> io::Result<Answer> {
        in_time(async {
            let (head, mut stream) = self.exchange(path, body).await?.into_parts();
            let mut body = Vec::new();
            while let Some(part) = stream.data().await {
                let part = part.map_err(io::Error::other)?;
                let _ = stream.flow_control().release_capacity(part.len());
                body.extend_from_slice(&part);
            }
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.into() })
        })
        .await
    }

    async fn exchange(&mut self, path: &str, mut body: Bytes) -> io::Result<http::Response<RecvStream>> {
        let request = Request::builder().method(Method::POST).uri(format!("http://x{path}")).body(());
        let mut requests = self.requests.clone().ready().await.map_err(io::Error::other)?;
        let request = request.map_err(io::Error::other)?;
        let (mut answer, mut stream) = requests.send_request(request, false).map_err(io::Error::other)?;
        while !body.is_empty() {
            stream.reserve_capacity(body.len());
            let room = tokio::select! {
                biased;
                // An answer may come before the whole body is sent, and end it.
                early = &mut answer => return early.map_err(io::Error::other),
                room = std::future::poll_fn(|cx| stream.poll_capacity(cx)) => room,
            };
            // Where it has come by now, no more can be sent.
            let Some(Ok(room)) = room else { break };
            if stream.send_data(body.split_to(room.min(body.len())), false).is_err() {
                break;
            }
        }
        let _ = stream.send_data(Bytes::new(), true);
        answer.await.map_err(io::Error::other)
    }
}

/// Moves the bytes of a connection, but for while it is stalled.
async fn drive(connection: Connection<RecordStream>, mut stalled: watch::Receiver<bool>) {
    let mut connection = pin!(connection);
    loop {
        if stalled.wait_for(|stalled| !stalled).await.is_err() {
            return;
        }
        tokio::select! {
            _ = &mut connection => return,
            stall = stalled.wait_for(|stalled| *stalled) => if stall.is_err() { return },
        }
    }
}

pub(super) async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
