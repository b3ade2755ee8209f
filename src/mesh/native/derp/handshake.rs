//! How a client and the relay learn who the other is: the relay names its key, the client proves its own in a
//! box, the relay answers in a box (Tailscale's `derp/derpserver`).

use serde::Deserialize;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::connection::End;
use super::frame::{CLIENT_INFO, Frame, KEY, SERVER_INFO, SERVER_KEY, encode, split};
use super::http::VERSION;
use super::key::RelayKey;
use crate::core::key::NodeKey;

const MAGIC: &[u8] = "DERP🔑".as_bytes();
/// A client's first frame is a few hundred bytes; nobody is known yet who might send more.
const MAX_CLIENT_INFO: usize = 4 * 1024;

/// What a client says of itself. Of its other members none changes what this relay does.
#[derive(Deserialize)]
struct ClientInfo {
    #[serde(default)]
    version: u32,
}

/// Greets the client and returns its key, proven; `unread` holds what came and was not used yet.
pub(super) async fn greet<IO>(io: &mut IO, key: &RelayKey, unread: &mut Vec<u8>) -> Result<NodeKey, End>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    send(io, &encode(SERVER_KEY, &[MAGIC, key.public().as_bytes()])).await?;
    loop {
        if let Some((frame, rest)) = split(unread, MAX_CLIENT_INFO).map_err(|_| End::Garbage)? {
            let node = identify(key, &frame).ok_or(End::Forged)?;
            *unread = rest.to_vec();
            return Ok(node);
        }
        if io.read_buf(unread).await.map_err(End::Network)? == 0 {
            return Err(End::Closed);
        }
    }
}

/// Tells the client that it is admitted.
pub(super) async fn welcome<IO>(io: &mut IO, key: &RelayKey, node: &NodeKey) -> Result<(), End>
where
    IO: AsyncWrite + Unpin,
{
    let info = serde_json::json!({ "version": VERSION }).to_string();
    let sealed = key.seal(node, info.as_bytes()).ok_or(End::Forged)?;
    send(io, &encode(SERVER_INFO, &[&sealed])).await
}

/// The key that a ClientInfo (key, nonce, box of JSON) proves.
fn identify(key: &RelayKey, frame: &Frame<'_>) -> Option<NodeKey> {
    let (node, sealed) = frame.body.split_first_chunk::<KEY>().filter(|_| frame.kind == CLIENT_INFO)?;
    let node = NodeKey(*node);
    let info: ClientInfo = serde_json::from_slice(&key.open(&node, sealed)?).ok()?;
    (info.version == VERSION && !node.is_zero()).then_some(node)
}

async fn send<IO: AsyncWrite + Unpin>(io: &mut IO, frame: &[u8]) -> Result<(), End> {
    let sent: io::Result<()> = async {
        io.write_all(frame).await?;
        io.flush().await
    }
    .await;
    sent.map_err(End::Network)
}
