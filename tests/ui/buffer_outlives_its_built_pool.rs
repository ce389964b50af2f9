//! A buffer borrows its pool, a built one too.

use knhk_pool::BufferPool;

fn main() {
    let pool = BufferPool::builder("pool").build().unwrap();
    let buffer = pool.acquire();
    drop(pool);
    drop(buffer);
}
