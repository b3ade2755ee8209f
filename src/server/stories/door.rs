//! The door and what every request meets, with routes of the test's own behind it.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::config::server::Proxies;
use crate::runtime::Supervisor;
use crate::server::frame::{drain, dress};
use crate::server::listen::{Limits, Listener};

const PATIENCE: Duration = Duration::from_secs(20);

/// What the test's own routes wait for and tell.
#[derive(Clone, Default)]
struct Slow {
    begun: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Slow {
    fn routes(&self) -> Router {
        let slow = self.clone();
        let wait = move || async move {
            slow.begun.notify_one();
            slow.go_on.notified().await;
            "done"
        };
        dress(
            Router::new()
                .route("/hello", get(|| async { "hello" }))
                .route("/slow", get(wait))
                .route("/panic", get(|| async { panic!("on purpose: hush") as &'static str }))
                .route("/upgrade", post(echo)),
        )
    }
}

/// Switches to a protocol that sends everything back.
async fn echo(mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    #[expect(clippy::disallowed_methods, reason = "a test")]
    tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
    });
    let builder = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
    builder.body(Body::empty()).unwrap()
}

struct Server {
    address: SocketAddr,
    connections: Supervisor,
    slow: Slow,
}

impl Server {
    fn start(limits: Limits) -> Server {
        Server::behind(&Proxies::default(), limits)
    }

    fn behind(proxies: &Proxies, limits: Limits) -> Server {
        let listener = Listener::bind("--listen", "127.0.0.1:0".parse().unwrap(), limits).unwrap();
        let listener = listener.behind(proxies);
        let (address, connections, slow) = (listener.address().unwrap(), Supervisor::new(), Slow::default());
        connections.spawn("listener", listener.serve(slow.routes(), connections.clone()));
        Server { address, connections, slow }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn get(&self, path: &str, headers: &str) -> String {
        say(
            self.connect().await,
            &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"),
        )
        .await
    }
}

/// Sends `text` and reads until the other end closes.
async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    read_all(&mut stream).await
}

async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    // A connection that is reset has said what it had to say.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut answer = String::new();
    while !answer.ends_with(end) {
        let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("in time").unwrap();
        answer.push(char::from(byte));
    }
    answer
}

#[tokio::test]
async fn every_answer_carries_the_id_of_its_request() {
    let server = Server::start(Limits::default());
    let answer = server.get("/hello", "X-Request-Id: my-id.7\r\n").await;
    assert!(answer.contains("x-request-id: my-id.7\r\n") && answer.ends_with("hello"), "{answer}");
    for insane in ["a b", "<script>", &"x".repeat(65)] {
        let answer = server.get("/hello", &format!("X-Request-Id: {insane}\r\n")).await;
        let id = answer.split("x-request-id: ").nth(1).unwrap().lines().next().unwrap();
        assert_eq!(id.len(), 16, "{answer}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let server = Server::start(Limits::default());
    let answer = server.get("/nowhere?token=hush", "X-Request-Id: r1\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(
        answer.contains("application/problem+json") && answer.contains("\"request_id\":\"r1\""),
        "{answer}"
    );
    let answer =
        say(server.connect().await, "DELETE /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405") && answer.contains("method_not_allowed"), "{answer}");
    assert!(answer.contains("allow: GET,HEAD"), "{answer}");
}

#[tokio::test]
async fn who_is_refused_before_his_body_was_read_is_told_that_the_connection_ends() {
    let server = Server::start(Limits::default());
    let head = "PUT /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
    let answer = say(server.connect().await, head).await;
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_panic_is_one_request_s_problem_and_says_nothing() {
    let server = Server::start(Limits::default());
    let answer = server.get("/panic", "").await;
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("\"code\":\"internal\""), "{answer}");
    assert!(!answer.contains("hush"), "{answer}");
    assert!(server.get("/hello", "").await.ends_with("hello"));
}

#[tokio::test]
async fn a_head_that_trickles_in_is_given_up() {
    let server = Server::start(Limits { head: Duration::from_secs(2), ..Limits::default() });
    let mut slow = server.connect().await;
    slow.write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\nX-A: ").await.unwrap();
    assert!(!read_all(&mut slow).await.contains("200 OK"));
    let mut idle = server.connect().await;
    idle.write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(read_all(&mut idle).await.ends_with("hello"), "an idle connection is closed too");
}

#[tokio::test]
async fn garbage_and_giant_heads_harm_nobody() {
    let server = Server::start(Limits { head: Duration::from_secs(2), ..Limits::default() });
    let tls_hello = "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}";
    for garbage in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        tls_hello,
        "SSH-2.0-OpenSSH\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = say(server.connect().await, garbage).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{garbage:?}: {answer}");
    }
    let head = format!("GET /hello HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "a".repeat(100_000));
    let mut stream = server.connect().await;
    let _ = stream.write_all(head.as_bytes()).await;
    let answer = read_all(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(server.get("/hello", "").await.ends_with("hello"));
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_upgraded_ones_do_not_count() {
    let server = Server::start(Limits { per_address: 1, ..Limits::default() });
    let mut first = server.connect().await;
    first
        .write_all(b"POST /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        .await
        .unwrap();
    assert!(read_until(&mut first, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    let begun = server.slow.begun.clone();
    let mut second = server.connect().await;
    second.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    tokio::time::timeout(PATIENCE, begun.notified()).await.expect("the second is let in");
    assert_eq!(read_all(&mut server.connect().await).await, "", "the third is refused");
    first.write_all(b"ping").await.unwrap();
    assert_eq!(read_until(&mut first, "ping").await, "ping");
    server.slow.go_on.notify_one();
    assert!(read_all(&mut second).await.ends_with("done"));
}

/// Asks, and keeps the connection.
async fn ask_and_stay(server: &Server) -> (TcpStream, String) {
    let mut stream = server.connect().await;
    stream.write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let answer = read_until(&mut stream, "hello").await;
    (stream, answer)
}

#[tokio::test]
async fn a_trusted_proxy_brings_more_callers_than_a_stranger_and_not_all() {
    let limits = Limits { per_address: 1, connections: 5, ..Limits::default() };
    let strangers = Server::start(limits);
    let (_stranger, _) = ask_and_stay(&strangers).await;
    assert_eq!(read_all(&mut strangers.connect().await).await, "", "one is what a stranger has");

    let trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let server = Server::behind(&Proxies { trusted, ..Proxies::default() }, limits);
    let mut callers = Vec::new();
    for _ in 0..4 {
        let (caller, answer) = ask_and_stay(&server).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        callers.push(caller);
    }
    assert_eq!(read_all(&mut server.connect().await).await, "", "the last place is for others");
}

#[tokio::test]
async fn upgraded_connections_keep_their_place_among_all() {
    let server = Server::start(Limits { connections: 1, ..Limits::default() });
    let mut first = server.connect().await;
    first
        .write_all(b"POST /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut first, "\r\n\r\n").await;
    assert_eq!(read_all(&mut server.connect().await).await, "", "there is no place left");
    drop(first);
    let mut answer = String::new();
    while answer.is_empty() {
        answer = server.get("/hello", "").await;
    }
    assert!(answer.ends_with("hello"));
}

#[tokio::test]
async fn a_drain_finishes_what_is_under_way_and_lets_nobody_in() {
    let server = Server::start(Limits::default());
    let mut idle = server.connect().await;
    idle.write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, "hello").await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    server.slow.begun.notified().await;
    let tasks = Supervisor::new();
    let (connections, background) = (server.connections.clone(), tasks.clone());
    tasks.spawn("drain", async move { drain(&connections, &background).await });
    assert_eq!(read_all(&mut idle).await, "", "an idle connection is closed");
    while TcpStream::connect(server.address).await.is_ok() {}
    server.slow.go_on.notify_one();
    assert!(read_all(&mut busy).await.ends_with("done"));
    assert!(server.connections.drained(PATIENCE).await);
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    let first = Listener::bind("--listen", "127.0.0.1:0".parse().unwrap(), Limits::default()).unwrap();
    let address = first.address().unwrap();
    let error = Listener::bind("--derp-listen", address, Limits::default()).err().unwrap();
    assert_eq!((error.code(), error.exit_code()), ("port_in_use", 1));
    assert!(error.message().contains(&address.to_string()));
    assert!(error.hint_text().unwrap().contains("--derp-listen"));
    let error = Listener::bind("--listen", "192.0.2.1:0".parse().unwrap(), Limits::default()).err().unwrap();
    assert_eq!(error.code(), "address_not_here");
}
