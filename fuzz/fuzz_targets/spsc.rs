//! The two halves of a channel, on one thread, against `VecDeque`.
//!
//! Asserts that each operation of either half answers as the deque does, whatever was left in a
//! batch, that the capacity is the one asked for, and, by AddressSanitizer and its leak check, that
//! each boxed value is dropped once, whichever half goes first.
//!
//! Seen to find, within 10 s, a batch that drops nothing of what is left in it, and a producer that counts
//! one slot too many.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use knhk_pool::spsc::{self, Consumer, Producer};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Operation {
    Push(u16),
    PushBatch { most: u8, values: Vec<u16> },
    PushSlice(Vec<u16>),
    Pop,
    ChangeFront(u16),
    PopBatch { most: u8, taken: u8 },
    PopSlice { room: u8 },
}

#[derive(Arbitrary, Debug)]
struct Case {
    capacity: u8,
    producer_goes_first: bool,
    operations: Vec<Operation>,
}

struct Channel<T> {
    producer: Producer<T>,
    consumer: Consumer<T>,
    model: VecDeque<u16>,
    capacity: usize,
}

impl<T> Channel<T> {
    fn new(capacity: usize) -> Self {
        let (producer, consumer) = spsc::channel(capacity);
        Self {
            producer,
            consumer,
            model: VecDeque::new(),
            capacity,
        }
    }

    fn room(&self) -> usize {
        self.capacity - self.model.len()
    }

    fn check(&self) {
        let len = self.model.len();
        assert_eq!((self.producer.len(), self.consumer.len()), (len, len));
        assert_eq!(self.producer.is_full(), len == self.capacity);
        assert_eq!(self.producer.capacity(), self.capacity);
        assert!(!self.consumer.is_abandoned() && !self.producer.is_abandoned());
    }
}

fn apply(boxes: &mut Channel<Box<u16>>, numbers: &mut Channel<u16>, operation: &Operation) {
    match operation {
        Operation::Push(value) => {
            let fits = boxes.room() > 0;
            match boxes.producer.push(Box::new(*value)) {
                Ok(()) => boxes.model.push_back(*value),
                Err(refused) => assert_eq!((*refused, fits), (*value, false)),
            }
        }
        Operation::PushBatch { most, values } => {
            let room = boxes.room().min(usize::from(*most));
            let mut batch = boxes.producer.push_batch((*most).into());
            assert_eq!(batch.room(), room);
            for value in values {
                if batch.push(Box::new(*value)).is_ok() {
                    boxes.model.push_back(*value);
                }
            }
            assert_eq!(batch.room(), room.saturating_sub(values.len()));
        }
        Operation::PushSlice(values) => {
            let pushed = numbers.producer.push_slice(values);
            assert_eq!(pushed, values.len().min(numbers.room()));
            numbers.model.extend(&values[..pushed]);
        }
        Operation::Pop => {
            assert_eq!(
                boxes.consumer.peek().map(|value| **value),
                boxes.model.front().copied()
            );
            assert_eq!(
                boxes.consumer.pop().map(|value| *value),
                boxes.model.pop_front()
            );
        }
        Operation::ChangeFront(value) => {
            boxes
                .consumer
                .front_mut()
                .into_iter()
                .for_each(|front| **front = *value);
            boxes
                .model
                .front_mut()
                .into_iter()
                .for_each(|front| *front = *value);
        }
        Operation::PopBatch { most, taken } => {
            let held = boxes.model.len().min((*most).into());
            let mut batch = boxes.consumer.pop_batch((*most).into());
            let (first, second) = batch.as_slices();
            let shown = first.iter().chain(second).map(|value| **value);
            assert!(shown.eq(boxes.model.iter().copied().take(held)));
            // What is left in the batch is dropped with it.
            let popped: Vec<u16> = batch.take((*taken).into()).map(|value| *value).collect();
            let expected: Vec<u16> = boxes.model.drain(..held).take((*taken).into()).collect();
            assert_eq!(popped, expected);
        }
        Operation::PopSlice { room } => {
            let mut values = vec![0; usize::from(*room)];
            let popped = numbers.consumer.pop_slice(&mut values);
            assert_eq!(popped, values.len().min(numbers.model.len()));
            assert!(
                values[..popped]
                    .iter()
                    .copied()
                    .eq(numbers.model.drain(..popped))
            );
        }
    }
}

fuzz_target!(|case: Case| {
    let capacity = usize::from(case.capacity % 40) + 1;
    let (mut boxes, mut numbers) = (Channel::new(capacity), Channel::new(capacity));
    for operation in &case.operations {
        apply(&mut boxes, &mut numbers, operation);
        boxes.check();
        numbers.check();
    }
    let Channel {
        producer,
        mut consumer,
        model,
        ..
    } = boxes;
    if case.producer_goes_first {
        drop(producer);
        assert!(consumer.is_abandoned());
        let rest: Vec<u16> = consumer.pop_batch(usize::MAX).map(|value| *value).collect();
        assert_eq!(VecDeque::from(rest), model);
    } else {
        drop(consumer);
        assert!(producer.is_abandoned());
    }
});
