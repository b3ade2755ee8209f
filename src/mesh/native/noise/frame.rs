//! The frames of the transport: a type byte, a big-endian length, and the body (Tailscale's
//! `control/controlbase/messages.go`).

use std::{fmt, io};

/// A whole frame, header included, is never longer.
pub const MAX_FRAME: usize = 4096;
/// What a record may hold: a frame without its header and the tag.
pub const MAX_PLAINTEXT: usize = MAX_FRAME - HEADER - TAG;
/// Type and length.
pub(super) const HEADER: usize = 3;
/// The authentication tag of ChaCha20-Poly1305 (RFC 8439).
pub(super) const TAG: usize = 16;

pub(super) const INITIATION: u8 = 1;
pub(super) const RESPONSE: u8 = 2;
pub(super) const RECORD: u8 = 4;

/// What is wrong with the other side's records. After it the connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another type of frame than a record.
    Type(u8),
    /// Longer than a frame may be, or too short for its tag.
    Length(usize),
    /// Changed, repeated or out of order on the way, or sealed with another key.
    Tag,
    /// 2^64 - 1 records were sent: another would use a nonce twice.
    Exhausted,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Type(kind) => write!(f, "a frame of type {kind} came where a record was expected"),
            Fault::Length(length) => write!(f, "a record said that it is {length} bytes long"),
            Fault::Tag => f.write_str("a record did not authenticate"),
            Fault::Exhausted => f.write_str("the connection has used up its nonces"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, fault)
    }
}

/// How long the record is that `bytes` begins with, header included; `None` when the header is not whole.
/// Pure, so that a fuzz target can call it.
pub fn frame_length(bytes: &[u8]) -> Result<Option<usize>, Fault> {
    match *bytes {
        [kind, ..] if kind != RECORD => Err(Fault::Type(kind)),
        [_, high, low, ..] => check_length(usize::from(u16::from_be_bytes([high, low]))).map(Some),
        _ => Ok(None),
    }
}

fn check_length(body: usize) -> Result<usize, Fault> {
    let sound = (TAG..=MAX_FRAME - HEADER).contains(&body);
    if sound { Ok(HEADER + body) } else { Err(Fault::Length(body)) }
}

/// The three bytes before a body.
pub(super) fn header(kind: u8, body: usize) -> [u8; HEADER] {
    let [high, low] = u16::try_from(body).unwrap_or(u16::MAX).to_be_bytes();
    [kind, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_checked_byte_by_byte() {
        assert_eq!(frame_length(&[]), Ok(None));
        assert_eq!(frame_length(&[4, 0]), Ok(None));
        assert_eq!(frame_length(&[4, 0, 16]), Ok(Some(19)));
        assert_eq!(frame_length(&[4, 0x0f, 0xfd]), Ok(Some(MAX_FRAME)));
        assert_eq!(frame_length(&[4, 0x0f, 0xfe]), Err(Fault::Length(4094)));
        assert_eq!(frame_length(&[4, 0, 15]), Err(Fault::Length(15)));
        assert_eq!(frame_length(&[1]), Err(Fault::Type(1)));
    }
}
