//! Any sequence of operations of the two halves on one thread, from any index on, against a `VecDeque`.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc as StdArc;

use proptest::prelude::*;

use super::*;

const CASES: u32 = if cfg!(miri) { 4 } else { 10_000 };
const OPS: usize = if cfg!(miri) { 10 } else { 40 };

#[derive(Clone, Debug)]
enum Op {
    Push(u8),
    PushSlice(Vec<u8>),
    PushBatch {
        max: usize,
        values: Vec<u8>,
        forget: bool,
    },
    PushInPlace {
        max: usize,
        count: usize,
    },
    Pop,
    SetFront(u8),
    PopSlice(usize),
    PopBatch {
        max: usize,
        taken: usize,
        forget: bool,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let values = || prop::collection::vec(any::<u8>(), 0..7);
    prop_oneof![
        6 => any::<u8>().prop_map(Op::Push),
        2 => values().prop_map(Op::PushSlice),
        2 => (0..7_usize, values(), any::<bool>())
            .prop_map(|(max, values, forget)| Op::PushBatch { max, values, forget }),
        2 => (0..7_usize, 0..7_usize).prop_map(|(max, count)| Op::PushInPlace { max, count }),
        6 => Just(Op::Pop),
        1 => any::<u8>().prop_map(Op::SetFront),
        2 => (0..7_usize).prop_map(Op::PopSlice),
        3 => (0..7_usize, 0..7_usize, any::<bool>())
            .prop_map(|(max, taken, forget)| Op::PopBatch { max, taken, forget }),
    ]
}

fn start() -> impl Strategy<Value = usize> {
    prop_oneof![
        (0..12_usize).prop_map(|before| usize::MAX - before),
        Just(0),
        any::<usize>()
    ]
}

struct Model {
    held: VecDeque<u8>,
    /// At the end of `held`: pushed by a batch that was forgotten, not to be seen yet.
    unpublished: usize,
    /// Taken by a batch that was forgotten: their slots are not free yet.
    not_given_back: usize,
    capacity: usize,
}

impl Model {
    fn room(&self) -> usize {
        self.capacity - self.held.len() - self.not_given_back
    }

    fn push(&mut self, values: &[u8]) -> usize {
        let count = values.len().min(self.room());
        self.held.extend(&values[..count]);
        count
    }

    fn visible(&self) -> usize {
        self.held.len() - self.unpublished
    }

    fn pop(&mut self, max: usize) -> Vec<u8> {
        let count = max.min(self.visible());
        self.held.drain(..count).collect()
    }
}

fn step(producer: &mut Producer<u8>, consumer: &mut Consumer<u8>, model: &mut Model, op: &Op) {
    match op {
        Op::Push(value) => {
            let expected = if model.push(&[*value]) == 1 {
                Ok(())
            } else {
                Err(*value)
            };
            assert_eq!(producer.push(*value), expected);
            model.unpublished = 0;
        }
        Op::PushSlice(values) => {
            assert_eq!(producer.push_slice(values), model.push(values));
            model.unpublished = 0;
        }
        Op::PushBatch {
            max,
            values,
            forget,
        } => {
            let mut batch = producer.push_batch(*max);
            let room = model.room().min(*max);
            assert_eq!(batch.room(), room);
            let pushed = values
                .iter()
                .filter(|value| batch.push(**value).is_ok())
                .count();
            assert_eq!(
                (pushed, batch.room()),
                (values.len().min(room), room - pushed)
            );
            model.push(&values[..pushed]);
            model.unpublished += pushed;
            if *forget {
                mem::forget(batch);
            } else {
                drop(batch);
                model.unpublished = 0;
            }
        }
        Op::PushInPlace { max, count } => {
            let mut batch = producer.push_batch(*max);
            let (first, second) = batch.spare_capacity_mut();
            assert_eq!(first.len() + second.len(), model.room().min(*max));
            let slots = first.iter_mut().chain(second).take(*count);
            let written: Vec<u8> = slots
                .zip(100..)
                .map(|(slot, value)| *slot.write(value))
                .collect();
            // SAFETY: `written` counts the first slots that were written, one line above.
            unsafe { batch.assume_pushed(written.len()) };
            drop(batch);
            assert_eq!(model.push(&written), written.len());
            model.unpublished = 0;
        }
        Op::Pop => {
            let expected = model.pop(1).pop();
            assert_eq!(consumer.pop(), expected);
            model.not_given_back = 0;
        }
        Op::SetFront(value) => {
            let front = (model.visible() > 0).then(|| model.held[0]);
            assert_eq!(consumer.peek().copied(), front);
            if let Some(front) = consumer.front_mut() {
                *front = *value;
                model.held[0] = *value;
            }
        }
        Op::PopSlice(count) => {
            let mut values = vec![0; *count];
            let popped = consumer.pop_slice(&mut values);
            assert_eq!(values[..popped], model.pop(*count));
            model.not_given_back = 0;
        }
        Op::PopBatch { max, taken, forget } => {
            let mut batch = consumer.pop_batch(*max);
            let visible = model.visible().min(*max);
            assert_eq!(batch.len(), visible);
            let popped: Vec<u8> = batch.by_ref().take(*taken).collect();
            assert_eq!(popped, model.pop(popped.len()));
            assert_eq!(popped.len(), visible.min(*taken));
            let left = visible - popped.len();
            let (first, second) = batch.as_slices();
            let expected: Vec<u8> = model.held.iter().copied().take(left).collect();
            assert_eq!([first, second].concat(), expected);
            if *forget {
                mem::forget(batch);
                model.not_given_back += popped.len();
            } else {
                drop(batch);
                model.pop(left);
                model.not_given_back = 0;
            }
        }
    }
}

fn run(capacity: usize, start: usize, ops: &[Op]) {
    let (mut producer, mut consumer) = channel_at(capacity, start).expect("memory");
    let mut model = Model {
        held: VecDeque::new(),
        unpublished: 0,
        not_given_back: 0,
        capacity,
    };
    for op in ops {
        step(&mut producer, &mut consumer, &mut model, op);
        assert_eq!(producer.len(), model.held.len() + model.not_given_back);
        assert_eq!(producer.is_full(), model.room() == 0);
        let is_empty = model.held.is_empty() && model.not_given_back == 0;
        assert_eq!(producer.is_empty(), is_empty);
        assert_eq!(consumer.len(), model.visible());
        assert_eq!(consumer.is_empty(), model.visible() == 0);
    }
    drop(producer);
    assert!(consumer.is_abandoned());
    assert!(consumer.pop_batch(usize::MAX).eq(model.held));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn halves_on_one_thread_do_what_a_deque_would_from_any_index_on(
        capacity in 1_usize..=8,
        start in start(),
        ops in prop::collection::vec(op(), 0..OPS),
    ) {
        run(capacity, start, &ops);
    }
}

#[test]
fn what_is_held_across_the_wrap_is_dropped_once() {
    for before in 0..8 {
        let (mut producer, mut consumer) = channel_at(5, usize::MAX - before).expect("memory");
        let value = StdArc::new(());
        while producer.push(StdArc::clone(&value)).is_ok() {}
        drop(consumer.pop());
        assert_eq!(StdArc::strong_count(&value), 5);
        drop((producer, consumer));
        assert_eq!(StdArc::strong_count(&value), 1);
    }
}
