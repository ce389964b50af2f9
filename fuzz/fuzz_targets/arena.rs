//! Allocations, nested scopes and fills of an arena against the model of the library's own tests.
//!
//! Asserts that what is live is aligned, overlaps nothing else that is live, keeps what was written
//! into it, and that an emptied arena has all of its room again.
//!
//! Seen to find, within 10 s, a size that wraps around the chunk's start, and a place that is not aligned.
#![no_main]

#[path = "../../tests/arena_model/mod.rs"]
mod arena_model;

use std::ffi::c_char;

use libfuzzer_sys::fuzz_target;

/// A request that no allocator can serve gets null, as from any other allocator.
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const c_char {
    c"allocator_may_return_null=1".as_ptr()
}

fuzz_target!(|script: &[u8]| arena_model::check(script));
