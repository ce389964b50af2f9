//! Any sequence of operations, from any index on, against a `VecDeque`: what needs a ring whose indices
//! are about to wrap.

use std::collections::VecDeque;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;

const CASES: u32 = if cfg!(miri) { 4 } else { 10_000 };
const OPS: usize = if cfg!(miri) { 10 } else { 40 };

#[derive(Clone, Debug)]
enum Op {
    Push(u8),
    Overwrite(u8),
    Pop,
    PopIf(u8),
    SetFront(u8),
    PushSlice(Vec<u8>),
    PopSlice(usize),
    Drain(usize),
    ForgetDrain(usize),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => any::<u8>().prop_map(Op::Push),
        3 => any::<u8>().prop_map(Op::Overwrite),
        6 => Just(Op::Pop),
        2 => any::<u8>().prop_map(Op::PopIf),
        1 => any::<u8>().prop_map(Op::SetFront),
        3 => prop::collection::vec(any::<u8>(), 0..7).prop_map(Op::PushSlice),
        3 => (0..7_usize).prop_map(Op::PopSlice),
        1 => (0..5_usize).prop_map(Op::Drain),
        1 => (0..5_usize).prop_map(Op::ForgetDrain),
        1 => Just(Op::Clear),
    ]
}

/// Indices about to wrap, and any others.
fn start() -> impl Strategy<Value = usize> {
    prop_oneof![
        (0..12_usize).prop_map(|before| usize::MAX - before),
        Just(0),
        any::<usize>()
    ]
}

struct Model<const N: usize>(VecDeque<u8>);

impl<const N: usize> Model<N> {
    fn push(&mut self, value: u8) -> Result<(), u8> {
        if self.0.len() == N {
            return Err(value);
        }
        self.0.push_back(value);
        Ok(())
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.0.len());
        self.0.drain(..count).collect()
    }
}

/// Does `op` to both and compares what they answer.
fn step<const N: usize>(ring: &mut EventRingBuffer<u8, N>, model: &mut Model<N>, op: &Op) {
    match op {
        Op::Push(value) => assert_eq!(ring.push(*value), model.push(*value)),
        Op::Overwrite(value) => {
            let evicted = if model.0.len() == N {
                model.0.pop_front()
            } else {
                None
            };
            model.0.push_back(*value);
            assert_eq!(ring.push_overwriting(*value), evicted);
        }
        Op::Pop => assert_eq!(ring.pop(), model.0.pop_front()),
        Op::PopIf(limit) => {
            let wanted = model.0.front().is_some_and(|front| front < limit);
            let expected = if wanted { model.0.pop_front() } else { None };
            assert_eq!(ring.pop_if(|front| *front < *limit), expected);
        }
        Op::SetFront(value) => {
            assert_eq!(ring.front_mut().copied(), model.0.front().copied());
            let both = ring.front_mut().into_iter().chain(model.0.front_mut());
            both.for_each(|front| *front = *value);
        }
        Op::PushSlice(values) => {
            let fitting = values.iter().filter(|value| model.push(**value).is_ok());
            assert_eq!(fitting.count(), ring.push_slice(values));
        }
        Op::PopSlice(count) => {
            let mut values = vec![0; *count];
            let popped = ring.pop_slice(&mut values);
            assert_eq!(values[..popped], model.take(*count));
            assert!(values[popped..].iter().all(|value| *value == 0));
        }
        Op::Drain(count) => {
            let drained: Vec<u8> = ring.drain().take(*count).collect();
            assert_eq!(drained, model.take(*count));
            model.0.clear();
        }
        Op::ForgetDrain(count) => {
            let mut drain = ring.drain();
            assert_eq!(drain.len(), model.0.len());
            let drained: Vec<u8> = drain.by_ref().take(*count).collect();
            std::mem::forget(drain);
            assert_eq!(drained, model.take(*count));
        }
        Op::Clear => {
            ring.clear();
            model.0.clear();
        }
    }
}

fn assert_same<const N: usize>(ring: &mut EventRingBuffer<u8, N>, model: &Model<N>) {
    let expected: Vec<u8> = model.0.iter().copied().collect();
    assert_eq!(ring.len(), expected.len());
    assert_eq!(
        (ring.is_empty(), ring.is_full()),
        (expected.is_empty(), expected.len() == N)
    );
    assert_eq!(ring.peek(), expected.first());
    assert_eq!(ring.iter().copied().collect::<Vec<_>>(), expected);
    assert!(ring.iter().rev().eq(expected.iter().rev()));
    assert_eq!(ring.iter().len(), expected.len());
    let (first, second) = ring.as_slices();
    assert_eq!([first, second].concat(), expected);
    let (first, second) = ring.as_mut_slices();
    assert_eq!([&*first, &*second].concat(), expected);
}

fn run<const N: usize>(start: usize, ops: &[Op]) {
    let mut ring = EventRingBuffer::<u8, N>::starting_at(start);
    let mut model = Model(VecDeque::new());
    for op in ops {
        step(&mut ring, &mut model, op);
        assert_same(&mut ring, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ring_does_what_a_deque_would_from_any_index_on(
        capacity in prop::sample::select(&[1, 2, 4, 16][..]),
        start in start(),
        ops in prop::collection::vec(op(), 0..OPS),
    ) {
        match capacity {
            1 => run::<1>(start, &ops),
            2 => run::<2>(start, &ops),
            4 => run::<4>(start, &ops),
            _ => run::<16>(start, &ops),
        }
    }
}

#[test]
fn values_held_across_the_wrap_are_dropped_once() {
    for before in 0..8 {
        let mut ring = EventRingBuffer::<Rc<()>, 8>::starting_at(usize::MAX - before);
        let value = Rc::new(());
        while ring.push(Rc::clone(&value)).is_ok() {}
        assert_eq!((ring.len(), Rc::strong_count(&value)), (8, 9));
        drop(ring.pop());
        assert_eq!(Rc::strong_count(&value), 8);
        drop(ring);
        assert_eq!(Rc::strong_count(&value), 1);
    }
}
