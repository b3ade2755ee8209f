//! What single steps of the mesh cost, without a network around them: `cargo bench`, or
//! `cargo bench -- handshake` for one of them. docs/performance.md says what the figures mean.

#![allow(clippy::unwrap_used)]

mod map;
mod noise;
mod relay;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, noise::handshake, noise::sealed_write, map::delta, map::whole, relay::forwarding);
criterion_main!(benches);
