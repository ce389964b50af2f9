//! What becomes of values that nobody has popped, and of values whose drop panics.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use knhk_pool::EventRingBuffer;
use knhk_pool::ring::spsc;

/// Adds one to a count when it is dropped, and panics then if it is to.
struct Dropped<'a> {
    drops: &'a Cell<usize>,
    panics: bool,
}

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        if self.panics {
            resume_unwind(Box::new("on purpose"));
        }
    }
}

fn calm(drops: &Cell<usize>) -> Dropped<'_> {
    Dropped {
        drops,
        panics: false,
    }
}

fn panicking(drops: &Cell<usize>) -> Dropped<'_> {
    Dropped {
        drops,
        panics: true,
    }
}

/// A full ring of four, of which the last slot holds the second value, and the one at `bad` panics.
fn full_ring(drops: &Cell<usize>, bad: usize) -> EventRingBuffer<Dropped<'_>, 4> {
    let mut ring = EventRingBuffer::new();
    for _ in 0..2 {
        assert!(ring.push(calm(drops)).is_ok());
        mem::forget(ring.pop());
    }
    for index in 0..4 {
        let panics = index == bad;
        assert!(ring.push(Dropped { drops, panics }).is_ok());
    }
    ring
}

fn panics(work: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}

#[test]
fn dropped_ring_drops_what_it_holds_once_whichever_panics() {
    for bad in 0..4 {
        let drops = Cell::new(0);
        let ring = full_ring(&drops, bad);
        assert!(panics(|| drop(ring)));
        assert_eq!(drops.get(), 4, "{bad}");
    }
}

#[test]
fn cleared_ring_is_empty_and_usable_whichever_panics() {
    for bad in 0..4 {
        let drops = Cell::new(0);
        let mut ring = full_ring(&drops, bad);
        assert!(panics(|| ring.clear()));
        assert_eq!((drops.get(), ring.len()), (4, 0), "{bad}");
        assert!(ring.push(calm(&drops)).is_ok());
        drop(ring);
        assert_eq!(drops.get(), 5);
    }
}

#[test]
fn drain_drops_the_rest_whichever_panics_and_a_forgotten_one_keeps_it() {
    for bad in 0..4 {
        let drops = Cell::new(0);
        let mut ring = full_ring(&drops, bad);
        assert!(panics(|| ring.drain().for_each(drop)));
        assert_eq!((drops.get(), ring.len()), (4, 0), "{bad}");
    }
    let drops = Cell::new(0);
    let mut ring = full_ring(&drops, 9);
    let mut drain = ring.drain();
    drop(drain.next());
    mem::forget(drain);
    assert_eq!((drops.get(), ring.len()), (1, 3));
    drop(ring);
    assert_eq!(drops.get(), 4);
}

#[test]
fn overwritten_value_is_handed_out_not_dropped() {
    let drops = Cell::new(0);
    let mut ring = full_ring(&drops, 0);
    let oldest = ring.push_overwriting(calm(&drops));
    assert_eq!((drops.get(), ring.len()), (0, 4));
    assert!(oldest.as_ref().is_some_and(|oldest| oldest.panics));
    mem::forget(oldest);
    drop(ring);
    assert_eq!(drops.get(), 4);
}

#[test]
fn panic_in_pop_ifs_closure_leaves_the_value() {
    let drops = Cell::new(0);
    let mut ring = full_ring(&drops, 9);
    assert!(panics(|| drop(
        ring.pop_if(|_| resume_unwind(Box::new("on purpose")))
    )));
    assert_eq!((drops.get(), ring.len()), (0, 4));
    drop(ring);
    assert_eq!(drops.get(), 4);
}

/// A full channel of four, laid out as `full_ring`.
fn full_channel(
    drops: &Cell<usize>,
    bad: usize,
) -> (spsc::Producer<Dropped<'_>>, spsc::Consumer<Dropped<'_>>) {
    let (mut producer, mut consumer) = spsc::channel(4);
    for _ in 0..2 {
        assert!(producer.push(calm(drops)).is_ok());
        mem::forget(consumer.pop());
    }
    for index in 0..4 {
        let panics = index == bad;
        assert!(producer.push(Dropped { drops, panics }).is_ok());
    }
    (producer, consumer)
}

#[test]
fn last_half_drops_the_rest_once_whichever_it_is_and_whichever_panics() {
    for bad in 0..4 {
        for producer_last in [false, true] {
            let drops = Cell::new(0);
            let (producer, consumer) = full_channel(&drops, bad);
            let ended = if producer_last {
                drop(consumer);
                assert!(producer.is_abandoned());
                assert_eq!(drops.get(), 0);
                panics(|| drop(producer))
            } else {
                drop(producer);
                assert!(consumer.is_abandoned());
                assert_eq!(drops.get(), 0);
                panics(|| drop(consumer))
            };
            assert!(ended);
            assert_eq!(drops.get(), 4, "{bad}");
        }
    }
}

#[test]
fn popped_batch_drops_the_rest_and_gives_all_slots_back_whichever_panics() {
    for bad in 0..4 {
        let drops = Cell::new(0);
        let (mut producer, mut consumer) = full_channel(&drops, bad);
        assert!(panics(|| {
            let mut batch = consumer.pop_batch(4);
            mem::forget(batch.next());
            if bad == 0 {
                resume_unwind(Box::new("while a batch is held"));
            }
        }));
        assert_eq!(drops.get(), 3, "{bad}");
        assert!(consumer.is_empty());
        for _ in 0..4 {
            assert!(producer.push(calm(&drops)).is_ok());
        }
        drop((producer, consumer));
        assert_eq!(drops.get(), 7);
    }
}

#[test]
fn pushed_batch_publishes_what_it_has_when_its_filler_panics() {
    let drops = Cell::new(0);
    let (mut producer, mut consumer) = spsc::channel(4);
    assert!(panics(|| {
        let mut batch = producer.push_batch(3);
        assert!(batch.push(calm(&drops)).is_ok());
        resume_unwind(Box::new("on purpose"));
    }));
    assert_eq!(consumer.pop_batch(4).len(), 1);
    assert_eq!(drops.get(), 1);
}

#[test]
fn forgotten_batches_lose_and_double_nothing() {
    let drops = Cell::new(0);
    let (mut producer, mut consumer) = spsc::channel(4);
    let mut batch = producer.push_batch(3);
    for _ in 0..3 {
        assert!(batch.push(calm(&drops)).is_ok());
    }
    mem::forget(batch);
    assert!(consumer.pop().is_none());
    assert!(producer.push(calm(&drops)).is_ok()); // publishes the three as well
    let mut batch = consumer.pop_batch(4);
    assert_eq!(batch.len(), 4);
    drop(batch.next());
    mem::forget(batch);
    assert_eq!((drops.get(), consumer.len()), (1, 3));
    drop((producer, consumer));
    assert_eq!(drops.get(), 4);
}

#[test]
fn forgotten_batch_that_filled_or_emptied_the_channel_does_not_block_it() {
    let drops = Cell::new(0);
    let (mut producer, mut consumer) = spsc::channel(4);
    let mut batch = producer.push_batch(4);
    for _ in 0..4 {
        assert!(batch.push(calm(&drops)).is_ok());
    }
    mem::forget(batch);
    assert!(producer.push(calm(&drops)).is_err());
    let mut batch = consumer.pop_batch(4);
    assert_eq!(batch.by_ref().count(), 4);
    mem::forget(batch);
    assert!(producer.push(calm(&drops)).is_err());
    assert!(consumer.pop().is_none());
    assert!(producer.push(calm(&drops)).is_ok());
    assert!(consumer.pop().is_some());
}

#[test]
fn producer_that_is_dropped_after_a_forgotten_batch_publishes_it() {
    let drops = Cell::new(0);
    let (mut producer, mut consumer) = spsc::channel(4);
    let mut batch = producer.push_batch(1);
    assert!(batch.push(panicking(&drops)).is_ok());
    mem::forget(batch);
    drop(producer);
    assert!(consumer.is_abandoned());
    mem::forget(consumer.pop().expect("published at the end"));
    drop(consumer);
    assert_eq!(drops.get(), 0);
}
