//! The encrypted transport: the handshake of one connection, and one sealed write a session, which is the
//! least that telling somebody something can cost.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream as StdStream};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use wonder::mesh::native::noise::{ControlKey, NoiseStream, TransportKeys, accept};

/// The sessions of a realm, each with a connection of its own.
const SESSIONS: usize = 500;
/// A change of one node's endpoints; a node told whole. In bytes, compressed.
const MESSAGES: [usize; 2] = [100, 400];

/// A device's first message to the coordinator.
fn initiation(coordinator: &ControlKey) -> Vec<u8> {
    const VERSION: u16 = 145;
    let own = ControlKey::random();
    let mut noise = snow::Builder::new("Noise_IK_25519_ChaChaPoly_BLAKE2s".parse().unwrap())
        .prologue(format!("Tailscale Control Protocol v{VERSION}").as_bytes())
        .unwrap()
        .local_private_key(own.secret_bytes().as_slice())
        .unwrap()
        .remote_public_key(coordinator.public().as_bytes())
        .unwrap()
        .build_initiator()
        .unwrap();
    let mut message = vec![0; 101];
    message[..2].copy_from_slice(&VERSION.to_be_bytes());
    message[2..5].copy_from_slice(&[1, 0, 96]);
    noise.write_message(&[], &mut message[5..]).unwrap();
    message
}

pub fn handshake(c: &mut Criterion) {
    let key = ControlKey::random();
    c.bench_function("handshake", |b| {
        b.iter_batched(
            || initiation(&key),
            |message| accept(&key, black_box(&message)).unwrap(),
            BatchSize::SmallInput,
        );
    });
}

fn keys() -> TransportKeys {
    let key = ControlKey::random();
    accept(&key, &initiation(&key)).unwrap().keys
}

/// One message to each session: sealed only, and sealed and written to a loopback socket.
pub fn sealed_write(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = c.benchmark_group("sealed_write");
    group.throughput(Throughput::Elements(SESSIONS as u64)).sample_size(50);
    for size in MESSAGES {
        let message = vec![7; size];
        group.bench_function(BenchmarkId::new("to_nowhere", size), |b| {
            let mut sessions: Vec<_> =
                (0..SESSIONS).map(|_| NoiseStream::new(tokio::io::sink(), keys())).collect();
            b.iter(|| runtime.block_on(tell(&mut sessions, &message)));
        });
        group.bench_function(BenchmarkId::new("to_sockets", size), |b| {
            let mut sockets = Sockets::new(&runtime);
            b.iter_custom(|rounds| (0..rounds).map(|_| sockets.tell(&runtime, &message)).sum());
        });
    }
    group.finish();
}

async fn tell<IO: tokio::io::AsyncWrite + Unpin>(sessions: &mut [NoiseStream<IO>], message: &[u8]) {
    for session in sessions {
        session.write_all(message).await.unwrap();
        session.flush().await.unwrap();
    }
}

/// Connections, and the other ends of them.
struct Sockets {
    sessions: Vec<NoiseStream<TcpStream>>,
    devices: Vec<StdStream>,
}

impl Sockets {
    fn new(runtime: &Runtime) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut sockets = Sockets { sessions: vec![], devices: vec![] };
        for _ in 0..SESSIONS {
            sockets.devices.push(StdStream::connect(address).unwrap());
            let (session, _) = listener.accept().unwrap();
            session.set_nonblocking(true).unwrap();
            session.set_nodelay(true).unwrap();
            let session = runtime.block_on(async { TcpStream::from_std(session).unwrap() });
            sockets.sessions.push(NoiseStream::new(session, keys()));
        }
        sockets
    }

    /// The time of the writes alone; what was written is read afterwards.
    fn tell(&mut self, runtime: &Runtime, message: &[u8]) -> Duration {
        let started = Instant::now();
        runtime.block_on(tell(&mut self.sessions, message));
        let took = started.elapsed();
        let mut record = vec![0; message.len() + 3 + 16];
        self.devices.iter_mut().for_each(|device| device.read_exact(&mut record).unwrap());
        took
    }
}
