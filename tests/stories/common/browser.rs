//! What a browser's network is like: WebSockets alone. Devices made by hand reach the coordinator and the relay
//! through these bridges, and know nothing of it.

use futures_util::{SinkExt as _, StreamExt as _};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

use super::device::Site;
use super::relay::Relay;

const CONTROL: &str = "tailscale-control-protocol";

/// The coordinator behind a bridge: whoever connects there speaks through a WebSocket.
pub async fn control(site: Site) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        while let Ok((device, _)) = listener.accept().await {
            spawn(async move { bridge(device, site).await.unwrap() });
        }
    });
    Site { address, ..site }
}

async fn bridge(mut device: TcpStream, site: Site) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(device.read_u8().await?);
    }
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let handshake = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("x-tailscale-handshake").then_some(value)
    });
    let handshake =
        handshake.expect("a handshake").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let query = format!("X-Tailscale-Handshake={handshake}");
    let tcp = TcpStream::connect(site.address).await?;
    let socket = open(tcp, &format!("/ts2021?{query}"), Some(CONTROL)).await.map_err(io::Error::other)?;
    let switched =
        format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: {CONTROL}\r\nConnection: upgrade\r\n\r\n");
    device.write_all(switched.as_bytes()).await?;
    pump(socket, device).await;
    Ok(())
}

/// Opens a WebSocket of a subprotocol; fails with the coordinator's answer.
pub async fn open<IO>(
    io: IO,
    path: &str,
    protocol: Option<&str>,
) -> Result<WebSocketStream<IO>, tungstenite::Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = format!("ws://x{path}").into_client_request()?;
    if let Some(protocol) = protocol {
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
    }
    let (socket, answer) = tokio_tungstenite::client_async(request, io).await?;
    assert_eq!(answer.headers().get("sec-websocket-protocol").map(|p| p.to_str().unwrap()), protocol);
    Ok(socket)
}

/// A WebSocket to the relay.
pub async fn open_relay(relay: &Relay) -> WebSocketStream<TlsStream<TcpStream>> {
    open(relay.dial().await.unwrap(), "/derp", Some("derp")).await.unwrap()
}

/// The relay as a stream of bytes, through a WebSocket.
pub async fn relay(relay: &Relay) -> DuplexStream {
    let socket = open_relay(relay).await;
    let (near, far) = duplex(1 << 20);
    spawn(pump(socket, far));
    near
}

/// Carries bytes both ways until one side ends.
async fn pump<S, IO>(socket: WebSocketStream<S>, io: IO)
where
    S: AsyncRead + AsyncWrite + Unpin,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (mut send, mut receive) = socket.split();
    let (mut reader, mut writer) = tokio::io::split(io);
    let out = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = reader.read(&mut buffer).await {
            if send.send(Message::binary(buffer[..length].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let back = async {
        while let Some(Ok(Message::Binary(bytes))) = receive.next().await {
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = out => {}
        () = back => {}
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "a test has no supervisor")]
    tokio::spawn(task);
}
