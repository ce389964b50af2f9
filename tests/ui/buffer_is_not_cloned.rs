//! Two owners of the same bytes cannot be made.

use knhk_pool::BufferPool;

static POOL: BufferPool = BufferPool::new("pool");

fn main() {
    let buffer = POOL.acquire();
    let again = buffer.clone();
    drop((buffer, again));
}
