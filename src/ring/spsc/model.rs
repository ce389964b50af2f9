//! The two halves on two threads, in every order that loom finds; see CONTRIBUTING.md for the command.
//!
//! No test spins: each half tries a few times, and what must have come through is checked at the end.
//! Channels begin just before the indices wrap.

use loom::thread;

use super::*;
use crate::sync::modelled::{Arc, explore};

/// Counts how many of it are alive, so that a value that is dropped twice or never is seen.
#[derive(Debug)]
struct Counted {
    value: u8,
    _alive: Arc<()>,
}

fn halves(capacity: usize) -> (Producer<u8>, Consumer<u8>) {
    channel_at(capacity, usize::MAX).expect("memory")
}

/// As many of 0, 1, 2 … as were accepted in `tries`.
fn push_some(producer: &mut Producer<u8>, tries: usize) -> u8 {
    (0..tries).fold(0, |next, _| next + u8::from(producer.push(next).is_ok()))
}

fn in_order(count: u8) -> Vec<u8> {
    (0..count).collect()
}

#[test]
fn one_by_one_all_that_is_accepted_comes_out_in_order() {
    explore(|| {
        let (mut producer, mut consumer) = halves(2);
        let pushing = thread::spawn(move || push_some(&mut producer, 4));
        let mut popped: Vec<u8> = (0..3).filter_map(|_| consumer.pop()).collect();
        let accepted = pushing.join().unwrap();
        popped.extend(consumer.pop_batch(usize::MAX));
        assert_eq!(popped, in_order(accepted));
    });
}

#[test]
fn batches_and_slices_come_out_whole_and_in_order() {
    explore(|| {
        let (mut producer, mut consumer) = halves(2);
        let pushing = thread::spawn(move || {
            let mut batch = producer.push_batch(2);
            let mut next = 0;
            while batch.push(next).is_ok() {
                next += 1;
            }
            drop(batch);
            next + producer.push_slice(&[next, next + 1]) as u8
        });
        let mut popped: Vec<u8> = consumer.pop_batch(2).collect();
        assert_ne!(popped.len(), 1, "half a batch was seen");
        let mut more = [0; 2];
        let count = consumer.pop_slice(&mut more);
        popped.extend(&more[..count]);
        let accepted = pushing.join().unwrap();
        popped.extend(consumer.pop_batch(usize::MAX));
        assert_eq!(popped, in_order(accepted));
    });
}

#[test]
fn slots_are_written_and_read_in_place() {
    explore(|| {
        let (mut producer, mut consumer) = halves(2);
        let pushing = thread::spawn(move || {
            (0..2).fold(0, |next, _| {
                let mut batch = producer.push_batch(1);
                let (free, _) = batch.spare_capacity_mut();
                let count = free.len();
                free.iter_mut().for_each(|slot| {
                    slot.write(next);
                });
                // SAFETY: all of them were written.
                unsafe { batch.assume_pushed(count) };
                next + count as u8
            })
        });
        let mut popped = Vec::new();
        for _ in 0..2 {
            let mut batch = consumer.pop_batch(2);
            let (first, second) = batch.as_slices();
            popped.extend([first, second].concat());
        }
        let accepted = pushing.join().unwrap();
        popped.extend(consumer.pop_batch(usize::MAX));
        assert_eq!(popped, in_order(accepted));
    });
}

#[test]
fn front_can_be_changed_while_more_is_pushed() {
    explore(|| {
        let (mut producer, mut consumer) = halves(1);
        assert_eq!(producer.push(7), Ok(()));
        let pushing = thread::spawn(move || producer.push(9));
        if let Some(front) = consumer.front_mut() {
            *front += 1;
        }
        assert_eq!(consumer.pop(), Some(8));
        let refused = pushing.join().unwrap().is_err();
        assert_eq!(consumer.pop(), (!refused).then_some(9));
    });
}

#[test]
fn consumer_that_is_told_of_the_end_has_seen_everything() {
    explore(|| {
        let (mut producer, mut consumer) = halves(2);
        let pushing = thread::spawn(move || push_some(&mut producer, 2));
        let abandoned = consumer.is_abandoned();
        let popped: Vec<u8> = consumer.pop_batch(usize::MAX).collect();
        if abandoned {
            assert_eq!(popped, [0, 1]);
        }
        assert_eq!(pushing.join().unwrap(), 2);
    });
}

#[test]
fn whoever_goes_last_drops_the_rest_once() {
    explore(|| {
        let (mut producer, mut consumer) = channel_at(2, usize::MAX).expect("memory");
        let alive = Arc::new(());
        let handed_out = Arc::clone(&alive);
        let pushing = thread::spawn(move || {
            for value in 0..2 {
                let _alive = Arc::clone(&handed_out);
                assert!(producer.push(Counted { value, _alive }).is_ok());
            }
        });
        if let Some(first) = consumer.pop() {
            assert_eq!(first.value, 0);
        }
        drop(consumer);
        pushing.join().unwrap();
        assert!(Arc::try_unwrap(alive).is_ok(), "a value was not dropped");
    });
}
