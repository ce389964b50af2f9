//! A local pool has one owner.

use knhk_pool::{LocalPool, PoolConfig, Workload};

fn main() {
    let pool = LocalPool::new(PoolConfig::from(Workload::Low)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| drop(pool.acquire()));
    });
}
