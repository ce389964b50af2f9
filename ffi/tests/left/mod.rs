//! A buffer that somebody else has left behind.

use std::ptr;

use knhk_pool_ffi::*;

/// What a release knows it by.
pub(crate) fn named(here: Here, ticket: u64) -> Buffer {
    Buffer {
        data: ptr::null_mut(),
        len: 0,
        capacity: 0,
        here,
        ticket,
    }
}
