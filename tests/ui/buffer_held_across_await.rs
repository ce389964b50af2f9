//! A task that may move to another thread cannot hold a buffer over an await.

use knhk_pool::BufferPool;

static POOL: BufferPool = BufferPool::new("pool");

fn assert_send<T: Send>(_: T) {}

async fn reply() {
    let buffer = POOL.acquire();
    std::future::ready(()).await;
    drop(buffer);
}

fn main() {
    assert_send(reply());
}
