//! What left the pool is no buffer any more.

use knhk_pool::BufferPool;

static POOL: BufferPool = BufferPool::new("pool");

fn main() {
    let mut buffer = POOL.acquire();
    let bytes = buffer.into_vec();
    buffer.push(1);
    drop(bytes);
}
