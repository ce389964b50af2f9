//! The promises of `EventRingBuffer` and of the channel. What needs indices about to wrap is beside the
//! code; what needs every order of two threads is checked there by loom.

mod allocation;
#[path = "../armed/mod.rs"]
mod armed;
mod channel;
mod ending;
mod threads;

use knhk_pool::{EventRingBuffer, HeapObjectPool};

#[test]
fn all_slots_are_usable_and_the_refused_value_comes_back() {
    let mut ring = EventRingBuffer::<String, 4>::new();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(ring.push(name.into()), Ok(()));
    }
    assert!(ring.is_full());
    assert_eq!(ring.push("e".into()), Err("e".into()));
    assert_eq!(ring.pop().as_deref(), Some("a"));
    assert_eq!(ring.push("e".into()), Ok(()));
    assert_eq!(ring.drain().collect::<String>(), "bcde");
    assert_eq!((ring.pop(), ring.len()), (None, 0));
    assert!(ring.peek().is_none());
    assert!(ring.front_mut().is_none());
}

#[test]
fn pooled_ring_is_empty_for_its_next_owner() {
    let rings = HeapObjectPool::new(1, EventRingBuffer::<u8, 4>::new);
    let mut ring = rings.get().expect("one is idle");
    assert_eq!(ring.push(1), Ok(()));
    drop(ring);
    assert!(rings.get().expect("it came back").is_empty());
}

#[test]
fn ring_of_one_takes_one() {
    let mut ring = EventRingBuffer::<u8, 1>::new();
    for round in 0..3 {
        assert_eq!((ring.push(round), ring.push(9)), (Ok(()), Err(9)));
        assert_eq!((ring.pop(), ring.pop()), (Some(round), None));
    }
    assert_eq!(
        (ring.push_overwriting(1), ring.push_overwriting(2)),
        (None, Some(1))
    );
}

#[test]
fn zero_sized_values_are_counted() {
    let mut ring = EventRingBuffer::<(), { 1 << (usize::BITS - 2) }>::new();
    assert_eq!(ring.capacity(), 1 << (usize::BITS - 2));
    assert_eq!(ring.push_slice(&[(); 1000]), 1000);
    assert_eq!(
        (ring.pop(), ring.len(), ring.iter().count()),
        (Some(()), 999, 999)
    );
    assert_eq!(ring.drain().count(), 999);
    assert_eq!(ring.pop(), None);
}

#[test]
fn values_keep_the_alignment_of_their_type() {
    #[derive(Debug)]
    #[repr(align(128))]
    struct Lined(u8);

    let mut ring = EventRingBuffer::<Lined, 2>::boxed();
    for value in 0..3 {
        ring.push_overwriting(Lined(value));
        let last = ring.iter().next_back().expect("just pushed");
        assert_eq!((last.0, (&raw const *last).addr() % 128), (value, 0));
    }
}

#[test]
fn ring_is_made_in_a_constant_and_by_default() {
    const EMPTY: EventRingBuffer<u8, 8> = EventRingBuffer::new();
    let mut ring = EMPTY;
    assert_eq!(ring.push(1), Ok(()));
    assert!(EventRingBuffer::<u8, 8>::default().is_empty());
    assert_eq!(ring.len(), 1);
}

#[test]
fn ring_shows_what_it_holds_oldest_first() {
    let mut ring = EventRingBuffer::<u8, 2>::new();
    (1..=3).for_each(|value| {
        ring.push_overwriting(value);
    });
    assert_eq!(format!("{ring:?}"), "[2, 3]");
    assert_eq!(format!("{:?}", ring.drain()), "Drain([2, 3])");
    assert!((&ring).into_iter().next().is_none());
}

#[test]
fn boxed_ring_is_never_on_the_stack() {
    const BYTES: usize = 64 << 20;
    // A thread's stack of 256 KiB would not hold it.
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let made = thread.spawn(|| {
        let mut ring = EventRingBuffer::<u64, { BYTES / 8 }>::boxed();
        assert_eq!(
            (ring.push(1), ring.push(2), ring.pop()),
            (Ok(()), Ok(()), Some(1))
        );
        ring.len()
    });
    assert_eq!(made.expect("a thread").join().expect("no overflow"), 1);
}
