//! A pool of objects has one owner.

use knhk_pool::ObjectPool;

fn main() {
    let pool = ObjectPool::<Vec<u8>, 2>::with_default();
    std::thread::scope(|threads| {
        threads.spawn(|| drop(pool.get()));
    });
}
