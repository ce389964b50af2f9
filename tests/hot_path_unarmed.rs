//! A program that forgot the `#[global_allocator]` is told so, and not given a false green.

use std::panic;

use knhk_pool::HotPathGuard;
use knhk_pool::hot_path::{allocations, assert_armed, assert_no_alloc, is_armed};

/// The message of the panic that `work` ends with.
fn caught(work: fn()) -> String {
    let payload = panic::catch_unwind(work).expect_err("it was to panic");
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

#[test]
fn guard_can_tell_that_it_guards_nothing() {
    let section = HotPathGuard::enter("unarmed");
    assert!(!section.is_armed());
    assert!(!is_armed());
    drop(Box::new(1)); // not seen
}

#[test]
fn assertions_fail_where_nothing_is_looked_at() {
    for work in [
        (|| assert_armed()) as fn(),
        || assert_no_alloc(|| ()),
        || assert_eq!(allocations(|| ()).calls(), 0),
    ] {
        let message = caught(work);
        let reason = if cfg!(any(debug_assertions, feature = "allocation-tracking")) {
            "the global allocator is not a `HotPathAlloc`"
        } else {
            "not armed in this build"
        };
        assert!(message.contains(reason), "{message}");
    }
}

/// How deep the stack is where an argument of 4 KiB is looked at.
type Depth = fn(&[u8; 4096], usize) -> usize;

#[knhk_pool::hot_path]
#[inline(never)]
fn marked(bytes: [u8; 4096], depth: Depth, start: usize) -> usize {
    depth(&bytes, start)
}

#[inline(never)]
fn unmarked(bytes: [u8; 4096], depth: Depth, start: usize) -> usize {
    depth(&bytes, start)
}

#[test]
fn a_marked_function_copies_no_argument_where_nothing_is_looked_at() {
    if cfg!(any(debug_assertions, feature = "allocation-tracking")) {
        return; // there the copy is what sees the argument's drop
    }
    let depth: Depth = |bytes, start| {
        let here = 0_u8;
        std::hint::black_box(bytes);
        start.abs_diff(std::ptr::from_ref(std::hint::black_box(&here)).addr())
    };
    let start = 0_u8;
    let start = std::ptr::from_ref(std::hint::black_box(&start)).addr();
    let [marked, unmarked] = [marked, unmarked].map(|function: fn(_, _, _) -> _| {
        std::hint::black_box(function)(
            std::hint::black_box([7; 4096]),
            std::hint::black_box(depth),
            start,
        )
    });
    let more = marked.saturating_sub(unmarked);
    assert!(more < 1024, "{marked} bytes, unmarked {unmarked}");
}
