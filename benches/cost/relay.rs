//! The relay: packets from one device to another, over memory in the place of sockets.

use async_trait::async_trait;
use criterion::{Criterion, Throughput};
use crypto_box::aead::Aead as _;
use crypto_box::{SalsaBox, SecretKey};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use wonder::core::Timestamp;
use wonder::core::id::RealmId;
use wonder::core::key::NodeKey;
use wonder::core::secret::random_bytes;
use wonder::mesh::native::derp::{Admission, Limits, Relay, RelayKey};
use wonder::runtime::Supervisor;

/// Bytes of a packet, as a full one of the mesh.
const PACKET: usize = 1_200;
/// Packets under way at once: fewer than the relay holds for a client.
const TOGETHER: usize = 16;
const HEADER: usize = 5;
const KEY: usize = 32;

/// Everybody is of one realm.
struct Everybody(RealmId);

#[async_trait]
impl Admission for Everybody {
    async fn admit(&self, _: &NodeKey) -> Option<RealmId> {
        Some(self.0)
    }
}

/// A frame of the relay's protocol: type, length, body.
fn frame(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind][..], &length, &body].concat()
}

async fn read_frame(io: &mut DuplexStream) -> Vec<u8> {
    let mut head = [0; HEADER];
    io.read_exact(&mut head).await.unwrap();
    let mut body = vec![0; u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize];
    io.read_exact(&mut body).await.unwrap();
    body
}

/// A device that the relay has admitted.
async fn connect(relay: &Relay, tasks: &Supervisor) -> (NodeKey, DuplexStream) {
    let (mut io, server) = duplex(1 << 20);
    let serve = relay.serve(server, "192.0.2.1:7".parse().unwrap());
    tasks.spawn("relay client", async move { drop(serve.await) });
    let key = SecretKey::from(random_bytes());
    let public = NodeKey(key.public_key().to_bytes());
    read_frame(&mut io).await;
    let nonce = random_bytes::<24>();
    let to_relay = SalsaBox::new(&relay.public_key().0.into(), &key);
    let sealed = to_relay.encrypt(&nonce.into(), br#"{"version":2}"#.as_slice()).unwrap();
    io.write_all(&frame(2, &[public.as_bytes(), &nonce, &sealed])).await.unwrap();
    read_frame(&mut io).await;
    (public, io)
}

pub fn forwarding(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let realm = RealmId::new(Timestamp::from_millis(1));
    let relay = Relay::new(RelayKey::random(), Arc::new(Everybody(realm)), Limits::default());
    let tasks = Supervisor::new();
    let ((_, mut from), (to, mut at)) =
        runtime.block_on(async { (connect(&relay, &tasks).await, connect(&relay, &tasks).await) });
    let packets = frame(4, &[to.as_bytes(), &[7; PACKET]]).repeat(TOGETHER);
    let mut arrived = vec![0; TOGETHER * (HEADER + KEY + PACKET)];
    let mut group = c.benchmark_group("relay");
    group.throughput(Throughput::Elements(TOGETHER as u64));
    group.bench_function("forwarding", |b| {
        b.iter(|| {
            runtime.block_on(async {
                from.write_all(&packets).await.unwrap();
                at.read_exact(&mut arrived).await.unwrap();
            });
        });
    });
    group.finish();
}
