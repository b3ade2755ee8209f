//! The encrypted records of a device's connection, from the device's side: a handshake as the initiator, and a
//! byte stream over what follows it (Tailscale's `control/controlbase`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::SecretKey;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

use super::{Site, VERSION};

const PATTERN: &str = "Noise_IK_25519_ChaChaPoly_BLAKE2s";
/// Plain bytes in the longest record.
const LONGEST: usize = 4096 - 3 - 16;

/// The handshake's first message, and what is needed for the second.
pub fn initiate(site: Site, machine: &SecretKey) -> (Vec<u8>, snow::HandshakeState) {
    let prologue = format!("Tailscale Control Protocol v{VERSION}");
    let secret = machine.to_bytes();
    let mut noise = snow::Builder::new(PATTERN.parse().unwrap())
        .prologue(prologue.as_bytes())
        .and_then(|b| b.local_private_key(&secret))
        .and_then(|b| b.remote_public_key(site.key.as_bytes()))
        .and_then(snow::Builder::build_initiator)
        .unwrap();
    let mut initiation = vec![0; 101];
    initiation[..2].copy_from_slice(&VERSION.to_be_bytes());
    initiation[2..5].copy_from_slice(&[1, 0, 96]);
    assert_eq!(noise.write_message(&[], &mut initiation[5..]).unwrap(), 96);
    (initiation, noise)
}

/// The request that carries an initiation.
pub fn upgrade_request(initiation: &[u8]) -> String {
    let handshake = STANDARD.encode(initiation);
    format!(
        "POST /ts2021 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nContent-Length: 0\r\n\
         Upgrade: tailscale-control-protocol\r\nX-Tailscale-Handshake: {handshake}\r\n\r\n"
    )
}

/// Knocks, and gives the encrypted stream.
pub async fn connect(site: Site, machine: &SecretKey) -> io::Result<RecordStream> {
    let (initiation, mut noise) = initiate(site, machine);
    let mut tcp = TcpStream::connect(site.address).await?;
    tcp.set_nodelay(true)?;
    tcp.write_all(upgrade_request(&initiation).as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await?);
    }
    if !head.starts_with(b"HTTP/1.1 101 ") {
        return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    let mut response = [0; 51];
    tcp.read_exact(&mut response).await?;
    if response[..3] != [2, 0, 48] {
        return Err(io::ErrorKind::InvalidData.into());
    }
    noise.read_message(&response[3..], &mut []).map_err(io::Error::other)?;
    let (send, receive) = noise.dangerously_get_raw_split();
    Ok(RecordStream {
        tcp,
        send: Direction::new(send),
        receive: Direction::new(receive),
        out: vec![],
        raw: vec![],
        plain: vec![],
    })
}

/// One direction's key and count.
struct Direction {
    key: LessSafeKey,
    count: u64,
}

impl Direction {
    fn new(key: [u8; 32]) -> Direction {
        Direction { key: LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).unwrap()), count: 0 }
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.count.to_be_bytes());
        self.count += 1;
        Nonce::assume_unique_for_key(nonce)
    }

    fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        let mut sealed = plain.to_vec();
        let nonce = self.nonce();
        self.key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).unwrap();
        out.push(4);
        out.extend(u16::try_from(sealed.len()).unwrap().to_be_bytes());
        out.extend(sealed);
    }

    fn open<'a>(&mut self, sealed: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let nonce = self.nonce();
        let opened = self.key.open_in_place(nonce, Aad::empty(), sealed);
        opened.map(|plain| &*plain).map_err(|_| io::Error::other("a record did not authenticate"))
    }
}

/// The plain bytes of a connection.
pub struct RecordStream {
    tcp: TcpStream,
    send: Direction,
    receive: Direction,
    /// Sealed, and not yet sent.
    out: Vec<u8>,
    /// Received, and no whole record yet.
    raw: Vec<u8>,
    /// Opened, and not yet read.
    plain: Vec<u8>,
}

impl RecordStream {
    /// Opens the records that are whole.
    fn open(&mut self) -> io::Result<()> {
        let mut at = 0;
        while let [kind, high, low, rest @ ..] = &mut self.raw[at..] {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if *kind != 4 || length > 4093 {
                return Err(io::Error::other(format!("a frame of type {kind} and {length} bytes")));
            }
            let Some(sealed) = rest.get_mut(..length) else { break };
            self.plain.extend_from_slice(self.receive.open(sealed)?);
            at += 3 + length;
        }
        self.raw.drain(..at);
        Ok(())
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let sent = ready!(Pin::new(&mut self.tcp).poll_write(cx, &self.out))?;
            self.out.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for RecordStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.plain.is_empty() {
            let mut scratch = [0; 16 * 1024];
            let mut came = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut came))?;
            if came.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.raw.extend_from_slice(came.filled());
            this.open()?;
        }
        let now = this.plain.len().min(out.remaining());
        out.put_slice(&this.plain[..now]);
        this.plain.drain(..now);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for RecordStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        let now = data.len().min(LONGEST);
        this.send.seal(&data[..now], &mut this.out);
        Poll::Ready(Ok(now))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_drain(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.tcp).poll_shutdown(cx)
    }
}
