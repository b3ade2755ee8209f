//! The relay's frames: a type byte, a big-endian length, and the body (Tailscale's `derp/derp.go`).

use crate::core::key::NodeKey;

/// Type and length.
pub(super) const HEADER: usize = 5;
/// A packet between two nodes is never longer.
pub const MAX_PACKET: usize = 64 * 1024;
/// A body is never longer: a key and a packet.
pub(super) const MAX_BODY: usize = KEY + MAX_PACKET;
pub(super) const KEY: usize = 32;

pub(super) const SERVER_KEY: u8 = 0x01;
pub(super) const CLIENT_INFO: u8 = 0x02;
pub(super) const SERVER_INFO: u8 = 0x03;
pub(super) const SEND: u8 = 0x04;
pub(super) const RECEIVE: u8 = 0x05;
pub(super) const KEEP_ALIVE: u8 = 0x06;
pub(super) const NOTE_PREFERRED: u8 = 0x07;
pub(super) const PEER_GONE: u8 = 0x08;
pub(super) const FORWARD: u8 = 0x0a;
pub(super) const WATCH: u8 = 0x10;
pub(super) const CLOSE_PEER: u8 = 0x11;
pub(super) const PING: u8 = 0x12;
pub(super) const PONG: u8 = 0x13;

/// Why a peer cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// It was connected and has left.
    Disconnected = 0,
    /// It is not connected.
    NotHere = 1,
}

/// A frame says that it is longer than a frame may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// One frame of what a client sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub kind: u8,
    pub body: &'a [u8],
}

/// Splits the first frame off `bytes`; `None` while it is not whole. A body longer than `limit` is refused as
/// soon as its header is there. Pure, so that a fuzz target can call it.
pub fn split(bytes: &[u8], limit: usize) -> Result<Option<(Frame<'_>, &[u8])>, TooLong> {
    let Some((&[kind, a, b, c, d], rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if length > limit {
        return Err(TooLong);
    }
    Ok(rest.split_at_checked(length).map(|(body, rest)| (Frame { kind, body }, rest)))
}

/// A frame whose body is `parts` one after another, in one allocation.
pub(super) fn encode(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = Vec::with_capacity(HEADER + length);
    frame.push(kind);
    frame.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    for part in parts {
        frame.extend_from_slice(part);
    }
    frame
}

/// What tells a client that `peer` cannot be reached.
pub(super) fn peer_gone(peer: &NodeKey, reason: Gone) -> Vec<u8> {
    encode(PEER_GONE, &[peer.as_bytes(), &[reason as u8]])
}

/// Whether a packet looks like path discovery (Tailscale's `disco/disco.go`): its magic, a key, a nonce.
pub(super) fn is_disco(packet: &[u8]) -> bool {
    const MAGIC: &[u8] = "TS💬".as_bytes();
    packet.len() >= MAGIC.len() + 32 + 24 && packet.starts_with(MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_is_refused_by_its_header_alone() {
        assert_eq!(split(&[SEND, 0, 1, 0, 32], MAX_BODY), Ok(None));
        assert_eq!(split(&[SEND, 0, 1, 0, 33], MAX_BODY), Err(TooLong));
        assert_eq!(split(&[SEND, 0xff, 0xff, 0xff, 0xff], MAX_BODY), Err(TooLong));
    }

    #[test]
    fn disco_packets_are_told_from_others() {
        let mut packet = b"TS\xf0\x9f\x92\xac".to_vec();
        assert!(!is_disco(&packet));
        packet.resize(62, 0);
        assert!(is_disco(&packet));
        packet[0] = 1;
        assert!(!is_disco(&packet));
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in(
            frames in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..200)), 0..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(kind, body)| encode(*kind, &[body])).collect();
            let cut = cut.index(bytes.len() + 1);
            let (mut rest, mut at) = (&bytes[..cut], 0);
            while let Some((frame, tail)) = split(rest, MAX_BODY).unwrap() {
                prop_assert_eq!((frame.kind, frame.body), (frames[at].0, &frames[at].1[..]));
                (rest, at) = (tail, at + 1);
            }
            prop_assert!(at == frames.len() || rest.len() < HEADER + frames[at].1.len());
        }

        #[test]
        fn any_bytes_are_split_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut rest = &bytes[..];
            while let Ok(Some((_, tail))) = split(rest, MAX_BODY) {
                prop_assert!(tail.len() < rest.len());
                rest = tail;
            }
        }
    }
}
