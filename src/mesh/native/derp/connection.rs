//! One admitted client: a single task that reads its frames, puts packets into other clients' mailboxes and
//! writes what its own mailbox holds. Idle, it holds no buffer.

use std::collections::{HashSet, VecDeque};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::certificate::MAX_RECORD;
use super::frame::{
    self, CLOSE_PEER, FORWARD, Frame, Gone, KEY, MAX_BODY, NOTE_PREFERRED, PING, RECEIVE, SEND, WATCH,
    encode, is_disco, peer_gone,
};
use super::limit::Bucket;
use super::registry::Client;
use super::relay::Core;
use super::scratch;
use crate::core::key::NodeKey;
use crate::core::secret::random_bytes;

/// Bytes that one write takes from the mailbox: two TLS records.
const BATCH: usize = 2 * MAX_RECORD;
/// Slices of one write.
const MAX_SLICES: usize = 64;
/// Rounds of reading and writing before others get their turn.
const MAX_ROUNDS: usize = 8;
/// Peers who are told when this client leaves.
const MAX_REACHED: usize = 1_024;
/// Nonsense that is passed over: a burst, and then one a second.
const GARBAGE_BURST: u32 = 32;
/// Answers that a peer is not here: a burst, and then one a second.
const NOT_HERE_BURST: u32 = 3;

/// Why a connection ended.
#[derive(Debug)]
pub enum End {
    /// The client closed it.
    Closed,
    /// The network did.
    Network(io::Error),
    /// It did not show who it is in time.
    TimedOut,
    /// It did not prove the key that it named.
    Forged,
    /// The coordinator does not know the key.
    NotAdmitted,
    /// The key was cut off while it was connected.
    CutOff,
    /// It does not read what it is sent.
    SlowReader,
    /// It sent what is no frame, or too much nonsense.
    Garbage,
    /// The relay has as many connections as it may.
    Full,
}

pub(super) struct Connection<IO> {
    io: IO,
    core: Arc<Core>,
    client: Arc<Client>,
    /// The beginning of a frame whose end has not come.
    partial: Vec<u8>,
    /// Frames on their way out, of the first of which `sent` bytes are gone already.
    outgoing: VecDeque<Vec<u8>>,
    sent: usize,
    unflushed: bool,
    timer: Pin<Box<Sleep>>,
    keep_alive_at: Instant,
    /// Since when the network has taken nothing though there is something to send.
    stalled: Option<Instant>,
    reached: Reached,
    garbage: Bucket,
    not_here: Bucket,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub(super) fn new(io: IO, core: Arc<Core>, client: Arc<Client>, unread: Vec<u8>) -> Self {
        let keep_alive_at = Instant::now() + core.limits.keep_alive + jitter(&core);
        Connection {
            io,
            core,
            client,
            partial: unread,
            outgoing: VecDeque::new(),
            sent: 0,
            unflushed: false,
            timer: Box::pin(sleep_until(keep_alive_at)),
            keep_alive_at,
            stalled: None,
            reached: Reached::default(),
            garbage: Bucket::new(GARBAGE_BURST),
            not_here: Bucket::new(NOT_HERE_BURST),
        }
    }

    /// Runs until the connection ends, and tells those who had packets from it.
    pub(super) async fn run(mut self) -> End {
        let end = match self.route_unread() {
            Ok(()) => std::future::poll_fn(|cx| self.poll(cx)).await,
            Err(end) => end,
        };
        if self.core.registry.leave(&self.client) {
            let gone = peer_gone(&self.client.key, Gone::Disconnected);
            for peer in
                self.reached.peers.iter().filter_map(|key| self.core.registry.find(self.client.realm, key))
            {
                peer.mailbox.notice(gone.clone());
            }
        }
        end
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..MAX_ROUNDS {
            match self.round(cx) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(end) => return Poll::Ready(end),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads, writes and looks at the time once; tells whether anything moved. If not, something wakes us.
    fn round(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let received = self.receive(cx)?;
        let sent = self.transmit(cx)?;
        let rang = self.watch_time(cx)?;
        Ok(received || sent || rang)
    }

    /// Reads all there is, as far as the thread's buffer has room, then routes every whole frame.
    fn receive(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        scratch::with(|buffer| {
            let mut bytes = ReadBuf::new(buffer);
            bytes.put_slice(&self.partial);
            let ending = loop {
                let before = bytes.filled().len();
                match Pin::new(&mut self.io).poll_read(cx, &mut bytes) {
                    Poll::Pending => break None,
                    Poll::Ready(Err(error)) => break Some(End::Network(error)),
                    Poll::Ready(Ok(())) if bytes.filled().len() == before => break Some(End::Closed),
                    Poll::Ready(Ok(())) if bytes.filled().len() >= scratch::ENOUGH => break None,
                    Poll::Ready(Ok(())) => {}
                }
            };
            let came = bytes.filled().len() > self.partial.len();
            if came {
                self.partial = Vec::new();
                self.route_all(bytes.filled())?;
            }
            ending.map_or(Ok(came), Err)
        })
    }

    /// What came together with the handshake.
    fn route_unread(&mut self) -> Result<(), End> {
        let unread = std::mem::take(&mut self.partial);
        self.route_all(&unread)
    }

    fn route_all(&mut self, bytes: &[u8]) -> Result<(), End> {
        let mut batch = Batch::default();
        let mut rest = bytes;
        let outcome = loop {
            match frame::split(rest, MAX_BODY) {
                Ok(Some((frame, tail))) => {
                    rest = tail;
                    if let Err(end) = self.route(&frame, &mut batch) {
                        break Err(end);
                    }
                }
                Ok(None) => break Ok(()),
                Err(frame::TooLong) => break Err(End::Garbage),
            }
        };
        self.core.counters.add(batch.packets, batch.bytes, batch.dropped);
        self.core.registry.wrote(&self.client);
        self.partial = rest.to_vec();
        outcome
    }

    fn route(&mut self, frame: &Frame<'_>, batch: &mut Batch) -> Result<(), End> {
        match frame.kind {
            SEND => self.forward(frame.body, batch),
            PING => self.answer_ping(frame.body),
            NOTE_PREFERRED if frame.body.len() == 1 => Ok(()),
            NOTE_PREFERRED | WATCH | FORWARD | CLOSE_PEER => Err(End::Garbage),
            _ if self.garbage.allow() => Ok(()),
            _ => Err(End::Garbage),
        }
    }

    fn forward(&mut self, body: &[u8], batch: &mut Batch) -> Result<(), End> {
        let (key, packet) = body.split_first_chunk::<KEY>().ok_or(End::Garbage)?;
        let key = NodeKey(*key);
        let disco = is_disco(packet);
        batch.look_up(&self.core, &self.client, key);
        match &batch.to {
            Some((_, Some(peer))) => {
                let frame = encode(RECEIVE, &[self.client.key.as_bytes(), packet]);
                batch.dropped += peer.mailbox.packet(frame, disco);
                batch.packets += 1;
                batch.bytes += u64::try_from(packet.len()).unwrap_or(0);
                self.reached.note(key);
            }
            _ => {
                batch.dropped += 1;
                if disco && self.not_here.allow() {
                    self.client.mailbox.notice(peer_gone(&key, Gone::NotHere));
                }
            }
        }
        Ok(())
    }

    fn answer_ping(&self, body: &[u8]) -> Result<(), End> {
        let data = body.first_chunk::<8>().filter(|_| body.len() <= 1_000).ok_or(End::Garbage)?;
        self.client.mailbox.pong(*data);
        Ok(())
    }

    /// Writes what waits; tells whether the network took any.
    fn transmit(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mailbox = &self.client.mailbox;
        if self.outgoing.is_empty() {
            mailbox.take(&mut self.outgoing, BATCH, cx.waker()).map_err(|_| End::CutOff)?;
        } else {
            mailbox.check(cx.waker()).map_err(|_| End::CutOff)?;
        }
        let written = if self.outgoing.is_empty() { Poll::Ready(Ok(0)) } else { self.write(cx) };
        let wrote = match written {
            Poll::Ready(Ok(count)) => count > 0,
            Poll::Ready(Err(error)) => return Err(End::Network(error)),
            Poll::Pending => false,
        };
        self.unflushed |= wrote;
        let flushed = written.is_pending() || self.flush(cx)?;
        self.note_progress(wrote, written.is_ready() && flushed);
        Ok(wrote)
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = self.outgoing.len().min(MAX_SLICES);
        for (slice, frame) in slices.iter_mut().zip(&self.outgoing) {
            *slice = IoSlice::new(frame);
        }
        slices[0].advance(self.sent);
        let written = match count {
            1 => Pin::new(&mut self.io).poll_write(cx, &slices[0]),
            _ => Pin::new(&mut self.io).poll_write_vectored(cx, &slices[..count]),
        };
        match written {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(Ok(count)) => {
                self.forget(count);
                Poll::Ready(Ok(count))
            }
            other => other,
        }
    }

    /// Lets go of the frames of which `written` bytes more are out.
    fn forget(&mut self, written: usize) {
        self.sent += written;
        while let Some(first) = self.outgoing.front() {
            if self.sent < first.len() {
                return;
            }
            self.sent -= first.len();
            self.outgoing.pop_front();
        }
        self.outgoing = VecDeque::new();
    }

    /// Tells whether nothing stays in the stream's own buffers.
    fn flush(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if !self.unflushed {
            return Ok(true);
        }
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Pending => Ok(false),
            Poll::Ready(Err(error)) => Err(End::Network(error)),
            Poll::Ready(Ok(())) => {
                self.unflushed = false;
                Ok(true)
            }
        }
    }

    /// Starts the clock of a slow reader, or stops it.
    fn note_progress(&mut self, wrote: bool, all_out: bool) {
        if wrote || all_out {
            self.stalled = None;
        }
        if !all_out && self.stalled.is_none() {
            let now = Instant::now();
            self.stalled = Some(now);
            self.timer.as_mut().reset(self.keep_alive_at.min(now + self.core.limits.write));
        }
    }

    /// Cuts a slow reader off and keeps the connection alive; tells whether the timer rang.
    fn watch_time(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.timer.as_mut().poll(cx).is_pending() {
            return Ok(false);
        }
        let now = Instant::now();
        let cut_at = self.stalled.map(|since| since + self.core.limits.write);
        if cut_at.is_some_and(|at| at <= now) {
            return Err(End::SlowReader);
        }
        if self.keep_alive_at <= now {
            self.client.mailbox.keep_alive();
            self.keep_alive_at = now + self.core.limits.keep_alive + jitter(&self.core);
        }
        self.timer.as_mut().reset(cut_at.unwrap_or(self.keep_alive_at).min(self.keep_alive_at));
        Ok(true)
    }
}

fn jitter(core: &Core) -> std::time::Duration {
    core.limits.keep_alive_jitter.mul_f64(f64::from(u16::from_be_bytes(random_bytes())) / 65_536.0)
}

/// What one read led to; most packets of one read go to the same peer, which is looked up once.
#[derive(Default)]
struct Batch {
    to: Option<(NodeKey, Option<Arc<Client>>)>,
    packets: u64,
    bytes: u64,
    dropped: u64,
}

impl Batch {
    fn look_up(&mut self, core: &Core, from: &Client, key: NodeKey) {
        if self.to.as_ref().is_none_or(|(known, _)| *known != key) {
            self.to = Some((key, core.registry.find(from.realm, &key)));
        }
    }
}

/// Who had packets from this client.
#[derive(Default)]
struct Reached {
    latest: Option<NodeKey>,
    peers: HashSet<NodeKey>,
}

impl Reached {
    fn note(&mut self, key: NodeKey) {
        if self.latest != Some(key) {
            self.latest = Some(key);
            if self.peers.len() < MAX_REACHED {
                self.peers.insert(key);
            }
        }
    }
}
