//! A channel has one producer.

use knhk_pool::spsc;

fn main() {
    let (producer, consumer) = spsc::channel::<u64>(8);
    let second = producer.clone();
    drop((producer, second, consumer));
}
