//! What does it cost where the hit path ends: the heap, a refusal, a wipe, growth, leaving the pool?

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use knhk_pool::{Buffer, LocalPool};
use knhk_pool_benches::{
    Allocator, BUFFER_SIZE, Depth, POOL_SIZE, Peer, Zeropool, assert_proved, config, local_pool,
};

fn heap(criterion: &mut Criterion) {
    assert_proved();
    let mut group = group(criterion, "all in use");
    let empty = LocalPool::new(config().with_pool_size(0)).expect("0 is in range");
    pairs(&mut group, "LocalPool, from the heap and back", &empty);
    pairs(&mut group, "malloc", &Allocator(System));

    let pool = local_pool();
    let _all: Vec<Buffer<'_>> = (0..POOL_SIZE).map(|_| pool.acquire()).collect();
    group.bench_function("LocalPool, try_acquire refuses", |bencher| {
        bencher.iter(|| pool.try_acquire().is_err());
    });
    // The first of these is a miss; it joins the pool when it is released, so the others are hits.
    pairs(&mut group, "LocalPool, the 17th of 16", &pool);
}

fn wipe(criterion: &mut Criterion) {
    let mut group = group(criterion, "wiped");
    let wiping = LocalPool::new(config().with_zero_on_release(true)).expect("sizes in range");
    pairs(&mut group, "LocalPool, zero_on_release", &wiping);
    pairs(&mut group, "LocalPool, not wiped", &local_pool());
    let mut bytes = vec![1_u8; BUFFER_SIZE];
    group.bench_function("4 KiB filled with zeros", |bencher| {
        bencher.iter(|| black_box(&mut bytes).fill(0));
    });
    let zeropool = Zeropool::new(false);
    group.bench_function("zeropool, zeroed on acquire", |bencher| {
        bencher.iter(|| black_box(zeropool.zeroed()));
    });
}

fn growth(criterion: &mut Criterion) {
    let mut group = group(criterion, "out of the pool");
    let pool = local_pool();
    group.bench_function("LocalPool, grown to 8 KiB and freed", |bencher| {
        bencher.iter(|| {
            let mut buffer = pool.acquire();
            buffer.reserve(2 * BUFFER_SIZE);
            black_box(&mut buffer).capacity()
        });
    });
    group.bench_function("Vec, grown to 8 KiB and freed", |bencher| {
        bencher.iter(|| {
            let mut buffer: Vec<u8> = Vec::with_capacity(BUFFER_SIZE);
            black_box(&mut buffer).reserve(2 * BUFFER_SIZE);
            black_box(&mut buffer).capacity()
        });
    });
    group.bench_function("LocalPool, 64 bytes by into_vec", |bencher| {
        bencher.iter(|| {
            let mut buffer = pool.acquire();
            buffer.extend_from_slice(&[1; 64]);
            black_box(buffer.into_vec())
        });
    });
    group.bench_function("slice, 64 bytes by to_vec", |bencher| {
        bencher.iter(|| black_box(&[1_u8; 64]).to_vec());
    });
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group
}

fn pairs<P: Peer>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, peer: &P) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|pairs| {
            let start = Instant::now();
            Depth::One.run(peer, pairs);
            start.elapsed()
        });
    });
}

criterion_group!(benches, heap, wipe, growth);
criterion_main!(benches);
