//! The sending half of a [`super::NoiseStream`]: from plain text to records, and out in as few writes as it takes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

use super::cipher::Cipher;
use super::frame::{Fault, HEADER, MAX_PLAINTEXT, RECORD, TAG, header};

/// Sealed bytes that may wait for the network; beyond it writers wait.
pub(super) const MAX_OUTBOX: usize = 64 * 1024;

/// Sealed records on their way out.
pub(super) struct Outbox {
    cipher: Cipher,
    sealed: Vec<u8>,
    sent: usize,
}

impl Outbox {
    pub(super) fn new(cipher: Cipher) -> Self {
        Outbox { cipher, sealed: vec![], sent: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.sealed.len() >= MAX_OUTBOX
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.sealed.capacity()
    }

    /// Seals as much of `slices` as there is room for; returns how many bytes that was.
    pub(super) fn push(&mut self, slices: &[IoSlice<'_>]) -> Result<usize, Fault> {
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        let accepted = total.min(MAX_OUTBOX.saturating_sub(self.sealed.len()));
        self.sealed.reserve(accepted + accepted.div_ceil(MAX_PLAINTEXT) * (HEADER + TAG));
        let mut source = Source { rest: slices, at: 0 };
        let mut left = accepted;
        while left > 0 {
            let length = left.min(MAX_PLAINTEXT);
            self.seal_one(&mut source, length)?;
            left -= length;
        }
        Ok(accepted)
    }

    /// Appends one record of `length` plain bytes. Nothing of them stays where sealing fails.
    fn seal_one(&mut self, source: &mut Source<'_>, length: usize) -> Result<(), Fault> {
        let start = self.sealed.len();
        self.sealed.extend_from_slice(&header(RECORD, length + TAG));
        source.copy(length, &mut self.sealed);
        match self.cipher.seal(&mut self.sealed[start + HEADER..]) {
            Ok(tag) => self.sealed.extend_from_slice(&tag),
            Err(fault) => {
                self.sealed.truncate(start);
                return Err(fault);
            }
        }
        Ok(())
    }

    /// Hands everything to `io` in as few writes as it takes; then gives the memory back.
    pub(super) fn poll_drain<IO: AsyncWrite + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.sent < self.sealed.len() {
            let written = ready!(Pin::new(&mut *io).poll_write(cx, &self.sealed[self.sent..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.sealed = Vec::new();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

/// A cursor over the slices of one write.
struct Source<'a> {
    rest: &'a [IoSlice<'a>],
    at: usize,
}

impl Source<'_> {
    /// Appends the next `length` bytes to `out`.
    fn copy(&mut self, mut length: usize, out: &mut Vec<u8>) {
        while let [slice, later @ ..] = self.rest {
            let now = length.min(slice.len() - self.at);
            out.extend_from_slice(&slice[self.at..self.at + now]);
            length -= now;
            self.at += now;
            if self.at < slice.len() {
                return;
            }
            (self.rest, self.at) = (later, 0);
        }
    }
}
