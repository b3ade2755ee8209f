//! Messages of a map stream: length (u32, little-endian), then JSON, plain or in zstd frames. A message may
//! be put together from several zstd frames, because the client's decoder takes any number of them one
//! after another: so a piece that many devices are sent is compressed once.

use bytes::Bytes;
use std::cell::RefCell;

use crate::mesh::native::wire::MapRequest;

/// How a device wants its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Zstd,
}

/// How maps are made for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub encoding: Encoding,
    /// It checks a relay's certificate by its digest.
    pub pins: bool,
    /// It wishes to be told of its peers.
    pub peers: bool,
}

impl Client {
    /// What nearly all devices are.
    pub const USUAL: Client = Client { encoding: Encoding::Zstd, pins: true, peers: true };

    /// What a device asks for, and can.
    pub fn of(request: &MapRequest) -> Self {
        Client {
            encoding: Encoding::of(request),
            pins: request.pins_certificates(),
            peers: request.wants_peers(),
        }
    }
}

/// The fastest level: at these sizes higher ones cost several times more and save a few per cent.
const LEVEL: i32 = 1;

thread_local! {
    // A compressor holds tables worth keeping; a thread has one.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
}

impl Encoding {
    /// What a device asks for.
    pub fn of(request: &MapRequest) -> Self {
        if request.wants_zstd() { Encoding::Zstd } else { Encoding::Plain }
    }

    /// One piece of a message in this encoding.
    pub fn encode(self, json: &[u8]) -> Bytes {
        match self {
            Encoding::Plain => Bytes::copy_from_slice(json),
            Encoding::Zstd => compress(json),
        }
    }
}

fn compress(json: &[u8]) -> Bytes {
    let compressed = COMPRESSOR.with_borrow_mut(|slot| {
        let mut compressor = match slot.take() {
            Some(compressor) => compressor,
            None => zstd::bulk::Compressor::new(LEVEL).ok()?,
        };
        let result = compressor.compress(json).ok();
        *slot = Some(compressor);
        result
    });
    // zstd fails only where memory does. A frame of raw blocks says the same without it.
    Bytes::from(compressed.unwrap_or_else(|| raw_frame(json)))
}

/// A zstd frame that holds `json` uncompressed (RFC 8878, section 3.1.1): window of 128 KiB, raw blocks.
fn raw_frame(json: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 1 << 16;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    let mut blocks = json.chunks(BLOCK).peekable();
    if blocks.peek().is_none() {
        frame.extend([1, 0, 0]);
    }
    while let Some(block) = blocks.next() {
        let last = u32::from(blocks.peek().is_none());
        let header = u32::try_from(block.len()).unwrap_or(0) << 3 | last;
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(block);
    }
    frame
}

/// What is sent to a device that nothing has happened to (`KeepAlive`): exactly this, and nothing beside it.
pub fn keep_alive(encoding: Encoding) -> Bytes {
    small_message(encoding, br#"{"KeepAlive":true}"#)
}

/// A message from its encoded pieces, with the length before it.
pub fn message(pieces: Vec<Bytes>) -> Vec<Bytes> {
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    std::iter::once(Bytes::copy_from_slice(&length)).chain(pieces).collect()
}

/// A message of one small piece, in one buffer.
pub fn small_message(encoding: Encoding, json: &[u8]) -> Bytes {
    let piece = encoding.encode(json);
    let mut whole = Vec::with_capacity(4 + piece.len());
    whole.extend(u32::try_from(piece.len()).unwrap_or(u32::MAX).to_le_bytes());
    whole.extend(&piece);
    Bytes::from(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Vec<u8> {
        zstd::decode_all(bytes).unwrap()
    }

    #[test]
    fn frames_one_after_another_read_as_one_text() {
        let pieces = [b"{\"Peers\":[".as_slice(), b"1", b",", b"2", b"]}"];
        let whole: Vec<u8> = pieces.iter().flat_map(|p| Encoding::Zstd.encode(p)).collect();
        assert_eq!(decode(&whole), b"{\"Peers\":[1,2]}");
    }

    #[test]
    fn a_raw_frame_is_read_by_every_decoder() {
        for size in [0, 1, 70_000, 200_000] {
            let text = vec![b'x'; size];
            assert_eq!(decode(&raw_frame(&text)), text);
        }
    }

    #[test]
    fn a_message_starts_with_its_length() {
        let message = small_message(Encoding::Plain, b"{}");
        assert_eq!(&message[..], [2, 0, 0, 0, b'{', b'}']);
    }
}
