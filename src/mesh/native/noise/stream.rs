//! The records of one connection as a plain byte stream, for HTTP/2 to run over. Ten thousand of them may be
//! idle at once, so an idle one holds no buffer: bytes are read into the stack, and what is left over
//! between two calls is kept only while there is some.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::handshake::TransportKeys;
use super::inbox::Inbox;
use super::outbox::Outbox;

/// Reads without a byte of plain text (empty records, pieces of frames) before others get their turn.
const MAX_ROUNDS: usize = 16;

/// A byte stream over the records of an established connection. After a [`super::Fault`] it is dead.
pub struct NoiseStream<IO> {
    io: IO,
    inbox: Inbox,
    outbox: Outbox,
}

impl<IO> NoiseStream<IO> {
    pub fn new(io: IO, keys: TransportKeys) -> Self {
        NoiseStream { io, inbox: Inbox::new(keys.receive), outbox: Outbox::new(keys.send) }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for NoiseStream<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = out.filled().len();
        this.inbox.pending.take(out);
        let mut rounds = 0;
        loop {
            if out.filled().len() > before || out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if let Some(fault) = this.inbox.fault {
                return Poll::Ready(Err(fault.into()));
            }
            if rounds == MAX_ROUNDS {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if ready!(this.inbox.poll_fill(&mut this.io, cx, out))? == 0 {
                return Poll::Ready(this.inbox.end());
            }
            rounds += 1;
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for NoiseStream<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(data)])
    }

    /// Many small slices become one record, which is how HTTP/2 writes a frame's head and its body.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.outbox.is_full() {
            ready!(this.outbox.poll_drain(&mut this.io, cx))?;
        }
        Poll::Ready(this.outbox.push(slices).map_err(io::Error::from))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.outbox.poll_drain(&mut this.io, cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cipher::Cipher;
    use super::super::frame::{MAX_FRAME, MAX_PLAINTEXT, RECORD, TAG, frame_length, header};
    use super::super::outbox::MAX_OUTBOX;
    use super::*;
    use proptest::prelude::*;
    use std::task::Waker;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// An end of a network that gives `step` bytes a read, counts writes, and may be stuck.
    #[derive(Default)]
    struct Wire {
        input: Vec<u8>,
        step: usize,
        output: Vec<u8>,
        writes: usize,
        stuck: bool,
        shut: bool,
    }

    impl AsyncRead for Wire {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let n = self.step.min(self.input.len()).min(out.remaining());
            out.put_slice(&self.input.drain(..n).collect::<Vec<_>>());
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Wire {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
            if self.stuck {
                return Poll::Pending;
            }
            self.writes += 1;
            self.output.extend_from_slice(data);
            Poll::Ready(Ok(data.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.shut = true;
            Poll::Ready(Ok(()))
        }
    }

    /// The device's keys and the coordinator's, as a handshake gives them.
    fn keys() -> (TransportKeys, TransportKeys) {
        let side = |receive, send| TransportKeys { receive: Cipher::new(receive), send: Cipher::new(send) };
        (side([1; 32], [2; 32]), side([2; 32], [1; 32]))
    }

    fn wire(input: Vec<u8>, step: usize) -> Wire {
        Wire { input, step, ..Wire::default() }
    }

    /// What the device sends for `writes`, each flushed, as frames.
    async fn frames(device: TransportKeys, writes: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut stream = NoiseStream::new(Wire::default(), device);
        let mut frames = vec![];
        for data in writes {
            stream.write_all(data).await.unwrap();
            stream.flush().await.unwrap();
            frames.push(std::mem::take(&mut stream.io.output));
        }
        frames
    }

    async fn read_all(server: TransportKeys, input: Vec<u8>, step: usize) -> io::Result<Vec<u8>> {
        let mut read = vec![];
        NoiseStream::new(wire(input, step), server).read_to_end(&mut read).await.map(|_| read)
    }

    fn poll<T>(f: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        f(&mut Context::from_waker(Waker::noop()))
    }

    fn holds_nothing(stream: &NoiseStream<Wire>) -> bool {
        stream.inbox.capacity() + stream.outbox.capacity() == 0
    }

    #[tokio::test]
    async fn reads_the_same_however_the_network_cuts_it() {
        let text = "records ".repeat(2_000).into_bytes();
        for step in [1, 2, 18, 19, 4095, 4096, 4097, 100_000] {
            let (device, server) = keys();
            let sent = frames(device, &[b"a", &text, b"z"]).await.concat();
            assert_eq!(
                read_all(server, sent, step).await.unwrap(),
                [b"a", &text[..], b"z"].concat(),
                "step {step}"
            );
        }
    }

    #[tokio::test]
    async fn an_idle_stream_holds_no_buffer() {
        let (device, server) = keys();
        let sent = frames(device, &[&[1; 5_000]]).await.concat();
        let mut stream = NoiseStream::new(wire(sent, 3_000), server);
        assert!(holds_nothing(&stream));
        stream.read_exact(&mut [0; 100]).await.unwrap();
        assert!(!holds_nothing(&stream));
        stream.read_exact(&mut [0; 4_900]).await.unwrap();
        stream.write_all(&[2; 10_000]).await.unwrap();
        stream.flush().await.unwrap();
        assert!(holds_nothing(&stream));
    }

    #[tokio::test]
    async fn empty_records_are_legal_and_are_not_the_end() {
        let (mut device, server) = keys();
        let mut sent = vec![];
        for _ in 0..100 {
            sent.extend_from_slice(&header(RECORD, TAG));
            sent.extend_from_slice(&device.send.seal(&mut []).unwrap());
        }
        sent.extend(frames(device, &[b"after"]).await.concat());
        assert_eq!(read_all(server, sent, 19).await.unwrap(), b"after");
    }

    #[tokio::test]
    async fn what_is_whole_is_read_before_the_fault_after_it() {
        let (device, server) = keys();
        let mut sent = frames(device, &[b"good"]).await.concat();
        sent.extend_from_slice(b"GET / HTTP/1.1");
        let mut stream = NoiseStream::new(wire(sent, 1_000), server);
        let mut read = [0; 4];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"good");
        for _ in 0..2 {
            let error = stream.read(&mut read).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[tokio::test]
    async fn changed_repeated_swapped_and_cut_records_are_refused() {
        let mangle: [fn(&mut Vec<Vec<u8>>); 6] = [
            |f| f[1][10] ^= 1,
            |f| *f[1].last_mut().unwrap() ^= 0x80,
            |f| f[1] = f[0].clone(),
            |f| f.swap(0, 1),
            |f| drop(f.remove(0)),
            |f| f[2].truncate(8),
        ];
        for (which, mangle) in mangle.into_iter().enumerate() {
            let (device, server) = keys();
            let mut sent = frames(device, &[b"the first", b"the second", b"the third"]).await;
            mangle(&mut sent);
            assert!(read_all(server, sent.concat(), 4_096).await.is_err(), "case {which}");
        }
    }

    #[tokio::test]
    async fn many_records_go_out_in_one_write_and_none_is_too_long() {
        let (device, server) = keys();
        let mut stream = NoiseStream::new(Wire::default(), server);
        let slices = [IoSlice::new(&[1; 9]), IoSlice::new(&[]), IoSlice::new(&[2; 10_000])];
        assert_eq!(stream.write_vectored(&slices).await.unwrap(), 10_009);
        stream.flush().await.unwrap();
        assert_eq!(stream.io.writes, 1);
        assert_eq!(stream.io.output.len(), 10_009 + 10_009usize.div_ceil(MAX_PLAINTEXT) * 19);
        assert_eq!(frame_length(&stream.io.output), Ok(Some(MAX_FRAME)));
        let sent = std::mem::take(&mut stream.io.output);
        assert_eq!(read_all(device, sent, 999).await.unwrap(), [&[1; 9][..], &[2; 10_000]].concat());
    }

    #[tokio::test]
    async fn a_stuck_network_makes_writers_wait_and_memory_bounded() {
        let (_, server) = keys();
        let mut stream = NoiseStream::new(Wire { stuck: true, ..Wire::default() }, server);
        let data = [0; 10_000];
        let mut accepted = 0;
        while let Poll::Ready(n) = poll(|cx| Pin::new(&mut stream).poll_write(cx, &data)) {
            accepted += n.unwrap();
        }
        assert!(accepted <= MAX_OUTBOX && stream.outbox.capacity() < 2 * MAX_OUTBOX);
        assert!(poll(|cx| Pin::new(&mut stream).poll_flush(cx)).is_pending());
        stream.io.stuck = false;
        stream.flush().await.unwrap();
        assert!(stream.io.output.len() > accepted && holds_nothing(&stream));
    }

    #[tokio::test]
    async fn shutting_down_sends_what_waits_first() {
        let (device, server) = keys();
        let mut stream = NoiseStream::new(Wire::default(), server);
        stream.write_all(b"last words").await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(stream.io.shut);
        assert_eq!(read_all(device, stream.io.output, 100).await.unwrap(), b"last words");
    }

    #[tokio::test]
    async fn without_nonces_the_stream_ends_and_nothing_leaks() {
        let (_, mut server) = keys();
        server.send.skip_to(u64::MAX);
        let mut stream = NoiseStream::new(Wire::default(), server);
        assert_eq!(stream.write(b"plain").await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        stream.flush().await.unwrap();
        assert!(stream.io.output.is_empty());
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(
            writes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9_000), 0..12),
            step in 1usize..10_000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (device, server) = keys();
            let slices: Vec<&[u8]> = writes.iter().map(Vec::as_slice).collect();
            let read = runtime.block_on(async {
                let sent = frames(device, &slices).await.concat();
                read_all(server, sent, step).await
            });
            prop_assert_eq!(read.unwrap(), writes.concat());
        }

        #[test]
        fn garbage_never_becomes_plain_text(bytes in proptest::collection::vec(any::<u8>(), 1..9_000)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            prop_assert!(runtime.block_on(read_all(keys().1, bytes, 1_000)).is_err());
        }
    }
}
