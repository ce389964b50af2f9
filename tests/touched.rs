//! A pool's memory is there before it is needed, also where the allocator hands out memory that nobody
//! has touched: seen by the kernel's map of it, and by the faults of the thread that uses it.

// In the mode passthrough a slab is no block of memory of its own.
#![cfg(all(target_os = "linux", not(miri), not(knhk_pool = "passthrough")))]
#![allow(unsafe_code)]

mod pairs;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::{array, ptr, thread};

use knhk_pool::{Buffer, BufferPool, LocalPool, PoolConfig, Workload};
use pairs::pairs;

const PAGE: usize = 4096;
const LARGE: usize = 64 << 10;

thread_local! {
    /// Where this thread's last large block is.
    static MAPPED: Cell<usize> = const { Cell::new(0) };
}

/// Maps each large block anew: the kernel zeroes a page of it when it is touched.
struct Lazy;

fn is_mapped(layout: Layout) -> bool {
    layout.size() >= LARGE && layout.align() <= PAGE
}

// SAFETY: the system's own, but for blocks that are mapped and unmapped with one size: which ones, their
// layout says.
unsafe impl GlobalAlloc for Lazy {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_mapped(layout) {
            // SAFETY: the caller's conditions are the system's.
            return unsafe { System.alloc(layout) };
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory, at a place of the kernel's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), layout.size(), protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        MAPPED.set(start.expose_provenance());
        start.cast()
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_mapped(layout) {
            // SAFETY: the caller's conditions, and new memory of the kernel's is zeroed.
            unsafe { self.alloc(layout) }
        } else {
            // SAFETY: the caller's conditions are the system's.
            unsafe { System.alloc_zeroed(layout) }
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if is_mapped(layout) {
            // SAFETY: mapped by `alloc` with this size.
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
    let slab = MAPPED.get();
    assert_ne!(slab, 0, "the slab is mapped, or the test shows nothing");
    let mut states = vec![0_u8; pool.stats().bytes / PAGE];
    let start = ptr::with_exposed_provenance_mut(slab);
    // SAFETY: whole pages inside the slab, and a byte for each.
    let code = unsafe { libc::mincore(start, states.len() * PAGE, states.as_mut_ptr()) };
    assert_eq!(code, 0, "a page is {PAGE} bytes");
    assert!(states.iter().all(|state| state & 1 == 1));
}

/// The faults of this thread, so far, that needed no disk.
fn minor_faults() -> i64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: room for one, which the kernel fills.
    let code = unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
    assert_eq!(code, 0);
    // SAFETY: filled; and zeros would be one too.
    unsafe { usage.assume_init() }.ru_minflt
}

/// All that a pool of a static's size has.
const BUFFERS: usize = 16;

/// Minor faults while every byte of every buffer is written, and then the first byte of each, over and over.
fn faults_in_pairs<'pool>(pairs: u32, acquire: &dyn Fn() -> Buffer<'pool>) -> i64 {
    let before = minor_faults();
    let mut all: [_; BUFFERS] = array::from_fn(|_| acquire());
    for buffer in &mut all {
        buffer.resize(buffer.capacity(), 1);
    }
    drop(all);
    for _ in 0..pairs.div_ceil(BUFFERS as u32) {
        let mut all: [_; BUFFERS] = array::from_fn(|_| acquire());
        all.iter_mut().for_each(|buffer| buffer.push(1));
    }
    minor_faults() - before
}

/// One of three pools: a machine that is short of memory takes pages of code away, and no pool can help it. Each
/// is a fresh one.
fn assert_one_without_faults(faults_of_a_fresh_pool: impl Fn() -> i64) {
    let seen: Vec<_> = (0..3)
        .map(|_| faults_of_a_fresh_pool())
        .take_while(|faults| *faults != 0)
        .collect();
    assert!(
        seen.len() < 3,
        "{seen:?} minor faults in {} pairs each",
        pairs()
    );
}

static POOL: BufferPool = BufferPool::new("touched");

fn acquire() -> Buffer<'static> {
    POOL.acquire()
}

/// Minor faults on a new thread, whose part of the pool is made in it, and given back.
fn faults_of_a_thread(pairs: u32, prepare: fn(&BufferPool)) -> i64 {
    static REHEARSED: BufferPool = BufferPool::new("touched-rehearsed");
    let on_thread = move || {
        // The thread's stack is there then, as any thread's that has worked.
        faults_in_pairs(1, &|| REHEARSED.acquire());
        prepare(&POOL);
        let faults = faults_in_pairs(pairs, &acquire);
        assert_eq!(POOL.stats().misses, 0, "all buffers are of the slab");
        assert!(
            POOL.trim_current_thread() >= LARGE,
            "nobody gets it as it is now"
        );
        faults
    };
    thread::spawn(on_thread).join().expect("it ends well")
}

#[test]
fn pairs_of_a_static_pool_fault_nowhere_after_warm_up() {
    // The code is there then.
    faults_of_a_thread(1, BufferPool::warm_up);
    assert_one_without_faults(|| faults_of_a_thread(pairs(), BufferPool::warm_up));
}

/// Without which the test above would prove nothing.
#[test]
fn first_acquire_without_warm_up_pays_the_faults() {
    faults_of_a_thread(1, BufferPool::warm_up);
    assert_ne!(faults_of_a_thread(1, |_| ()), 0);
}

fn faults_of_a_local_pool(pairs: u32) -> i64 {
    let config = PoolConfig::from(Workload::Low).with_pool_size(BUFFERS);
    let pool = LocalPool::new(config.with_buffer_size(2 * PAGE)).expect("sizes are in range");
    faults_in_pairs(pairs, &|| pool.acquire())
}

#[test]
fn pairs_of_a_local_pool_fault_nowhere() {
    faults_of_a_local_pool(1);
    assert_one_without_faults(|| faults_of_a_local_pool(pairs()));
}
