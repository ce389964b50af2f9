//! The channel's promises that one thread can see.

#![allow(unsafe_code)]

use std::panic::catch_unwind;

use knhk_pool::ring::spsc::{self, Consumer, Producer};

#[test]
fn channel_holds_exactly_what_it_was_made_for() {
    for capacity in [1, 2, 3, 5, 7, 8, 9, 100] {
        let (mut producer, mut consumer) = spsc::channel(capacity);
        assert_eq!(
            (producer.capacity(), consumer.capacity()),
            (capacity, capacity)
        );
        // Twice around, so that every slot is used and every index wraps.
        for round in 0..3 {
            let pushed = (0..)
                .take_while(|value| producer.push(round * 1000 + value).is_ok())
                .count();
            assert_eq!(pushed, capacity);
            assert!(producer.is_full());
            let expected = (0..capacity).map(|value| round * 1000 + value);
            assert!(consumer.pop_batch(usize::MAX).eq(expected));
            assert!(consumer.is_empty() && producer.is_empty());
        }
    }
}

#[test]
fn impossible_capacities_are_refused_and_not_rounded() {
    for capacity in [0, (1 << (usize::BITS - 1)) + 1, usize::MAX] {
        assert!(
            catch_unwind(|| spsc::channel::<()>(capacity)).is_err(),
            "{capacity}"
        );
    }
    for capacity in [usize::MAX / 8, 1 << (usize::BITS - 3)] {
        assert!(
            catch_unwind(|| spsc::channel::<u64>(capacity)).is_err(),
            "{capacity}"
        );
    }
}

#[test]
fn zero_sized_values_are_counted() {
    let (mut producer, mut consumer) = spsc::channel::<()>(1 << (usize::BITS - 2));
    assert_eq!(producer.push_slice(&[(); 1000]), 1000);
    assert_eq!((consumer.pop(), consumer.len()), (Some(()), 999));
    assert_eq!(consumer.pop_batch(usize::MAX).count(), 999);
}

#[test]
fn each_half_sees_that_the_other_is_gone_and_not_before() {
    let (producer, consumer) = spsc::channel::<u8>(1);
    assert!(!producer.is_abandoned() && !consumer.is_abandoned());
    drop(consumer);
    assert!(producer.is_abandoned());
    let (producer, consumer) = spsc::channel::<u8>(1);
    drop(producer);
    assert!(consumer.is_abandoned());
}

#[test]
fn more_than_the_batch_has_room_for_cannot_be_assumed_pushed() {
    let (mut producer, _consumer) = spsc::channel::<u8>(4);
    let refused = catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut batch = producer.push_batch(2);
        // SAFETY: it panics before it counts anything: that is what is tested.
        unsafe { batch.assume_pushed(3) };
    }));
    assert!(refused.is_err());
    assert!(producer.is_empty());
}

#[test]
fn halves_are_on_cache_lines_of_their_own() {
    assert!(align_of::<Producer<u8>>() >= 128 && align_of::<Consumer<u8>>() >= 128);
}

#[test]
fn halves_show_themselves_without_their_values() {
    let (mut producer, mut consumer) = spsc::channel(2);
    assert_eq!(producer.push("secret"), Ok(()));
    assert_eq!(
        format!("{producer:?}"),
        "Producer { len: 1, capacity: 2, is_abandoned: false, .. }"
    );
    assert_eq!(
        format!("{consumer:?}"),
        "Consumer { len: 1, capacity: 2, is_abandoned: false, .. }"
    );
    assert_eq!(
        format!("{:?}", producer.push_batch(9)),
        "PushBatch { room: 1, .. }"
    );
    assert_eq!(
        format!("{:?}", consumer.pop_batch(9)),
        "PopBatch { left: 1, .. }"
    );
}
