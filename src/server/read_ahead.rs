//! Reads a connection in larger steps than its reader asks for. TLS asks for 4 KiB at a time, each of which would be
//! a system call: with this, a client that sends much costs a third of them.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of one read. What the reader does not take of it at once is held in memory that is no mapping of its own
/// (`runtime::memory`).
const STEP: usize = 11 * 1024;

thread_local! {
    static BUFFER: RefCell<[u8; STEP]> = const { RefCell::new([0; STEP]) };
}

/// Idle, it holds no memory. Writes pass through.
pub struct ReadAhead<S> {
    stream: S,
    /// What was read and not yet asked for, from `at` on.
    waiting: Vec<u8>,
    at: usize,
}

impl<S> ReadAhead<S> {
    pub fn new(stream: S) -> Self {
        ReadAhead { stream, waiting: Vec::new(), at: 0 }
    }

    fn hand_out(&mut self, out: &mut ReadBuf<'_>) {
        let rest = &self.waiting[self.at..];
        let now = &rest[..rest.len().min(out.remaining())];
        out.put_slice(now);
        self.at += now.len();
        if self.at == self.waiting.len() {
            (self.waiting, self.at) = (Vec::new(), 0);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.waiting.is_empty() {
            this.hand_out(out);
            return Poll::Ready(Ok(()));
        }
        BUFFER.with_borrow_mut(|buffer| {
            let mut step = ReadBuf::new(buffer);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut step))?;
            let (now, later) = step.filled().split_at(step.filled().len().min(out.remaining()));
            out.put_slice(now);
            this.waiting = later.to_vec();
            Poll::Ready(Ok(()))
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn every_byte_comes_once_and_in_order_whatever_is_asked_for() {
        let sent: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
        let (mut far, near) = tokio::io::duplex(40_000);
        let mut reader = ReadAhead::new(near);
        let mut came = Vec::new();
        let read = async {
            for asked in [1, 4_096, 7, 20_000].into_iter().cycle() {
                let mut piece = vec![0; asked];
                match reader.read(&mut piece).await.unwrap() {
                    0 => break,
                    count => came.extend_from_slice(&piece[..count]),
                }
            }
        };
        let write = async {
            far.write_all(&sent).await.unwrap();
            drop(far);
        };
        tokio::join!(read, write);
        assert!(came == sent);
        assert_eq!(reader.waiting.capacity(), 0);
    }

    #[tokio::test]
    async fn who_asks_for_nothing_loses_nothing() {
        let (mut far, near) = tokio::io::duplex(64);
        far.write_all(b"hello").await.unwrap();
        let mut reader = ReadAhead::new(near);
        assert_eq!(reader.read(&mut []).await.unwrap(), 0);
        let mut came = [0; 5];
        reader.read_exact(&mut came).await.unwrap();
        assert_eq!(&came, b"hello");
    }
}
