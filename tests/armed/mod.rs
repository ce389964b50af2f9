//! Arms the test binary that has this as a module, under the feature `allocation-tracking`: whatever
//! its tests do with the library's own hot paths, which are marked then, proves these.

#![cfg(feature = "allocation-tracking")]

use std::alloc::System;

use knhk_pool::{HotPathAlloc, hot_path};

#[global_allocator]
static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);

#[test]
fn hot_paths_are_proved_here() {
    hot_path::assert_armed();
}
