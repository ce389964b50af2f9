//! What does a pair cost, acquire and release, beside every peer?

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use knhk_pool_benches::{Case, Depth, cases};

fn pair(criterion: &mut Criterion) {
    let cases = cases();
    for depth in Depth::ALL {
        let mut group = criterion.benchmark_group(depth.name());
        group.warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(600));
        for case in &cases {
            group.bench_function(case.name, |bencher| {
                bencher.iter_custom(|pairs| time(case, depth, pairs));
            });
        }
    }
}

fn time(case: &Case, depth: Depth, pairs: u64) -> Duration {
    let start = Instant::now();
    let done = case.run(depth, pairs);
    start.elapsed().mul_f64(pairs as f64 / done as f64)
}

criterion_group!(benches, pair);
criterion_main!(benches);
