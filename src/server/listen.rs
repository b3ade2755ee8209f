//! The door: binds a port, accepts connections within bounds, and serves HTTP/1.1 on each. Upgrades are
//! possible (`hyper::upgrade::on`). What the requests mean is the router's business.

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, TcpKeepalive, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use super::crowd::{Crowd, Seat};
use super::read_ahead::ReadAhead;
use super::request::Peer;
use super::socket::Socket;
use crate::config::server::Proxies;
use crate::core::{Error, Kind, Result};
use crate::runtime::{Stop, Supervisor};

/// What one listener bears. The constants fit a Raspberry Pi as well as a server: an idle connection costs
/// about 10 KiB.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// All connections at once, upgraded ones among them.
    pub connections: usize,
    /// Connections from one address (IPv6: one /64) that are not upgraded; the mesh bounds those that are. Of
    /// those that come through one trusted proxy there may be [`Limits::per_proxy`].
    pub per_address: usize,
    /// How long a request's head may take to arrive, and a connection may idle between two requests.
    pub head: Duration,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 40_000,
            per_address: 8_192,
            head: Duration::from_secs(15),
            handshake: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// A proxy brings many callers, whom it bounds itself. What it leaves is for those who come without it.
    fn per_proxy(&self) -> usize {
        self.connections - self.connections / 5
    }
}

/// The most that a request's head may have, in bytes; hyper answers 431 above it.
const MAX_HEAD: usize = 32 * 1024;
/// The most headers that a request may have.
const MAX_HEADERS: usize = 64;
/// What the system takes for a connection before it can send it, in bytes. What is on its way does not count, so that
/// a fast network far away is used as well.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 128 * 1024;
/// Connections that the system holds for us before they are accepted.
const BACKLOG: i32 = 1024;
/// How long to wait when the system has no file descriptor left.
const BREATH: Duration = Duration::from_millis(50);

/// A bound port.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    proxies: Proxies,
}

impl Listener {
    /// Binds `address`. `[::]` takes IPv4 as well, and means `0.0.0.0` on a host without IPv6. `flag` is
    /// what the message of a failure tells people to change.
    pub fn bind(flag: &str, address: SocketAddr, limits: Limits) -> Result<Self> {
        let bound = match bind_tcp(address) {
            Err(e) if address.ip().is_unspecified() && is_no_ipv6(&e) => {
                bind_tcp((Ipv4Addr::UNSPECIFIED, address.port()).into())
            }
            other => other,
        };
        let tcp = bound.map_err(|e| refused(flag, address, e))?;
        Ok(Listener { tcp, tls: None, limits, proxies: Proxies::default() })
    }

    /// Speaks TLS on every connection.
    #[must_use]
    pub fn with_tls(mut self, config: Arc<rustls::ServerConfig>) -> Self {
        self.tls = Some(TlsAcceptor::from(config));
        self
    }

    /// Bears many connections from each of the trusted proxies.
    #[must_use]
    pub fn behind(mut self, proxies: &Proxies) -> Self {
        self.proxies = proxies.clone();
        self
    }

    /// The address that it is really bound to.
    pub fn address(&self) -> Result<SocketAddr> {
        self.tcp.local_addr().map_err(|e| Error::bug("a bound socket has no address").source(e))
    }

    /// Accepts until `tasks` stops. Connections are tasks of their own under it: they finish the request
    /// that they are at, and end; whoever stops `tasks` waits for them with [`Supervisor::drained`].
    pub async fn serve(self, router: Router, tasks: Supervisor) {
        let mut stop = tasks.stop_signal();
        let door = Door {
            router,
            tls: self.tls,
            limits: self.limits,
            places: Arc::new(Semaphore::new(self.limits.connections)),
            crowd: Crowd::new(self.limits.per_address),
            through_proxies: Crowd::new(self.limits.per_proxy()),
            proxies: self.proxies,
            tasks,
        };
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.wait() => return,
                accepted = self.tcp.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => door.admit(stream, from),
                Err(e) => after_failure(&e).await,
            }
        }
    }
}

/// What it takes to let somebody in.
struct Door {
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    places: Arc<Semaphore>,
    crowd: Crowd,
    through_proxies: Crowd,
    proxies: Proxies,
    tasks: Supervisor,
}

impl Door {
    /// Serves the connection in a task of its own, or drops it when there are too many.
    fn admit(&self, stream: TcpStream, from: SocketAddr) {
        let from = from.ip().to_canonical();
        let crowd = if self.proxies.trusts(from) { &self.through_proxies } else { &self.crowd };
        let (Ok(place), Some(seat)) = (Arc::clone(&self.places).try_acquire_owned(), crowd.enter(from))
        else {
            tracing::debug!(%from, "too many connections: one was refused");
            return;
        };
        set_up(&stream);
        let guest = Guest { router: self.router.clone(), from, limits: self.limits, seat };
        let (tls, stop) = (self.tls.clone(), self.tasks.stop_signal());
        self.tasks.spawn("connection", async move {
            match tls {
                None => guest.serve(Socket::new(stream, place), stop).await,
                Some(tls) => guest.serve_tls(&tls, stream, place, stop).await,
            }
        });
    }
}

/// One connection, before it is upgraded or ends.
struct Guest {
    router: Router,
    from: IpAddr,
    limits: Limits,
    /// Held until the connection is upgraded or ends.
    seat: Seat,
}

impl Guest {
    async fn serve_tls(self, tls: &TlsAcceptor, stream: TcpStream, place: OwnedSemaphorePermit, stop: Stop) {
        match tokio::time::timeout(self.limits.handshake, tls.accept(ReadAhead::new(stream))).await {
            Ok(Ok(stream)) => self.serve(Socket::new(stream, place), stop).await,
            Ok(Err(e)) => tracing::debug!(from = %self.from, "TLS handshake failed: {e}"),
            Err(_) => tracing::debug!(from = %self.from, "TLS handshake timed out"),
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        socket: Socket<S>,
        mut stop: Stop,
    ) {
        let (router, peer, leaving) = (self.router, Peer(self.from), stop.clone());
        let service = tower::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            // An answer without an end must end by itself when the coordinator stops.
            request.extensions_mut().insert(leaving.clone());
            router.clone().call(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.limits.head);
        http.max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD);
        let connection =
            http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(service)).with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.wait() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(e) = ended {
            tracing::debug!(from = %self.from, "connection ended: {e}");
        }
        drop(self.seat);
    }
}

/// The system finds out within two minutes that the other end is gone without a word, and keeps little for one that
/// does not read.
fn set_up(stream: &TcpStream) {
    let probes =
        TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    let socket = SockRef::from(stream);
    let set = socket.set_tcp_keepalive(&probes).and_then(|()| stream.set_nodelay(true));
    if let Err(e) = set.and_then(|()| keep_little(&socket)) {
        tracing::debug!("a connection keeps the system's own settings: {e}");
    }
}

/// Without this the system takes up to 4 MiB for each connection that it cannot send: a device that reads again would
/// have to read all of it, long out of date, before its whole map.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn keep_little(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_notsent_lowat(UNSENT)
}

/// Other systems have no such setting, or keep little anyway.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn keep_little(_: &SockRef<'_>) -> io::Result<()> {
    Ok(())
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restart need not wait for the old connections to be forgotten; a second listener is refused anyway.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn is_no_ipv6(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

/// What to tell people when an address cannot be listened on.
pub fn refused(flag: &str, address: SocketAddr, error: io::Error) -> Error {
    let (code, why, hint) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            "port_in_use",
            "another program listens there",
            format!("stop that program, or choose another port with {flag}"),
        ),
        io::ErrorKind::PermissionDenied => (
            "port_denied",
            "this user may not",
            format!("choose a port above 1023 with {flag}, or give the program CAP_NET_BIND_SERVICE"),
        ),
        io::ErrorKind::AddrNotAvailable => (
            "address_not_here",
            "this host has no such address",
            format!("name one of this host's addresses with {flag}, or [::] for all"),
        ),
        _ => ("cannot_listen", "the system refuses", format!("{flag} names the address")),
    };
    Error::new(Kind::Local, code, format!("cannot listen on {address}: {why}")).hint(hint).source(error)
}

/// A connection that failed before it was accepted is nobody's business; out of descriptors is everybody's.
async fn after_failure(error: &io::Error) {
    let gone = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::Interrupted];
    if !gone.contains(&error.kind()) {
        tracing::warn!("cannot accept connections at the moment: {error}");
        tokio::time::sleep(BREATH).await;
    }
}
