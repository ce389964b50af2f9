//! A pool's memory is there before it is needed, also where the allocator hands out zeroed memory that
//! nobody has touched.

// In the mode passthrough a slab is no block of memory of its own.
#![cfg(all(target_os = "linux", not(miri), not(knhk_pool = "passthrough")))]
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use knhk_pool::{LocalPool, PoolConfig, Workload};

const PAGE: usize = 4096;
const MIB: usize = 1 << 20;

/// Where the one large block of zeroed memory is.
static MAPPED: AtomicUsize = AtomicUsize::new(0);

/// Maps zeroed memory of a mebibyte and more: the kernel zeroes it when it is touched.
struct Lazy;

// SAFETY: the system's own, but for memory that is mapped and unmapped with one size.
unsafe impl GlobalAlloc for Lazy {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's conditions are the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let is_second = MAPPED.load(Ordering::Relaxed) != 0;
        if layout.size() < MIB || layout.align() > PAGE || is_second {
            // SAFETY: the caller's conditions are the system's.
            return unsafe { System.alloc_zeroed(layout) };
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory, at a place of the kernel's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), layout.size(), protection, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        MAPPED.store(start.addr(), Ordering::Relaxed);
        start.cast()
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if memory.addr() == MAPPED.load(Ordering::Relaxed) {
            MAPPED.store(0, Ordering::Relaxed);
            // SAFETY: mapped by `alloc_zeroed` with this size.
            unsafe { libc::munmap(memory.cast(), layout.size()) };
        } else {
            // SAFETY: from the system's allocator, with this layout.
            unsafe { System.dealloc(memory, layout) };
        }
    }
}

#[global_allocator]
static ALLOCATOR: Lazy = Lazy;

#[test]
fn every_page_of_a_pool_is_there_before_its_first_acquire() {
    let config = PoolConfig::from(Workload::Low).with_pool_size(64);
    let pool = LocalPool::new(config.with_buffer_size(65_536)).expect("sizes are in range");
    let slab = MAPPED.load(Ordering::Relaxed);
    assert_ne!(
        slab, 0,
        "the slab is zeroed memory, or the test shows nothing"
    );
    let mut states = vec![0_u8; pool.stats().bytes / PAGE];
    let start = ptr::with_exposed_provenance_mut(slab);
    // SAFETY: whole pages inside the slab, and a byte for each.
    let code = unsafe { libc::mincore(start, states.len() * PAGE, states.as_mut_ptr()) };
    assert_eq!(code, 0, "a page is {PAGE} bytes");
    assert!(states.iter().all(|state| state & 1 == 1));
}
