//! `HotPathAlloc` around mimalloc.

// Elsewhere there is nothing to see, and with the feature this package has an allocator of its own.
#![cfg(all(debug_assertions, not(feature = "allocation-tracking")))]

mod over;

use knhk_pool::HotPathAlloc;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: HotPathAlloc<MiMalloc> = HotPathAlloc::new(MiMalloc);
