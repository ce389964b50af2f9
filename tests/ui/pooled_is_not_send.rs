//! A lent object goes back to its pool, which is one thread's.

use knhk_pool::HeapObjectPool;

fn main() {
    let pool = HeapObjectPool::new(2, Vec::<u8>::new);
    let object = pool.get().unwrap();
    std::thread::scope(|threads| {
        threads.spawn(move || drop(object));
    });
}
