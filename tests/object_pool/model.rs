//! Any sequence of operations, against a model of plain lists.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use knhk_pool::{HeapObjectPool, Pooled, Reset};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Op {
    Get,
    Drop(usize),
    DropPanicking(usize),
    Forget(usize),
    Acquire,
    Release,
    ReleaseForeign,
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => Just(Op::Get),
        6 => any::<usize>().prop_map(Op::Drop),
        1 => any::<usize>().prop_map(Op::DropPanicking),
        1 => any::<usize>().prop_map(Op::Forget),
        3 => Just(Op::Acquire),
        3 => Just(Op::Release),
        1 => Just(Op::ReleaseForeign),
        1 => Just(Op::Clear),
    ]
}

struct Object<'a> {
    id: usize,
    panics: bool,
    live: &'a Cell<isize>,
}

impl<'a> Object<'a> {
    fn new(id: usize, live: &'a Cell<isize>) -> Self {
        live.set(live.get() + 1);
        Self {
            id,
            panics: false,
            live,
        }
    }
}

impl Reset for Object<'_> {
    fn reset(&mut self) {
        if self.panics {
            resume_unwind(Box::new("on purpose"));
        }
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.live.set(self.live.get() - 1);
    }
}

#[derive(Debug, Default)]
struct Model {
    /// Ids, the next one to be handed out last.
    idle: Vec<usize>,
    /// `clear` does not say which one is next.
    order_known: bool,
    out: usize,
    /// Places that hold nothing: taken from, or lost.
    vacant: usize,
    taken: usize,
    hits: u64,
    exhausted: u64,
    released: u64,
    freed: u64,
    detached: u64,
    high_water: usize,
}

impl Model {
    /// Checks an acquire's answer.
    fn acquired(&mut self, id: Option<usize>) {
        assert_eq!(id.is_some(), !self.idle.is_empty());
        let Some(id) = id else {
            self.exhausted += 1;
            return;
        };
        let place = self
            .idle
            .iter()
            .rposition(|idle| *idle == id)
            .expect("an idle object");
        assert!(
            !self.order_known || place == self.idle.len() - 1,
            "not the last released"
        );
        self.idle.remove(place);
        self.hits += 1;
        self.out += 1;
        self.high_water = self.high_water.max(self.out);
    }

    fn released(&mut self, id: usize) {
        self.out -= 1;
        self.released += 1;
        self.idle.push(id);
    }

    /// Checks what became of an object that was given by value.
    fn given(&mut self, id: usize, accepted: bool) {
        assert_eq!(accepted, self.vacant > 0);
        if !accepted {
            return;
        }
        self.vacant -= 1;
        match self.taken {
            0 => self.idle.push(id),
            _ => {
                self.taken -= 1;
                self.released(id);
            }
        }
    }

    fn cleared(&mut self) {
        self.detached += self.taken as u64;
        self.out -= mem::take(&mut self.taken);
        self.order_known = false;
    }

    fn check(&self, pool: &HeapObjectPool<Object<'_>>) {
        let stats = pool.stats();
        assert_eq!(
            (
                stats.hits,
                stats.exhausted,
                stats.released,
                stats.freed,
                stats.detached
            ),
            (
                self.hits,
                self.exhausted,
                self.released,
                self.freed,
                self.detached
            )
        );
        assert_eq!((stats.in_use, stats.idle), (self.out, self.idle.len()));
        assert_eq!(
            (pool.in_use(), pool.available()),
            (self.out, self.idle.len())
        );
        assert_eq!((stats.high_water, stats.misses), (self.high_water, 0));
        assert_eq!(
            stats.hits,
            stats.released + stats.freed + stats.detached + stats.in_use as u64
        );
    }
}

fn run(capacity: usize, ops: &[Op]) {
    let live = Cell::new(0);
    let mut ids = 0..;
    let mut born = || Object::new(ids.next().expect("endless"), &live);
    let pool = HeapObjectPool::new(capacity, &mut born);
    let mut model = Model {
        idle: (0..capacity).collect(),
        order_known: true,
        ..Model::default()
    };
    let mut guards: Vec<Pooled<'_, Object<'_>>> = Vec::new();
    let mut values = Vec::new();
    let mut forgotten = 0;
    for &op in ops {
        match op {
            Op::Get => {
                let got = pool.get().ok();
                model.acquired(got.as_ref().map(|object| object.id));
                guards.extend(got);
            }
            Op::Acquire => {
                let got = pool.acquire();
                model.acquired(got.as_ref().map(|object| object.id));
                model.vacant += usize::from(got.is_some());
                model.taken += usize::from(got.is_some());
                values.extend(got);
            }
            Op::Drop(which) if !guards.is_empty() => {
                let guard = guards.swap_remove(which % guards.len());
                model.released(guard.id);
            }
            Op::DropPanicking(which) if !guards.is_empty() => {
                let mut guard = guards.swap_remove(which % guards.len());
                guard.panics = true;
                catch_unwind(AssertUnwindSafe(|| drop(guard))).unwrap_err();
                model.out -= 1;
                model.freed += 1;
                model.vacant += 1;
            }
            Op::Forget(which) if !guards.is_empty() => {
                mem::forget(guards.swap_remove(which % guards.len()));
                forgotten += 1;
            }
            Op::Release | Op::ReleaseForeign => {
                let own = values.pop().filter(|_| matches!(op, Op::Release));
                let object = own.unwrap_or_else(&mut born);
                let id = object.id;
                model.given(id, pool.release(object).is_ok());
            }
            Op::Clear => {
                pool.clear();
                model.cleared();
            }
            Op::Drop(_) | Op::DropPanicking(_) | Op::Forget(_) => {}
        }
        model.check(&pool);
    }
    drop((guards, values));
    drop(pool);
    assert_eq!(
        live.get(),
        forgotten,
        "each object but the forgotten ones is dropped once"
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 6 } else { 1000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn pool_does_what_the_model_does(
        capacity in 0_usize..6,
        ops in prop::collection::vec(op(), 0..if cfg!(miri) { 30 } else { 200 }),
    ) {
        run(capacity, &ops);
    }
}
