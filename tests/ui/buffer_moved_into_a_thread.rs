//! A buffer cannot be given to a thread.

use knhk_pool::BufferPool;

static POOL: BufferPool = BufferPool::new("pool");

fn main() {
    let buffer = POOL.acquire();
    std::thread::spawn(move || drop(buffer));
}
