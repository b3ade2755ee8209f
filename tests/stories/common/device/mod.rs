//! A device that is only simulated: it speaks the coordination protocol as a client does, with keys that the
//! test knows, and can do what no honest client would: knock a thousand times, read nothing, lie.
//! It shares no code of the protocol with the coordinator: a mistake of one does not hide in the other.

mod link;
pub mod record;
pub mod view;

use bytes::Bytes;
use crypto_box::SecretKey;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use wonder::core::key::{DiscoKey, MachineKey, NodeKey};
use wonder::core::secret::random_bytes;

pub use link::{Answer, Link};
pub use view::MapStream;

/// The protocol's version that the device speaks: that of Tailscale 1.102.
pub const VERSION: u16 = 145;

/// How long a device comes again to a coordinator that has no time for it, as clients do.
const COMES_AGAIN: Duration = Duration::from_secs(60);

/// A coordinator, as devices know it.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub address: SocketAddr,
    pub key: MachineKey,
}

impl Site {
    /// Asks the coordinator at this address for its key.
    pub async fn at(address: SocketAddr) -> io::Result<Site> {
        let mut stream = TcpStream::connect(address).await?;
        let ask = format!("GET /key?v={VERSION} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
        let body: Value = serde_json::from_str(body)?;
        let key = body["publicKey"].as_str().unwrap_or_default().parse().map_err(io::Error::other)?;
        Ok(Site { address, key })
    }

    /// [`Site::at`] for an URL `http://HOST:PORT` whose host is an address.
    pub async fn of(url: &str) -> io::Result<Site> {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        Site::at(address.parse().map_err(io::Error::other)?).await
    }
}

/// How a device wants its map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Zstd,
}

/// A device. Dropped, it is gone without a word, as after a power cut.
pub struct Device {
    pub site: Site,
    pub machine: SecretKey,
    pub node: SecretKey,
    pub disco: DiscoKey,
    pub hostname: String,
    link: Option<Link>,
}

impl Device {
    /// A device with fresh keys that has not connected yet.
    pub fn new(site: Site, hostname: &str) -> Device {
        let key = || SecretKey::from(random_bytes::<32>());
        Device {
            site,
            machine: key(),
            node: key(),
            disco: DiscoKey(random_bytes()),
            hostname: hostname.to_owned(),
            link: None,
        }
    }

    /// A device that has joined; a panic with the coordinator's words if it was not let in.
    pub async fn join(site: Site, auth_key: &str, hostname: &str) -> Device {
        let mut device = Device::new(site, hostname);
        let answer = device.register(auth_key).await.unwrap();
        assert_eq!(answer["MachineAuthorized"], true, "{hostname}: {answer}");
        device
    }

    /// The same device on a connection of its own: another process with the same state.
    pub fn twin(&self) -> Device {
        let (machine, node) = (self.machine.clone(), self.node.clone());
        let (disco, hostname) = (self.disco, self.hostname.clone());
        Device { site: self.site, machine, node, disco, hostname, link: None }
    }

    pub fn node_key(&self) -> NodeKey {
        NodeKey(self.node.public_key().to_bytes())
    }

    /// The connection; one is made where there is none.
    pub async fn link(&mut self) -> io::Result<&mut Link> {
        let link = match self.link.take() {
            Some(link) if !link.is_over() => link,
            _ => Link::connect(self.site, &self.machine).await?,
        };
        Ok(self.link.insert(link))
    }

    /// Ends the connection without a word.
    pub fn disconnect(&mut self) {
        self.link = None;
    }

    /// Reads nothing from the network any more, until [`Device::resume`].
    pub fn stall(&self) {
        self.link.as_ref().expect("a connected device").stall(true);
    }

    pub fn resume(&self) {
        self.link.as_ref().expect("a connected device").stall(false);
    }

    /// Any request inside the encrypted connection, answered whole.
    pub async fn request(&mut self, path: &str, body: impl Into<Bytes>) -> io::Result<Answer> {
        self.link().await?.request(path, body.into()).await
    }

    /// `POST /machine/register` with these members besides the usual ones.
    pub async fn register_with(&mut self, members: Value) -> io::Result<Answer> {
        let mut body = json!({
            "Version": VERSION, "NodeKey": self.node_key(),
            "Hostinfo": { "Hostname": self.hostname, "OS": "linux", "IPNVersion": "1.102.3" },
        });
        put(&mut body, members);
        self.request("/machine/register", body.to_string()).await
    }

    /// Registers with an auth key; the answer's document, of which [`io::Error`] is no part of: a refusal
    /// is in its `Error`. Another status than 200 is an error.
    pub async fn register(&mut self, auth_key: &str) -> io::Result<Value> {
        let began = Instant::now();
        loop {
            let answer = self.register_with(json!({ "Auth": { "AuthKey": auth_key } })).await?;
            if answer.status != 503 || began.elapsed() > COMES_AGAIN {
                return answer.document();
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Ends the log-in.
    pub async fn logout(&mut self) -> io::Result<Value> {
        self.register_with(json!({ "Expiry": "1970-01-01T00:02:03Z" })).await?.document()
    }

    /// Says where it is.
    pub async fn report(&mut self, endpoints: &[&str]) -> io::Result<Answer> {
        self.report_with(json!({ "Endpoints": endpoints })).await
    }

    /// `POST /machine/map` as a report, with these members besides the usual ones.
    pub async fn report_with(&mut self, members: Value) -> io::Result<Answer> {
        let mut body = self.map_request(Encoding::Plain);
        put(&mut body, json!({ "Stream": false, "OmitPeers": true }));
        put(&mut body, members);
        self.request("/machine/map", body.to_string()).await
    }

    /// Opens the map stream. Its first message is read by [`MapStream::next`].
    pub async fn map_stream(&mut self, encoding: Encoding) -> io::Result<MapStream> {
        self.map_stream_with(encoding, json!({})).await
    }

    /// Opens the map stream, and reads the whole map.
    pub async fn online(&mut self, encoding: Encoding) -> io::Result<MapStream> {
        let mut stream = self.map_stream(encoding).await?;
        stream.next().await?;
        Ok(stream)
    }

    /// `POST /machine/map` without a stream, with these members: the messages of the answer, which must end.
    pub async fn map_once(&mut self, encoding: Encoding, members: Value) -> io::Result<Vec<Value>> {
        let mut body = self.map_request(encoding);
        put(&mut body, members);
        let body = Bytes::from(body.to_string());
        let (status, stream) = self.link().await?.open("/machine/map", body).await?;
        if status != 200 {
            return Err(io::Error::other(format!("the map was answered {status}")));
        }
        let (mut stream, mut messages) = (MapStream::new(stream, encoding), Vec::new());
        let whole = async {
            while let Some(message) = stream.read().await? {
                messages.push(message);
            }
            Ok(messages)
        };
        link::in_time(whole).await
    }

    /// Opens the map stream with these members besides the usual ones.
    pub async fn map_stream_with(&mut self, encoding: Encoding, members: Value) -> io::Result<MapStream> {
        let mut body = self.map_request(encoding);
        put(&mut body, json!({ "Stream": true }));
        put(&mut body, members);
        let body = Bytes::from(body.to_string());
        let (status, stream) = self.link().await?.open("/machine/map", body).await?;
        if status != 200 {
            return Err(io::Error::other(format!("the map stream was answered {status}")));
        }
        Ok(MapStream::new(stream, encoding))
    }

    fn map_request(&self, encoding: Encoding) -> Value {
        let compress = if encoding == Encoding::Zstd { "zstd" } else { "" };
        json!({
            "Version": VERSION, "KeepAlive": true, "Compress": compress,
            "NodeKey": self.node_key(), "DiscoKey": self.disco,
            "Hostinfo": { "Hostname": self.hostname, "OS": "linux", "IPNVersion": "1.102.3" },
        })
    }
}

/// Puts the members of one object into another.
fn put(into: &mut Value, members: Value) {
    if let (Value::Object(into), Value::Object(members)) = (into, members) {
        into.extend(members);
    }
}
