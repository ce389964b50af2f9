//! A batch has the producer.

use knhk_pool::spsc;

fn main() {
    let (mut producer, consumer) = spsc::channel::<u64>(8);
    let mut batch = producer.push_batch(4);
    producer.push(1).unwrap();
    batch.push(2).unwrap();
    drop((batch, consumer));
}
