//! Bytes are borrowed from the buffer.

use knhk_pool::BufferPool;

static POOL: BufferPool = BufferPool::new("pool");

fn main() {
    let mut buffer = POOL.acquire();
    let bytes = buffer.padded();
    drop(buffer);
    assert!(bytes.is_empty());
}
