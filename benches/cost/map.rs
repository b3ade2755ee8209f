//! The network map: one change told to a realm, and the whole of it told to one device.

use criterion::{BatchSize, BenchmarkId, Criterion};
use std::hint::black_box;
use wonder::mesh::native::realm::bench::Map;

/// A device's endpoints change: the message that all others are sent.
pub fn delta(c: &mut Criterion) {
    let mut group = c.benchmark_group("delta");
    for nodes in [500, 5_000] {
        let mut map = Map::of(nodes);
        group.bench_function(BenchmarkId::from_parameter(nodes), |b| {
            b.iter(|| black_box(map.change_endpoint(i64::from(nodes) / 2)));
        });
    }
    group.finish();
}

/// A device connects: everything is kept ready (`warm`), one node has changed since (`changed`), nothing is
/// ready (`cold`).
pub fn whole(c: &mut Criterion) {
    let mut group = c.benchmark_group("whole_map");
    group.sample_size(20);
    for nodes in [1_000, 10_000] {
        let mut map = Map::of(nodes);
        map.whole(1);
        group.bench_function(BenchmarkId::new("warm", nodes), |b| b.iter(|| black_box(map.whole(1))));
        group.bench_function(BenchmarkId::new("changed", nodes), |b| {
            b.iter(|| {
                map.change_endpoint(i64::from(nodes) / 2);
                black_box(map.whole(1))
            });
        });
        group.bench_function(BenchmarkId::new("cold", nodes), |b| {
            b.iter_batched_ref(
                || (),
                |()| {
                    map.forget();
                    black_box(map.whole(1))
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}
