//! A buffer cannot be lent to a scoped thread, but its bytes can.

use knhk_pool::BufferPool;

static POOL: BufferPool = BufferPool::new("pool");

fn main() {
    let buffer = POOL.acquire();
    std::thread::scope(|scope| {
        let bytes = &buffer[..];
        scope.spawn(move || bytes.len());
        scope.spawn(|| buffer.len());
    });
}
