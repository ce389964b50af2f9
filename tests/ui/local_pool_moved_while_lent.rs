//! A local pool does not move while a buffer is out.

use knhk_pool::{LocalPool, PoolConfig, Workload};

fn main() {
    let pool = LocalPool::new(PoolConfig::from(Workload::Low)).unwrap();
    let buffer = pool.acquire();
    std::thread::spawn(move || drop(pool));
    drop(buffer);
}
