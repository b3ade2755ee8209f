//! A hand-made client for the relay's tests, which can do what no decent client does, and a relay with two realms.

use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::frame::*;
use super::*;
use crate::core::Timestamp;
use crate::core::id::RealmId;
use crate::core::key::NodeKey;
use crate::runtime::Supervisor;

pub(super) const PATIENCE: Duration = Duration::from_secs(20);
pub(super) const INFO: &[u8] = br#"{"version":2,"CanAckPings":true}"#;

#[derive(Default)]
pub(super) struct Members(pub(super) Mutex<HashMap<NodeKey, RealmId>>);

#[async_trait]
impl Admission for Members {
    async fn admit(&self, key: &NodeKey) -> Option<RealmId> {
        self.0.lock().unwrap().get(key).copied()
    }
}

/// A relay, who may use it, and two realms.
pub(super) struct House {
    pub(super) relay: Relay,
    pub(super) members: Arc<Members>,
    pub(super) supervisor: Supervisor,
    pub(super) ours: RealmId,
    pub(super) theirs: RealmId,
}

/// A client: its key, its end of the connection, and how the relay's end of it ended.
pub(super) struct Node<IO = DuplexStream> {
    pub(super) key: RelayKey,
    pub(super) io: IO,
    pub(super) unread: Vec<u8>,
    pub(super) end: oneshot::Receiver<End>,
}

impl House {
    pub(super) fn new(limits: Limits) -> Self {
        let members = Arc::<Members>::default();
        let relay = Relay::new(RelayKey::random(), Arc::clone(&members) as Arc<dyn Admission>, limits);
        let realm = || RealmId::new(Timestamp::from_millis(1));
        House { relay, members, supervisor: Supervisor::new(), ours: realm(), theirs: realm() }
    }

    pub(super) fn member(&self, realm: RealmId) -> RelayKey {
        let key = RelayKey::random();
        self.members.0.lock().unwrap().insert(key.public(), realm);
        key
    }

    /// Dials with a network that holds `buffer` bytes; says nothing yet.
    pub(super) fn dial(&self, key: &RelayKey, buffer: usize) -> Node {
        let (io, server) = duplex(buffer);
        let end = self.serve(server);
        Node { key: key.clone(), io, unread: vec![], end }
    }

    pub(super) fn serve<IO>(&self, io: IO) -> oneshot::Receiver<End>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let relay = self.relay.clone();
        let (tell, end) = oneshot::channel();
        self.supervisor.spawn("relay client", async move {
            let _ = tell.send(relay.serve(io, "192.0.2.1:7".parse().unwrap()).await);
        });
        end
    }

    pub(super) async fn connect(&self, key: &RelayKey) -> Node {
        self.connect_with(key, 1 << 20).await
    }

    pub(super) async fn connect_with(&self, key: &RelayKey, buffer: usize) -> Node {
        let mut node = self.dial(key, buffer);
        node.log_in(&self.relay.public_key()).await;
        node
    }

    pub(super) async fn join(&self) -> Node {
        self.connect(&self.member(self.ours)).await
    }

    pub(super) async fn wait_for(&self, condition: impl Fn(Stats) -> bool) {
        let wait = async {
            while !condition(self.relay.stats()) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap();
    }
}

pub(super) fn client_info(key: &RelayKey, relay: &NodeKey, json: &[u8]) -> Vec<u8> {
    encode(CLIENT_INFO, &[key.public().as_bytes(), &key.seal(relay, json).unwrap()])
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Node<IO> {
    pub(super) fn public(&self) -> NodeKey {
        self.key.public()
    }

    pub(super) async fn log_in(&mut self, relay: &NodeKey) {
        let (kind, greeting) = self.frame().await;
        assert_eq!((kind, &greeting[..8], &greeting[8..]), (SERVER_KEY, "DERP🔑".as_bytes(), &relay.0[..]));
        self.write(&client_info(&self.key.clone(), relay, INFO)).await;
        self.welcomed(relay).await;
    }

    pub(super) async fn welcomed(&mut self, relay: &NodeKey) {
        let (kind, sealed) = self.frame().await;
        assert_eq!(kind, SERVER_INFO);
        assert_eq!(self.key.open(relay, &sealed).unwrap(), br#"{"version":2}"#);
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.io.write_all(bytes)).await.unwrap().unwrap();
        self.io.flush().await.unwrap();
    }

    pub(super) async fn send(&mut self, to: &NodeKey, packet: &[u8]) {
        self.write(&encode(SEND, &[to.as_bytes(), packet])).await;
    }

    pub(super) async fn frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            if let Some((frame, rest)) = split(&self.unread, MAX_BODY).unwrap() {
                let result = (frame.kind, frame.body.to_vec());
                self.unread = rest.to_vec();
                return result;
            }
            let n = timeout(PATIENCE, self.io.read_buf(&mut self.unread)).await.unwrap().unwrap();
            assert!(n > 0, "the relay closed the connection");
        }
    }

    pub(super) async fn packet(&mut self) -> (NodeKey, Vec<u8>) {
        let (kind, mut body) = self.frame().await;
        assert_eq!(kind, RECEIVE, "{body:?}");
        let packet = body.split_off(KEY);
        (NodeKey::from_slice(&body).unwrap(), packet)
    }

    pub(super) async fn gone(&mut self) -> (NodeKey, u8) {
        let (kind, body) = self.frame().await;
        assert_eq!((kind, body.len()), (PEER_GONE, 33));
        (NodeKey::from_slice(&body[..32]).unwrap(), body[32])
    }

    pub(super) async fn ended(self) -> End {
        timeout(PATIENCE, self.end).await.unwrap().unwrap()
    }
}

pub(super) fn disco() -> Vec<u8> {
    let mut packet = "TS💬".as_bytes().to_vec();
    packet.resize(100, 7);
    packet
}

/// A TLS client that trusts this certificate alone.
pub(super) async fn trusting(
    certificate: &Certificate,
    io: DuplexStream,
) -> tokio_rustls::client::TlsStream<DuplexStream> {
    use rustls::pki_types::pem::PemObject as _;
    let der =
        rustls::pki_types::CertificateDer::from_pem_slice(certificate.certificate_pem.as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from("192.168.1.10").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, io).await.unwrap()
}
