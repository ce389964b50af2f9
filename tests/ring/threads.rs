//! Two threads. Nothing here sleeps; who waits yields.

use std::sync::Arc;
use std::thread;

use knhk_pool::ring::spsc::{self, Consumer, Producer};

const VALUES: u64 = if cfg!(miri) { 20 } else { 4_000 };

fn push_all(producer: &mut Producer<u64>) {
    for value in 0..VALUES {
        while producer.push(value).is_err() {
            thread::yield_now();
        }
    }
}

fn expect_all(mut next_ones: impl FnMut(&mut Vec<u64>)) {
    let (mut expected, mut got) = (0, Vec::new());
    while expected < VALUES {
        next_ones(&mut got);
        if got.is_empty() {
            thread::yield_now();
        }
        for value in got.drain(..) {
            assert_eq!(value, expected);
            expected += 1;
        }
    }
}

/// Runs the two halves on two threads, for capacities that are and are not powers of two.
fn on_two_threads(push: fn(&mut Producer<u64>), pop: fn(&mut Consumer<u64>)) {
    for capacity in [1, 3, 64] {
        let (mut producer, mut consumer) = spsc::channel(capacity);
        thread::scope(|scope| {
            scope.spawn(|| push(&mut producer));
            scope.spawn(|| pop(&mut consumer));
        });
        assert!(consumer.is_empty());
    }
}

#[test]
fn one_by_one_all_values_arrive_in_order() {
    on_two_threads(push_all, |consumer| {
        expect_all(|got| got.extend(consumer.pop()))
    });
}

#[test]
fn values_arrive_in_order_from_batches_and_in_place() {
    let push = |producer: &mut Producer<u64>| {
        let mut next = 0;
        while next < VALUES {
            let mut batch = producer.push_batch(7);
            while next < VALUES && batch.push(next).is_ok() {
                next += 1;
            }
            drop(batch);
            thread::yield_now();
        }
    };
    on_two_threads(push, |consumer| {
        expect_all(|got| {
            let mut batch = consumer.pop_batch(5);
            let (first, second) = batch.as_slices();
            got.extend(first.iter().chain(second));
        });
    });
}

#[test]
fn values_arrive_in_order_by_slices() {
    let push = |producer: &mut Producer<u64>| {
        let values: Vec<u64> = (0..VALUES).collect();
        let mut left = &values[..];
        while !left.is_empty() {
            let pushed = producer.push_slice(&left[..left.len().min(11)]);
            left = &left[pushed..];
            thread::yield_now();
        }
    };
    on_two_threads(push, |consumer| {
        expect_all(|got| {
            let mut some = [0; 9];
            let count = consumer.pop_slice(&mut some);
            got.extend(&some[..count]);
        });
    });
}

#[test]
fn abandoned_channel_has_shown_everything() {
    let rounds = if cfg!(miri) { 5 } else { 2000 };
    for _ in 0..rounds {
        let (mut producer, mut consumer) = spsc::channel(4);
        let pushing = thread::spawn(move || (0..4).for_each(|value| producer.push(value).unwrap()));
        while !consumer.is_abandoned() {
            thread::yield_now();
        }
        assert!(consumer.pop_batch(9).eq(0..4));
        pushing.join().unwrap();
    }
}

#[test]
fn values_are_dropped_once_whichever_half_ends_first() {
    let rounds = if cfg!(miri) { 5 } else { 500 };
    let value = Arc::new(());
    for round in 0..rounds {
        let (mut producer, mut consumer) = spsc::channel(2 + round % 7);
        let cloned = Arc::clone(&value);
        let pushing = thread::spawn(move || {
            for _ in 0..round {
                drop(producer.push(Arc::clone(&cloned)));
            }
        });
        for _ in 0..round {
            drop(consumer.pop());
        }
        drop(consumer);
        pushing.join().unwrap();
        assert_eq!(Arc::strong_count(&value), 1);
    }
}

#[test]
fn half_goes_on_where_another_thread_left_it() {
    let (mut producer, mut consumer) = spsc::channel(8);
    let producer = thread::spawn(move || {
        producer.push_slice(&[1, 2]);
        producer
    });
    let mut producer = producer.join().unwrap();
    producer.push_slice(&[3]);
    let popped = thread::spawn(move || consumer.pop_batch(8).collect::<Vec<_>>());
    assert_eq!(popped.join().unwrap(), [1, 2, 3]);
}
