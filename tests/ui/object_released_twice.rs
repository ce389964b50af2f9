//! What was given back is the pool's.

use knhk_pool::HeapObjectPool;

fn main() {
    let pool = HeapObjectPool::new(2, Vec::<u8>::new);
    let object = pool.acquire().unwrap();
    pool.release(object).unwrap();
    pool.release(object).unwrap();
}
