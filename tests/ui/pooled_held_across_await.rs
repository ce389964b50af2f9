//! A task that may move to another thread cannot hold a pooled object over an await.

use knhk_pool::ThreadObjectPool;

static POOL: ThreadObjectPool<Vec<u8>> = ThreadObjectPool::new("pool", 2, Vec::new);

fn assert_send<T: Send>(_: T) {}

async fn reply() {
    let object = POOL.get().unwrap();
    std::future::ready(()).await;
    drop(object);
}

fn main() {
    assert_send(reply());
}
