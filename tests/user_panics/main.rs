//! A panic in the n-th call of the user's code, for every n: `make`, `Default`, `Clone`, `Reset`,
//! `Drop`, closures and iterators, in scripts that take every structure through its life.
//!
//! Whichever call panics, each value that was made is dropped once, and what the script is done to still
//! works.

#[path = "../armed/mod.rs"]
mod armed;

mod scripts;

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use knhk_pool::Reset;

thread_local! {
    /// Calls of the user's code until one panics; `None` when none does any more.
    static CALLS_LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// What the panic says.
const ON_PURPOSE: &str = "on purpose";

/// A call of the user's code, which may be the one.
fn call() {
    let Some(left) = CALLS_LEFT.get() else { return };
    CALLS_LEFT.set(left.checked_sub(1));
    if left == 0 {
        // Without the panic hook's message.
        panic::resume_unwind(Box::new(ON_PURPOSE));
    }
}

/// How often each value was dropped.
#[derive(Clone, Default)]
struct Census(Rc<RefCell<Vec<u32>>>);

impl Census {
    /// Makes a value, in a call of the user's code.
    fn make(&self) -> Value {
        call();
        let mut drops = self.0.borrow_mut();
        drops.push(0);
        Value {
            number: drops.len() - 1,
            census: self.clone(),
        }
    }

    fn drops(&self) -> Vec<u32> {
        self.0.borrow().clone()
    }
}

/// A value whose every method is a call of the user's code.
struct Value {
    number: usize,
    census: Census,
}

impl Clone for Value {
    fn clone(&self) -> Self {
        self.census.make()
    }
}

impl Reset for Value {
    fn reset(&mut self) {
        call();
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.census.0.borrow_mut()[self.number] += 1;
        // One that is dropped because of a panic may not panic itself: that ends the process.
        if !std::thread::panicking() {
            call();
        }
    }
}

/// One step of a script, which goes on after the panic that is on purpose, and only after that one.
fn step(work: impl FnOnce()) {
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(work))
        && panic.downcast_ref::<&str>() != Some(&ON_PURPOSE)
    {
        panic::resume_unwind(panic);
    }
}

/// Runs `script` with its first call panicking, with its second, and so on, until none does. After each
/// run every value was dropped once. Prints how many calls there were.
#[track_caller]
fn at_every_call(name: &str, script: impl Fn(&Census)) {
    let mut calls = 0;
    for n in 0.. {
        let census = Census::default();
        CALLS_LEFT.set(Some(n));
        step(|| script(&census));
        if CALLS_LEFT.take().is_some() {
            break;
        }
        calls += 1;
        let drops = census.drops();
        assert!(
            drops.iter().all(|drops| *drops == 1),
            "{name}, call {n}: {drops:?}"
        );
    }
    println!("{calls:4} calls of the user's code in {name}, each of which has panicked");
    assert!(calls > 0, "{name} calls nothing");
}
