//! A reference into a ring keeps it from changing.

use knhk_pool::EventRingBuffer;

fn main() {
    let mut ring = EventRingBuffer::<String, 8>::new();
    let front = ring.peek();
    ring.push(String::new()).unwrap();
    drop(front);
}
