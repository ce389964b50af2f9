//! A lent object borrows the pool.

use knhk_pool::HeapObjectPool;

fn main() {
    let object = {
        let pool = HeapObjectPool::new(2, Vec::<u8>::new);
        pool.get().unwrap()
    };
    drop(object);
}
