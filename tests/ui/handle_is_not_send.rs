//! A handle is to one thread's part.

use knhk_pool::BufferPool;

static POOL: BufferPool = BufferPool::new("pool");

fn main() {
    let handle = POOL.handle();
    std::thread::spawn(move || drop(handle.acquire()));
}
