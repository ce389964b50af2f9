//! An allocator that itself acquires from the pools, and reads them: no deadlock, no recursion, and
//! right books.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use knhk_pool::{
    Arena, BufferPool, HotPathAlloc, LocalPool, PoolConfig, ThreadObjectPool, Workload, scratch,
    snapshot,
};

static POOL: BufferPool = BufferPool::new("reentry");
static OTHER: BufferPool = BufferPool::new("reentry-other");

static OBJECTS: ThreadObjectPool<String> =
    ThreadObjectPool::new("reentry-objects", 2, || String::with_capacity(9));

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
    /// So that the heap fallback's own allocation does not acquire again.
    static ACQUIRING: Cell<bool> = const { Cell::new(false) };
    static ACQUIRED: Cell<u64> = const { Cell::new(0) };
}

thread_local! {
    static USES_ARENAS: Cell<bool> = const { Cell::new(false) };
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// How deep the allocator's own uses of arenas were nested.
static DEEPEST: AtomicUsize = AtomicUsize::new(0);

/// What ends a recursion that would not end, before it has branched into too many.
const TOO_DEEP: usize = 4;

/// Does not look whether it is called by what it calls.
fn use_arenas_in_the_allocator() {
    let depth = DEPTH.get() + 1;
    if !USES_ARENAS.get() || depth > TOO_DEEP {
        return;
    }
    DEPTH.set(depth);
    DEEPEST.fetch_max(depth, Ordering::Relaxed);
    // Inside of a cold path there is room for what has no bytes alone.
    Arena::with_thread(|arena| drop(arena.try_alloc(1_u8)));
    scratch::with(|scratch| assert_eq!(*scratch.alloc(()), ()));
    DEPTH.set(depth - 1);
}

struct Nosy;

fn acquire_from_the_allocator() {
    if !ARMED.get() || ACQUIRING.replace(true) {
        return;
    }
    let mut buffers = [POOL.acquire(), OTHER.acquire()];
    buffers[0].push(1);
    drop((buffers, OBJECTS.get(), OBJECTS.acquire()));
    if !cfg!(miri) || ACQUIRED.get().is_multiple_of(16) {
        // As a hook does that prints the pools when memory runs out.
        std::hint::black_box((POOL.stats(), OBJECTS.stats(), snapshot()));
    }
    ACQUIRED.set(ACQUIRED.get() + 1);
    ACQUIRING.set(false);
}

// SAFETY: every call goes to `System` as it came.
unsafe impl GlobalAlloc for Nosy {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        acquire_from_the_allocator();
        use_arenas_in_the_allocator();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        acquire_from_the_allocator();
        use_arenas_in_the_allocator();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: HotPathAlloc<Nosy> = HotPathAlloc::new(Nosy);

/// Everything that takes a cold path, on a fresh thread whose allocator acquires.
fn use_the_pools() -> u64 {
    #[cfg(feature = "allocation-tracking")]
    knhk_pool::hot_path::assert_armed();
    ARMED.set(true);
    drop(POOL.acquire());
    let held: Vec<_> = (0..40).map(|_| POOL.acquire()).collect();
    let mut grown = OTHER.acquire();
    grown.resize(100_000, 0);
    drop((held, grown.into_vec()));
    POOL.trim_current_thread();
    POOL.warm_up();
    let local = LocalPool::new(PoolConfig::from(Workload::Low)).expect("a profile is in range");
    let held: Vec<_> = (0..20).map(|_| local.acquire()).collect();
    drop(held);
    local.trim();
    let built = BufferPool::builder("reentry-built".to_owned())
        .pool_size(2)
        .build();
    drop(built.expect("two are in range").acquire());
    drop([OBJECTS.get(), OBJECTS.get(), OBJECTS.get()]);
    let objects = ThreadObjectPool::new("reentry-built", 2, || vec![1_u8; 3]);
    objects.warm_up();
    drop(objects);
    let _ = (snapshot(), POOL.stats(), POOL.handle().acquire());
    // The thread ends armed: its destructors free, and so acquire.
    ACQUIRED.get()
}

#[test]
fn allocator_that_acquires_neither_deadlocks_nor_unbalances_the_books() {
    let (done, watch) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..if cfg!(miri) { 1 } else { 3 } {
            let acquired = thread::spawn(use_the_pools)
                .join()
                .expect("no panic in a cold path");
            assert!(acquired > 10, "the allocator was not called: {acquired}");
        }
        done.send(()).expect("the test is waiting");
    });
    watch
        .recv_timeout(Duration::from_secs(if cfg!(miri) { 600 } else { 60 }))
        .expect("a cold path waits for itself");
    for stats in [POOL.stats(), OTHER.stats(), OBJECTS.stats()] {
        assert_eq!(stats.in_use, 0, "{stats:?}");
        assert_eq!(
            stats.hits + stats.misses,
            stats.released + stats.freed + stats.detached
        );
    }
}

/// Uses the thread's arena when that is gone.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        Arena::with_thread(|arena| assert_eq!(*arena.alloc(7), 7));
        scratch::with(|scratch| assert_eq!(*scratch.alloc(7), 7));
    }
}

#[test]
fn allocator_that_uses_arenas_is_not_called_by_its_own_uses_without_end() {
    thread_local!(static LATE: Cell<Option<Late>> = const { Cell::new(None) });
    let worker = thread::spawn(|| {
        // Registered before the arenas' owners are, so that on Linux it is dropped after them.
        LATE.set(Some(Late));
        USES_ARENAS.set(true);
        Arena::with_thread(|arena| assert_eq!(*arena.alloc(1), 1));
        scratch::with(|scratch| assert_eq!(*scratch.alloc(1), 1));
    });
    worker.join().expect("no panic in a cold path");
    let deepest = DEEPEST.load(Ordering::Relaxed);
    // The second: what the first one, on a thread that is ending, allocates for itself.
    assert!((1..=2).contains(&deepest), "{deepest} deep");
}
