//! Memory that ends at a page that must not be touched: a full-width load at any index of a buffer stays
//! inside what the pool has, at every length.

// In the mode passthrough a slab is not one allocation, and each return would map pages.
#![cfg(all(unix, not(miri), not(knhk_pool = "passthrough")))]
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::ptr;

use knhk_pool::{Arena, Buffer, HotPathAlloc, LocalPool, PoolConfig, Workload};

const PAGE: usize = 4096;

thread_local! {
    /// Whether this thread's requests of a buffer's size and more end at a guard page.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Below it are the pool's own books.
const GUARDED_FROM: usize = 128;

struct Guarding;

/// Where the mapping of a guarded request begins, and how long it is: a page for each page or part of
/// one, and the guard.
fn pages(layout: Layout) -> usize {
    layout.size().div_ceil(PAGE) * PAGE
}

// SAFETY: a guarded request gets a mapping of its own, from which `size` bytes up to the guard are
// handed out: from a multiple of the alignment on, which is asserted. Others are the system's. Which of
// the two a block is follows from whether its end is at a page's, with a guarded layout, while the
// thread that frees it is the one that asked, under the same flag.
unsafe impl GlobalAlloc for Guarding {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !GUARDED.get() || layout.size() < GUARDED_FROM {
            // SAFETY: the caller keeps `alloc`'s contract.
            return unsafe { System.alloc(layout) };
        }
        let len = pages(layout);
        let (flags, both) = (
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            libc::PROT_READ | libc::PROT_WRITE,
        );
        // SAFETY: a new mapping, wherever there is room.
        let base = unsafe { libc::mmap(ptr::null_mut(), len + PAGE, both, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        // SAFETY: inside the mapping, a page before its end.
        let guard = unsafe { base.byte_add(len) };
        // SAFETY: the mapping's last page, which nobody has yet.
        if unsafe { libc::mprotect(guard, PAGE, libc::PROT_NONE) } != 0 {
            return ptr::null_mut();
        }
        // SAFETY: `size` is at most `len`.
        let start = unsafe { base.byte_add(len - layout.size()) }.cast::<u8>();
        if start.addr().is_multiple_of(layout.align()) {
            start
        } else {
            ptr::null_mut()
        }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        if !GUARDED.get() || layout.size() < GUARDED_FROM {
            // SAFETY: the caller keeps `dealloc`'s contract, and the memory is the system's.
            return unsafe { System.dealloc(start, layout) };
        }
        let len = pages(layout);
        // SAFETY: `alloc` put it so far behind its mapping's start.
        let base = unsafe { start.byte_sub(len - layout.size()) };
        // SAFETY: the whole mapping, which nobody uses any more.
        unsafe { libc::munmap(base.cast(), len + PAGE) };
    }
}

#[global_allocator]
static ALLOCATOR: HotPathAlloc<Guarding> = HotPathAlloc::new(Guarding);

/// Runs `work`, all of whose memory is made and freed in it, with guard pages.
fn guarded(work: impl FnOnce()) {
    GUARDED.set(true);
    work();
    GUARDED.set(false);
}

/// Reads 64 bytes at the first and the last index of the buffer, at every length, as a kernel without a
/// tail loop does.
fn load_at_every_length(buffer: &mut Buffer<'_>, lengths: impl Iterator<Item = usize>) {
    for len in lengths {
        buffer.resize(len, 1);
        for index in [0, len.saturating_sub(64), len.saturating_sub(1)] {
            let place = buffer.as_ptr().wrapping_add(index).cast::<[u8; 64]>();
            // SAFETY: 64 readable, initialised bytes follow any index below the length, and so they do
            // the capacity: the promise on trial. If it is broken, this is a fault.
            black_box(unsafe { place.read_unaligned() });
        }
        assert_eq!(buffer.padded()[len..], [0; 64]);
    }
}

fn pool(buffers: usize, bytes: usize) -> LocalPool {
    let sizes = PoolConfig::from(Workload::Low).with_pool_size(buffers);
    LocalPool::new(sizes.with_buffer_size(bytes)).expect("in range")
}

/// A block from the heap that was released while a slot was out, and came again: it is the pool's now.
fn joined(pool: &LocalPool) -> Buffer<'_> {
    let mut block = pool.acquire();
    block.resize(block.capacity(), 1);
    let (at, before) = (block.as_ptr(), pool.stats());
    drop(block);
    let joined = pool.acquire();
    let now = pool.stats();
    assert_eq!(
        (joined.as_ptr(), now.hits, now.misses),
        (at, before.hits + 1, before.misses)
    );
    joined
}

/// The last slot of a slab is the one at the page, and the first tells whether slots are far enough apart.
#[test]
fn full_width_load_at_every_length_of_every_kind_of_buffer() {
    for bytes in [64, 65, 100, 127, 2048, 4096, 5000, 8192, 16_384] {
        guarded(|| {
            let pool = pool(2, bytes);
            let mut all = [
                pool.acquire(),
                pool.acquire(),
                joined(&pool),
                pool.acquire(),
            ];
            let mut grown = pool.acquire();
            all.iter_mut().for_each(|buffer| buffer.resize(bytes, 1));
            for index in 0..all.len() {
                load_at_every_length(&mut all[index], 0..=bytes);
                assert!(
                    all.iter()
                        .flat_map(|buffer| buffer.iter())
                        .all(|byte| *byte == 1)
                );
            }
            grown.resize(bytes + 1, 1);
            let capacity = grown.capacity();
            load_at_every_length(&mut grown, bytes..=capacity);
            assert_eq!(grown.capacity(), capacity);
            assert_eq!((pool.stats().misses, pool.stats().grown), (3, 1));
        });
    }
}

#[test]
fn each_slot_of_a_slab_is_whole() {
    guarded(|| {
        let pool = pool(5, 1000);
        let mut all: Vec<_> = (0..5).map(|_| pool.acquire()).collect();
        for buffer in &mut all {
            load_at_every_length(buffer, 900..=1000);
        }
    });
}

#[test]
fn arena_ends_where_its_chunk_does() {
    for bytes in [4096, 8192, 65_536] {
        guarded(|| {
            let mut arena = Arena::with_capacity(bytes);
            for len in [1, 64, bytes / 2, bytes] {
                arena.alloc_slice_with(len, |_| 1_u8);
                arena.reset();
            }
        });
    }
}

/// The guard is there: a load one byte further is a fault, in a process of its own.
// In the mode poison a slot is longer, by what watches over it.
#[cfg(not(knhk_pool = "poison"))]
#[test]
fn guard_is_armed() {
    const VARIABLE: &str = "KNHK_TEST_TOUCHES_THE_GUARD";
    if std::env::var_os(VARIABLE).is_some() {
        return guarded(|| {
            let pool = pool(1, 128 - 64);
            let slot = pool.acquire();
            // 64 bytes that begin one byte behind the promise, in a slab of one slot of 192 bytes.
            let place = slot.as_ptr().wrapping_add(192 - 63).cast::<[u8; 64]>();
            // SAFETY: none: this is the fault that is asked for.
            black_box(unsafe { place.read_volatile() });
        });
    }
    let this = std::env::current_exe().expect("this test's binary");
    let mut child = std::process::Command::new(this);
    child.args(["--exact", "guard_is_armed"]).env(VARIABLE, "1");
    let status = child.output().expect("it can be started").status;
    assert_eq!(status.code(), None, "ended by a signal: {status}");
}

/// Of every size, 2 to 16 KiB: both slots of a slab, a block, and a block that has joined.
#[test]
fn every_buffer_of_2_to_16_kibibytes_is_aligned_and_padded_with_zeros() {
    for bytes in 2048..=16_384 {
        let pool = pool(2, bytes);
        let slots = [pool.acquire(), pool.acquire()];
        for mut buffer in slots.into_iter().chain([joined(&pool), pool.acquire()]) {
            assert_eq!(buffer.as_ptr().addr() % 64, 0, "{bytes}");
            buffer.resize(bytes, 1);
            let end = buffer.as_ptr().wrapping_add(bytes).cast::<[u8; 64]>();
            // SAFETY: 64 initialised bytes follow the capacity.
            assert_eq!(unsafe { end.read_unaligned() }, [0; 64], "{bytes}");
        }
    }
}
