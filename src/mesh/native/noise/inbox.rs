//! The receiving half of a [`super::NoiseStream`]: from frames to plain text, keeping only what is left over.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

use super::cipher::Cipher;
use super::frame::{Fault, HEADER, MAX_FRAME, frame_length};

/// Bytes of the stack that one read may fill: what is left of a frame, and at least a frame more.
const SCRATCH: usize = 2 * MAX_FRAME;

/// What came in and was not asked for yet.
pub(super) struct Inbox {
    cipher: Cipher,
    pub(super) pending: Pending,
    /// The beginning of a frame whose end has not come; never a whole frame.
    partial: Vec<u8>,
    /// Reported once everything before it has been read.
    pub(super) fault: Option<Fault>,
}

impl Inbox {
    pub(super) fn new(cipher: Cipher) -> Self {
        Inbox { cipher, pending: Pending::default(), partial: vec![], fault: None }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.partial.capacity() + self.pending.bytes.capacity()
    }

    /// Reads once and opens what came; returns how many bytes came, 0 at the end of the stream.
    pub(super) fn poll_fill<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut scratch = [const { MaybeUninit::uninit() }; SCRATCH];
        let mut bytes = ReadBuf::uninit(&mut scratch);
        bytes.put_slice(&self.partial);
        ready!(Pin::new(io).poll_read(cx, &mut bytes))?;
        let came = bytes.filled().len() - self.partial.len();
        if came > 0 {
            self.accept(bytes.filled_mut(), out);
        }
        Poll::Ready(Ok(came))
    }

    /// Opens every whole frame of `bytes`, into `out` as far as it has room; keeps what is left over.
    fn accept(&mut self, bytes: &mut [u8], out: &mut ReadBuf<'_>) {
        self.partial = Vec::new();
        let mut rest = bytes;
        loop {
            match frame_length(rest) {
                Ok(Some(length)) if length <= rest.len() => {
                    let (frame, tail) = rest.split_at_mut(length);
                    rest = tail;
                    match self.cipher.open(&mut frame[HEADER..]) {
                        Ok(plain) => self.pending.put(plain, out),
                        Err(fault) => return self.fault = Some(fault),
                    }
                }
                Ok(_) => return self.partial = rest.to_vec(),
                Err(fault) => return self.fault = Some(fault),
            }
        }
    }

    /// The end of the stream is an error in the middle of a frame.
    pub(super) fn end(&self) -> io::Result<()> {
        if self.partial.is_empty() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Plain text for which the reader had no room yet.
#[derive(Default)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    taken: usize,
}

impl Pending {
    fn put(&mut self, plain: &[u8], out: &mut ReadBuf<'_>) {
        let fits = if self.bytes.is_empty() { plain.len().min(out.remaining()) } else { 0 };
        out.put_slice(&plain[..fits]);
        self.bytes.extend_from_slice(&plain[fits..]);
    }

    pub(super) fn take(&mut self, out: &mut ReadBuf<'_>) {
        let waiting = &self.bytes[self.taken..];
        let fits = waiting.len().min(out.remaining());
        out.put_slice(&waiting[..fits]);
        self.taken += fits;
        if self.taken == self.bytes.len() {
            *self = Pending::default();
        }
    }
}
