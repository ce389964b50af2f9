//! `HotPathAlloc` around jemalloc.

// Elsewhere there is nothing to see, and with the feature this package has an allocator of its own.
#![cfg(all(debug_assertions, not(feature = "allocation-tracking")))]

mod over;

use knhk_pool::HotPathAlloc;
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: HotPathAlloc<Jemalloc> = HotPathAlloc::new(Jemalloc);
