//! `EventRingBuffer` against `VecDeque`.
//!
//! Asserts that each operation answers as the deque does, that all slots are usable, and, by
//! AddressSanitizer and its leak check, that each boxed value is dropped once.
//!
//! Seen to find, within 10 s, a `clear` that drops nothing, and a `push_slice` that leaves the last slot
//! unused.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use knhk_pool::EventRingBuffer;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Operation {
    Push(u16),
    PushOverwriting(u16),
    Pop,
    PopIf { even: bool },
    ChangeFront(u16),
    Drain { taken: u8 },
    Clear,
    PushSlice(Vec<u16>),
    PopSlice { room: u8 },
}

#[derive(Arbitrary, Debug)]
struct Case {
    slots: u8,
    operations: Vec<Operation>,
}

/// Values that have to be dropped, and values that may be copied.
struct Rings<const N: usize> {
    boxes: EventRingBuffer<Box<u16>, N>,
    boxes_model: VecDeque<u16>,
    numbers: EventRingBuffer<u16, N>,
    numbers_model: VecDeque<u16>,
}

impl<const N: usize> Rings<N> {
    fn new() -> Self {
        Self {
            boxes: EventRingBuffer::new(),
            boxes_model: VecDeque::new(),
            numbers: *EventRingBuffer::boxed(),
            numbers_model: VecDeque::new(),
        }
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Push(value) => self.push(*value),
            Operation::PushOverwriting(value) => {
                let is_full = self.boxes_model.len() == N;
                let oldest = is_full.then(|| self.boxes_model.pop_front()).flatten();
                self.boxes_model.push_back(*value);
                assert_eq!(
                    self.boxes.push_overwriting(Box::new(*value)).as_deref(),
                    oldest.as_ref()
                );
            }
            Operation::Pop => {
                assert_eq!(
                    self.boxes.pop().map(|value| *value),
                    self.boxes_model.pop_front()
                );
                assert_eq!(self.numbers.pop(), self.numbers_model.pop_front());
            }
            Operation::PopIf { even } => {
                let wanted = |value: u16| value.is_multiple_of(2) == *even;
                let expected = self.boxes_model.pop_front_if(|front| wanted(*front));
                let popped = self.boxes.pop_if(|value| wanted(**value));
                assert_eq!(popped.map(|value| *value), expected);
            }
            Operation::ChangeFront(value) => {
                self.boxes
                    .front_mut()
                    .into_iter()
                    .for_each(|front| **front = *value);
                self.boxes_model
                    .front_mut()
                    .into_iter()
                    .for_each(|front| *front = *value);
            }
            Operation::Drain { taken } => {
                let taken = usize::from(*taken % 8);
                let drained: Vec<u16> =
                    self.boxes.drain().take(taken).map(|value| *value).collect();
                let expected: Vec<u16> = self.boxes_model.drain(..).take(taken).collect();
                assert_eq!(drained, expected);
            }
            Operation::Clear => {
                self.boxes.clear();
                self.boxes_model.clear();
            }
            Operation::PushSlice(values) => {
                let pushed = self.numbers.push_slice(values);
                assert_eq!(pushed, values.len().min(N - self.numbers_model.len()));
                self.numbers_model.extend(&values[..pushed]);
            }
            Operation::PopSlice { room } => {
                let mut values = vec![0; usize::from(*room)];
                let popped = self.numbers.pop_slice(&mut values);
                assert_eq!(popped, values.len().min(self.numbers_model.len()));
                assert!(
                    values[..popped]
                        .iter()
                        .copied()
                        .eq(self.numbers_model.drain(..popped))
                );
            }
        }
        self.check();
    }

    fn push(&mut self, value: u16) {
        let fits = self.boxes_model.len() < N;
        match self.boxes.push(Box::new(value)) {
            Ok(()) => self.boxes_model.push_back(value),
            Err(refused) => assert_eq!((*refused, fits), (value, false)),
        }
        if self.numbers.push(value).is_ok() {
            self.numbers_model.push_back(value);
        }
    }

    fn check(&mut self) {
        assert!(
            self.boxes
                .iter()
                .map(|value| **value)
                .eq(self.boxes_model.iter().copied())
        );
        assert_eq!(
            self.boxes.peek().map(|value| **value),
            self.boxes_model.front().copied()
        );
        assert_eq!(self.boxes.is_full(), self.boxes_model.len() == N);
        let (first, second) = self.numbers.as_slices();
        assert!(first.iter().chain(second).eq(&self.numbers_model));
        assert_eq!(self.numbers.len(), self.numbers_model.len());
    }
}

fn run<const N: usize>(operations: &[Operation]) {
    let mut rings = Rings::<N>::new();
    operations
        .iter()
        .for_each(|operation| rings.apply(operation));
}

fuzz_target!(|case: Case| match case.slots % 4 {
    0 => run::<1>(&case.operations),
    1 => run::<2>(&case.operations),
    2 => run::<8>(&case.operations),
    _ => run::<64>(&case.operations),
});
