//! A pool's memory has a bound, whatever is asked of it: counted by the allocator, not by the pool.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use knhk_pool::{Buffer, BufferPool, HotPathAlloc, LocalPool, PoolConfig, Workload};
use proptest::collection::vec;
use proptest::prelude::*;

thread_local! {
    /// Bytes that this thread has and has not given back.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all is the system's allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get() + layout.size() as isize);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - layout.size() as isize);
        // SAFETY: the caller keeps `dealloc`'s contract, and the memory is the system's.
        unsafe { System.dealloc(start, layout) }
    }
}

/// Bytes that this thread has now, more than `before`.
fn grown(before: isize) -> usize {
    (LIVE.get() - before).max(0) as usize
}

#[global_allocator]
static ALLOCATOR: HotPathAlloc<Counting> = HotPathAlloc::new(Counting);

/// What a slot or a block may take beside the buffer: its padding, what aligns it, and in the mode *poison* a line
/// of cookies on either side.
const PAD: usize = 64
    + 2 * 64
    + if cfg!(knhk_pool = "poison") {
        2 * 64
    } else {
        0
    };

/// What a pool takes beside its buffers: a place in the stack for each, and its own books.
const BOOKS: usize = 2048;

#[derive(Clone, Copy, Debug)]
enum Step {
    Acquire,
    Release(usize),
    Grow { buffer: usize, bytes: usize },
    IntoVec(usize),
    Forget(usize),
    Trim,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Acquire),
        5 => any::<usize>().prop_map(Step::Release),
        2 => (any::<usize>(), 0_usize..20_000).prop_map(|(buffer, bytes)| Step::Grow { buffer, bytes }),
        1 => any::<usize>().prop_map(Step::IntoVec),
        1 => any::<usize>().prop_map(Step::Forget),
        1 => Just(Step::Trim),
    ]
}

/// What a pool holds at the most, when so many buffers are out: each of its slots, and one for each that
/// is out, in whose place a block may lie; and what has grown, as it is.
fn bound(slots: usize, bytes: usize, out: &[Buffer<'_>], forgotten: usize) -> usize {
    let grown = out.iter().map(|buffer| buffer.capacity() + PAD);
    let places = slots * (bytes + PAD + size_of::<usize>());
    places + grown.sum::<usize>() + forgotten + BOOKS
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn memory_is_that_of_the_slots_and_of_what_is_out(
        slots in 0_usize..6,
        bytes in 64_usize..3000,
        steps in vec(step(), 0..if cfg!(miri) { 12 } else { 120 }),
    ) {
        let before = LIVE.get();
        let config = PoolConfig::from(Workload::Low).with_pool_size(slots).with_buffer_size(bytes);
        let pool = LocalPool::new(config).expect("in range");
        let mut out = Vec::with_capacity(steps.len());
        let before = before + (out.capacity() * size_of::<Buffer<'_>>()) as isize;
        let mut forgotten = 0;
        for step in steps {
            match step {
                Step::Acquire => out.push(pool.acquire()),
                Step::Trim => drop(pool.trim()),
                Step::Release(nth) | Step::IntoVec(nth) | Step::Forget(nth) | Step::Grow { buffer: nth, .. }
                    if !out.is_empty() =>
                {
                    let mut buffer = out.swap_remove(nth % out.len());
                    match step {
                        Step::IntoVec(_) => drop(buffer.into_vec()),
                        Step::Grow { bytes, .. } => {
                            buffer.resize(bytes, 1);
                            out.push(buffer);
                        }
                        // What is forgotten is lost, which Miri holds against the test.
                        Step::Forget(_) if !cfg!(miri) => {
                            forgotten += buffer.capacity() + PAD;
                            std::mem::forget(buffer);
                        }
                        _ => drop(buffer),
                    }
                }
                _ => {}
            }
            let (live, most) = (grown(before), bound(slots, bytes, &out, forgotten));
            prop_assert!(live <= most, "{live} bytes, {most} at the most");
            prop_assert!(pool.stats().idle <= slots);
        }
        out.clear();
        prop_assert!(grown(before) <= bound(slots, bytes, &[], forgotten));
        pool.trim();
        if forgotten == 0 {
            let floor = slots * size_of::<usize>() + BOOKS;
            prop_assert!(grown(before) <= floor, "{} after a trim", grown(before));
        }
    }
}

#[test]
fn burst_leaves_a_named_pool_no_larger_and_a_trim_takes_that_too() {
    let pool = BufferPool::builder("burst").pool_size(16).buffer_size(4096);
    let pool = pool.build().expect("in range");
    let before = LIVE.get();
    pool.warm_up();
    let warm = grown(before);
    assert!(warm <= 16 * (4096 + PAD) + BOOKS, "{warm}");
    for _ in 0..3 {
        let mut burst: Vec<_> = (0..2000).map(|_| pool.acquire()).collect();
        burst[0].resize(1 << 20, 1);
        drop(burst);
        assert_eq!((grown(before), pool.stats().idle), (warm, 16));
    }
    assert!(pool.trim_current_thread() >= 16 * 4096);
    assert!(grown(before) <= BOOKS, "{}", grown(before));
    assert_eq!(pool.stats().bytes, 0);
}
