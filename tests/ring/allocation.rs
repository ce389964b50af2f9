//! After they were made, rings neither allocate nor free.

use knhk_pool::EventRingBuffer;
use knhk_pool::hot_path::{allocations, assert_no_alloc};
use knhk_pool::ring::spsc;

// With the feature, `armed` has it.
#[cfg(not(feature = "allocation-tracking"))]
#[global_allocator]
static ALLOCATOR: knhk_pool::HotPathAlloc = knhk_pool::HotPathAlloc::new(std::alloc::System);

/// Whether this build sees allocations: builds with debug assertions and with `allocation-tracking` do.
fn armed() -> bool {
    let armed = knhk_pool::hot_path::is_armed();
    if !armed {
        use std::io::Write;
        writeln!(
            std::io::stderr(),
            "skipped: this build does not see allocations"
        )
        .ok();
    }
    armed
}

#[test]
fn ring_allocates_nothing_whatever_it_answers() {
    if !armed() {
        return;
    }
    let mut ring = EventRingBuffer::<u64, 8>::new();
    assert_no_alloc(|| {
        for value in 0..100 {
            ring.push_overwriting(value);
            let is_full = ring.is_full();
            assert_eq!(ring.push(value).is_err(), is_full);
            ring.push_slice(&[value; 3]);
            ring.pop();
            ring.pop_slice(&mut [0; 2]);
            ring.pop_if(|front| *front == value);
            assert!(ring.iter().count() <= 8);
        }
        assert!(ring.drain().count() > 0);
    });
}

#[test]
fn channel_allocates_when_it_is_made_and_then_nothing() {
    if !armed() {
        return;
    }
    let mut halves = None;
    let made = allocations(|| halves = Some(spsc::channel::<u64>(8)));
    assert_eq!((made.allocations, made.frees), (2, 0));
    let (mut producer, mut consumer) = halves.expect("made above");
    assert_no_alloc(|| {
        for value in 0..100 {
            let is_full = producer.is_full();
            assert_eq!(producer.push(value).is_err(), is_full);
            producer.push_slice(&[value; 3]);
            let mut batch = producer.push_batch(2);
            let is_full = batch.room() == 0;
            assert_eq!(batch.push(value).is_err(), is_full);
            drop(batch);
            consumer.pop();
            consumer.pop_slice(&mut [0; 2]);
            assert!(consumer.pop_batch(3).count() <= 3);
        }
    });
    let freed = allocations(|| drop((producer, consumer)));
    assert_eq!((freed.allocations, freed.frees), (0, 2));
}
