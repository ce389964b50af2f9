//! To release a buffer is to drop it, which can be done once.

use knhk_pool::BufferPool;

static POOL: BufferPool = BufferPool::new("pool");

fn main() {
    let buffer = POOL.acquire();
    drop(buffer);
    drop(buffer);
}
