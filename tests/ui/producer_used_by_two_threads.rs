//! One thread at a time has a producer.

use knhk_pool::spsc;

fn main() {
    let (mut producer, consumer) = spsc::channel::<u64>(8);
    std::thread::scope(|threads| {
        threads.spawn(|| producer.push(1));
        threads.spawn(|| producer.push(2));
    });
    drop(consumer);
}
