//! What the operating system counts: one large request, or one large pool, leaves nothing behind.
//!
//! One test, so that no other thread of the process takes memory meanwhile.

// In the mode passthrough a slab is no block of memory of its own.
#![cfg(all(target_os = "linux", not(miri), not(knhk_pool = "passthrough")))]

mod armed;

use knhk_pool::{Arena, ArenaOverflow, BufferPool, LocalPool, PoolConfig, Workload};

const MIB: usize = 1 << 20;

/// Bytes of the process's memory that are in RAM.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: usize = kibibytes.expect("a size").trim().parse().expect("a number");
    kibibytes * 1024
}

/// Runs `work`, which asks for 64 MiB at once, twice: the first time it may fault in code and the
/// allocator's own pages.
fn assert_given_back(name: &str, mut work: impl FnMut() -> usize) {
    work();
    let before = resident();
    let most = work();
    assert!(
        most >= before + 48 * MIB,
        "{name}: it was not there: {before}, {most}"
    );
    // The system's count is not exact: on many cores it is off by MiB.
    let after = resident();
    assert!(
        after <= before + 16 * MIB,
        "{name}: {before} bytes before, {after} after"
    );
}

#[test]
fn sixty_four_mebibytes_are_given_back() {
    let named = BufferPool::builder("resident").build().expect("in range");
    assert_given_back("a buffer that has grown", || {
        let mut buffer = named.acquire();
        buffer.resize(64 * MIB, 1);
        resident()
    });
    assert_given_back("a pool of large buffers that is trimmed", || {
        let sizes = PoolConfig::from(Workload::Low).with_pool_size(64);
        let pool = LocalPool::new(sizes.with_buffer_size(MIB)).expect("in range");
        let most = resident();
        assert!(pool.trim() >= 64 * MIB);
        assert_eq!(pool.stats().bytes, 0);
        most
    });
    let mut arena = Arena::with_capacity(1000).with_overflow(ArenaOverflow::Heap);
    assert_given_back("an arena that took from the heap", || {
        arena.alloc_slice_with(64 * MIB, |_| 1_u8);
        let most = resident();
        arena.reset();
        most
    });
}
