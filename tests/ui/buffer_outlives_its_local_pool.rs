//! A buffer borrows its pool.

use knhk_pool::{LocalPool, PoolConfig, Workload};

fn main() {
    let buffer = {
        let pool = LocalPool::new(PoolConfig::from(Workload::Low)).unwrap();
        pool.acquire()
    };
    drop(buffer);
}
