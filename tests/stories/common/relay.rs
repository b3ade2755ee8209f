//! A client of the relay, made by hand: it holds a key that the test knows and can do what no honest client
//! would. None of it is the coordinator's own code, so that both can be wrong only once.

use crypto_box::aead::Aead as _;
use crypto_box::{SalsaBox, SecretKey};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest as _, Sha256};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use wonder::core::hex;
use wonder::core::key::NodeKey;
use wonder::core::secret::random_bytes;

pub const SEND: u8 = 0x04;
pub const RECEIVE: u8 = 0x05;
pub const KEEP_ALIVE: u8 = 0x06;
pub const PEER_GONE: u8 = 0x08;
const PING: u8 = 0x12;
const PONG: u8 = 0x13;

/// How long the relay may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a relay is, and the certificate that it must show.
#[derive(Clone, Debug)]
pub struct Relay {
    pub address: SocketAddr,
    /// SHA-256 of the certificate, in hexadecimal.
    pub pin: String,
}

/// A frame: its type, and its body.
pub type Frame = (u8, Vec<u8>);

/// A connection that the relay has admitted.
pub struct RelayClient<IO = TlsStream<TcpStream>> {
    io: IO,
    unread: Vec<u8>,
}

impl Relay {
    /// The relay that a map (`DERPMap`) names.
    pub fn of(map: &serde_json::Value) -> Relay {
        let node = &map["Regions"]["900"]["Nodes"][0];
        let text = |name: &str| node[name].as_str().unwrap_or_else(|| panic!("no {name} in {map}"));
        let port = node["DERPPort"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap();
        let pin = text("CertName").strip_prefix("sha256-raw:").expect("a pinned certificate").to_owned();
        Relay { address: SocketAddr::new(text("IPv4").parse().unwrap(), port), pin }
    }

    /// TLS with the relay, and no more.
    pub async fn dial(&self) -> io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Arc::new(Pinned { pin: self.pin.clone(), provider: Arc::clone(&provider) });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        let tcp = TcpStream::connect(self.address).await?;
        let name = ServerName::IpAddress(self.address.ip().into());
        TlsConnector::from(Arc::new(config)).connect(name, tcp).await
    }

    /// One plain request with these headers; the answer whole.
    pub async fn get(&self, path: &str, headers: &str) -> io::Result<String> {
        let mut io = self.dial().await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        io.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // A relay that closes without saying so in TLS has said all the same what it had to say.
        match in_time(io.read_to_end(&mut answer)).await {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
        }
    }

    /// The upgrade to the relay's protocol.
    pub async fn upgrade(&self) -> io::Result<TlsStream<TcpStream>> {
        let mut io = self.dial().await?;
        io.write_all(b"GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n\r\n")
            .await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(in_time(io.read_u8()).await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        if head.starts_with("HTTP/1.1 101 ") { Ok(io) } else { Err(io::Error::other(head)) }
    }

    /// Connects as the node with this key.
    pub async fn connect(&self, key: &SecretKey) -> io::Result<RelayClient> {
        RelayClient::log_in(self.upgrade().await?, key, public(key)).await
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> RelayClient<IO> {
    /// Says that it is `claimed`, and proves what it can with `key`. Fails if the relay does not welcome it.
    pub async fn log_in(io: IO, key: &SecretKey, claimed: NodeKey) -> io::Result<Self> {
        let mut client = RelayClient { io, unread: Vec::new() };
        let (kind, greeting) = client.frame().await?;
        let relay = greeting.strip_prefix("DERP🔑".as_bytes()).and_then(|key| key.try_into().ok());
        let relay: [u8; 32] = relay.filter(|_| kind == 0x01).ok_or(io::ErrorKind::InvalidData)?;
        let cipher = SalsaBox::new(&relay.into(), key);
        let nonce = random_bytes::<24>();
        let info = br#"{"version":2,"CanAckPings":true,"IsProber":false}"#;
        let sealed = cipher.encrypt(&nonce.into(), &info[..]).unwrap();
        client.write(0x02, &[&claimed.0, &nonce, &sealed]).await?;
        let (kind, welcome) = client.frame().await?;
        let (nonce, sealed) = welcome.split_first_chunk::<24>().ok_or(io::ErrorKind::InvalidData)?;
        let opened = cipher.decrypt(nonce.into(), sealed).map_err(io::Error::other)?;
        let info: serde_json::Value = serde_json::from_slice(&opened)?;
        assert_eq!((kind, &info["version"]), (0x03, &serde_json::json!(2)));
        Ok(client)
    }

    pub async fn send(&mut self, to: NodeKey, packet: &[u8]) -> io::Result<()> {
        self.write(SEND, &[&to.0, packet]).await
    }

    /// The next frame that is no keep-alive. Fails at the end of the connection.
    pub async fn frame(&mut self) -> io::Result<Frame> {
        loop {
            if let [kind, a, b, c, d, rest @ ..] = &self.unread[..] {
                let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                if let Some(body) = rest.get(..length) {
                    let frame = (*kind, body.to_vec());
                    self.unread.drain(..5 + length);
                    if frame.0 != KEEP_ALIVE {
                        return Ok(frame);
                    }
                    continue;
                }
            }
            if in_time(self.io.read_buf(&mut self.unread)).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Everything that the relay says until it has dealt with all that was sent before. Its answer to a ping may
    /// overtake what else waits for this client, but not twice.
    pub async fn settle(&mut self) -> io::Result<Vec<Frame>> {
        let mut said = Vec::new();
        for _ in 0..2 {
            let token = random_bytes::<8>();
            self.write(PING, &[&token]).await?;
            loop {
                match self.frame().await? {
                    (PONG, body) if body == token => break,
                    frame => said.push(frame),
                }
            }
        }
        Ok(said)
    }

    /// The next packet, and who sent it.
    pub async fn packet(&mut self) -> (NodeKey, Vec<u8>) {
        let (kind, body) = self.frame().await.unwrap();
        assert_eq!(kind, RECEIVE, "{body:?}");
        (NodeKey::from_slice(&body[..32]).unwrap(), body[32..].to_vec())
    }

    /// Waits until the relay ends the connection.
    pub async fn ended(mut self) {
        while self.frame().await.map_err(|e| assert_ne!(e.kind(), io::ErrorKind::TimedOut)).is_ok() {}
    }

    async fn write(&mut self, kind: u8, parts: &[&[u8]]) -> io::Result<()> {
        let body = parts.concat();
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        self.io.write_all(&[&[kind][..], &length, &body].concat()).await?;
        self.io.flush().await
    }
}

pub fn public(key: &SecretKey) -> NodeKey {
    NodeKey(key.public_key().to_bytes())
}

/// What a client sends to find a path: the magic, a sender's key, a nonce and a box.
pub fn disco_packet() -> Vec<u8> {
    [&b"TS\xf0\x9f\x92\xac"[..], &random_bytes::<32>(), &random_bytes::<24>(), &[7; 62]].concat()
}

async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Trusts the certificate with this hash alone, as clients do with `CertName`.
#[derive(Debug)]
struct Pinned {
    pin: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let hash = hex::encode(&Sha256::digest(certificate));
        match hash == self.pin {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::Error::General(format!("the certificate is {hash}, not {}", self.pin))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
