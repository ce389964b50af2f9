//! What holds whatever allocator is inside: each of the four calls is seen, and is done.

use std::alloc::{GlobalAlloc, Layout, System, alloc, dealloc};
use std::hint::black_box;
use std::panic;
use std::thread;

use knhk_pool::hot_path::{AllocationStats, allocations, assert_armed, assert_no_alloc};
use knhk_pool::{BufferPool, HotPathGuard};

#[test]
fn it_is_armed_and_every_call_is_counted() {
    assert_armed();
    let AllocationStats {
        allocations: made,
        reallocations,
        frees,
        bytes_allocated,
        bytes_freed,
        ..
    } = allocations(|| {
        let mut bytes = black_box(vec![0_u8; 100]);
        bytes.reserve_exact(900);
        bytes.resize(1000, 7);
        assert!(bytes[..100].iter().all(|byte| *byte == 0));
        bytes.truncate(500);
        bytes.shrink_to_fit();
        drop(black_box(Box::new(1_u64)));
    });
    assert_eq!((made, reallocations, frees), (2, 2, 2));
    assert_eq!((bytes_allocated, bytes_freed), (1008, 1008));
}

#[test]
fn report_names_the_call_and_nothing_dies() {
    let payload = panic::catch_unwind(|| {
        let _section = HotPathGuard::enter("over");
        black_box(String::from("hello"))
    });
    let message = *payload.unwrap_err().downcast::<String>().expect("a report");
    let wanted = "ALLOCATION IN HOT PATH: alloc of 5 bytes, alignment 1, in section `over`";
    assert!(message.starts_with(wanted), "{message}");
}

#[test]
fn a_thousand_threads_begin_and_end_and_a_pools_hits_are_silent() {
    static POOL: BufferPool = BufferPool::new("over");
    for _ in 0..100 {
        let batch: [_; 10] = std::array::from_fn(|_| {
            thread::spawn(|| {
                drop(POOL.acquire());
                assert_no_alloc(|| drop(POOL.acquire()));
            })
        });
        for thread in batch {
            thread.join().expect("a hit allocates nothing");
        }
    }
    assert_eq!(POOL.stats().hits, 2000);
}

#[test]
#[allow(unsafe_code)]
fn memory_comes_from_the_allocator_inside_and_keeps_its_alignment() {
    for align in [1, 16, 64, 4096] {
        let layout = Layout::from_size_align(3 * align, align).expect("small");
        // SAFETY: not of size zero.
        let ours = unsafe { alloc(layout) };
        assert!(!ours.is_null() && ours.addr().is_multiple_of(align));
        // SAFETY: from the line above but one.
        unsafe { dealloc(ours, layout) };
    }
    // The system's allocator answers from elsewhere: glibc's has a header before each block, so that of blocks that lie
    // one behind the other at most one begins where each of the two inside does.
    let layout = Layout::from_size_align(4096, 16).expect("small");
    let of =
        |allocator: &dyn Fn() -> *mut u8| -> [*mut u8; 8] { std::array::from_fn(|_| allocator()) };
    // SAFETY: not of size zero.
    let (ours, systems) = (
        of(&|| unsafe { alloc(layout) }),
        of(&|| unsafe { System.alloc(layout) }),
    );
    let aligned = |blocks: &[*mut u8]| {
        blocks
            .iter()
            .filter(|block| block.addr() % 4096 == 0)
            .count()
    };
    assert_eq!(aligned(&ours), ours.len());
    assert!(aligned(&systems) <= 1, "{systems:?}");
    for (ours, systems) in ours.into_iter().zip(systems) {
        // SAFETY: from `alloc` above, with this layout.
        unsafe { dealloc(ours, layout) };
        // SAFETY: from `System` above, with this layout.
        unsafe { System.dealloc(systems, layout) };
    }
}
