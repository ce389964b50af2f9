//! What a batch shows is in the ring, and is the producer's when the batch ends.

use knhk_pool::spsc;

fn main() {
    let (producer, mut consumer) = spsc::channel::<u64>(8);
    let shown = consumer.pop_batch(4).as_slices().0;
    drop(producer);
    assert!(shown.is_empty());
}
