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
