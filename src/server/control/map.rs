//! `POST /machine/map`: a device says where it is, opens the stream on which it is told of
//! its peers, or asks for one map.

use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use http::{Response, StatusCode};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use super::connection::Caller;
use super::refusal;
use crate::core::Result;
use crate::mesh::native::realm::{Attached, Device, Encoding, Next, Outbox, keep_alive};
use crate::mesh::native::wire::{MapRequest, Wish};
use crate::service::app::App;
use crate::service::device;

/// A device that takes no byte for this long is cut off; it comes back when it can.
const STALL_LIMIT: Duration = Duration::from_secs(60);

pub async fn handle(
    body: &[u8],
    respond: &mut SendResponse<Bytes>,
    caller: &Caller,
    app: &App,
) -> Result<()> {
    let request = MapRequest::read(body)?;
    let device = Device { machine_key: caller.machine_key, node_key: request.nodekey };
    match request.wish() {
        Wish::Stream => follow(device, request, respond, caller, app).await,
        Wish::Once => once(device, request, respond, caller, app).await,
        Wish::Report => {
            Box::pin(device::report(app, device, request)).await?;
            caller.is_known();
            refusal::answer(respond, StatusCode::OK, "application/json", Bytes::new());
            Ok(())
        }
    }
}

/// Tells the device of everything until it goes away.
async fn follow(
    device: Device,
    request: MapRequest,
    respond: &mut SendResponse<Bytes>,
    caller: &Caller,
    app: &App,
) -> Result<()> {
    let (encoding, outbox) = (Encoding::of(&request), Arc::new(Outbox::default()));
    let attached = Box::pin(device::attach(app, device, request, Arc::clone(&outbox))).await?;
    caller.is_known();
    let Ok(mut stream) = MapStream::open(respond, &device, encoding) else { return Ok(()) };
    let _online = app.metrics().connected();
    // However the stream ends, there is nobody left to tell.
    let _ = stream.run(&outbox, &attached).await;
    Ok(())
}

/// Sends one whole map, framed as on a stream, and ends the answer. The device does not come online by it.
async fn once(
    device: Device,
    request: MapRequest,
    respond: &mut SendResponse<Bytes>,
    caller: &Caller,
    app: &App,
) -> Result<()> {
    let (encoding, outbox) = (Encoding::of(&request), Arc::new(Outbox::default()));
    Box::pin(device::once(app, device, request, Arc::clone(&outbox))).await?;
    caller.is_known();
    let Ok(mut stream) = MapStream::open(respond, &device, encoding) else { return Ok(()) };
    let _ = stream.drain(&outbox).await;
    Ok(())
}

/// 50 to 59 seconds, spread over the devices so that they do not all speak at once.
fn keep_alive_interval(device: &Device) -> Duration {
    Duration::from_secs(50 + u64::from(device.node_key.as_bytes()[0] % 10))
}

struct MapStream {
    stream: SendStream<Bytes>,
    every: Duration,
    keep_alive: Bytes,
}

/// The device has closed the stream, or does not read it.
struct Gone;

impl MapStream {
    fn open(respond: &mut SendResponse<Bytes>, device: &Device, encoding: Encoding) -> Result<Self, Gone> {
        let stream = respond.send_response(Response::new(()), false).map_err(|_| Gone)?;
        Ok(MapStream { stream, every: keep_alive_interval(device), keep_alive: keep_alive(encoding) })
    }

    async fn run(&mut self, outbox: &Outbox, attached: &Attached) -> Result<(), Gone> {
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(self.every, outbox.next()) => next,
                _ = poll_fn(|cx| self.stream.poll_reset(cx)) => return Err(Gone),
            };
            match next {
                Err(_) => self.send(self.keep_alive.clone()).await?,
                Ok(Next::Send(bytes)) => self.send(bytes).await?,
                Ok(Next::Resync) => attached.resync().await.map_err(|_| Gone)?,
                Ok(Next::Close) => return self.end(),
            }
        }
    }

    /// Sends what is in a closed outbox.
    async fn drain(&mut self, outbox: &Outbox) -> Result<(), Gone> {
        while let Next::Send(bytes) = outbox.next().await {
            self.send(bytes).await?;
        }
        self.end()
    }

    /// Hands bytes to the connection as far as the device's window lets them through.
    async fn send(&mut self, mut bytes: Bytes) -> Result<(), Gone> {
        while !bytes.is_empty() {
            self.stream.reserve_capacity(bytes.len());
            let room = tokio::time::timeout(STALL_LIMIT, poll_fn(|cx| self.stream.poll_capacity(cx))).await;
            let Ok(Some(Ok(room))) = room else { return Err(self.reset()) };
            let part = bytes.split_to(room.min(bytes.len()));
            self.stream.send_data(part, false).map_err(|_| Gone)?;
        }
        Ok(())
    }

    fn reset(&mut self) -> Gone {
        self.stream.send_reset(h2::Reason::CANCEL);
        Gone
    }

    fn end(&mut self) -> Result<(), Gone> {
        self.stream.send_data(Bytes::new(), true).map_err(|_| Gone)
    }
}
