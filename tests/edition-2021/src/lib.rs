//! Marked functions of a crate of edition 2021, where the temporaries of a function's last expression outlive
//! its locals.

#![deny(warnings, clippy::all)]
#![forbid(unused_mut)]

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};

use knhk_pool::hot_path;

/// Its last expression has a temporary, the lock's guard, that borrows from the argument.
#[hot_path]
pub fn borrows_from_an_argument(shared: Arc<Mutex<u8>>) -> u8 {
    *shared.lock().expect("nobody panics")
}

/// Its last expression has a temporary that is freed.
#[hot_path]
pub fn frees_in_the_last_expression(bytes: &mut Vec<u8>) -> usize {
    mem::take(bytes).len()
}

/// Its last expression has no value.
#[hot_path]
pub fn returns_early(early: bool) -> u8 {
    if early {
        return 1;
    }
    unreachable!("it was to return")
}

/// Its last expression is another type's.
#[hot_path]
pub fn slice(bytes: &[u8; 4]) -> &[u8] {
    bytes
}

/// Its type has no name.
#[hot_path]
pub fn count(up_to: u8) -> impl Iterator<Item = u8> {
    0..up_to
}

/// It changes its argument.
#[hot_path]
pub fn next(mut number: u8) -> u8 {
    number += 1;
    number
}

/// One of its arguments is not there, and another unlocks what it was given.
#[hot_path]
pub fn add(#[cfg(any())] mut gone: u8, mut guard: MutexGuard<'_, u8>) {
    *guard += 1;
}

/// One of its arguments is what a future is.
#[hot_path]
pub fn polled(mut future: impl Future<Output = u8> + Unpin) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    Pin::new(&mut future).poll(&mut context).is_ready()
}

/// It has no statement.
#[hot_path]
pub fn nothing() {}

/// It does not return.
#[hot_path]
pub fn end() -> ! {
    panic!("on purpose")
}
