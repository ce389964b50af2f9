//! Many threads, one after the other and at once: memory, the registry, and counts read meanwhile.
//!
//! Memory is the process', so the tests run in turn.
#![cfg(target_os = "linux")]
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, RwLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use knhk_pool::{
    Arena, BufferPool, HotPathAlloc, PoolSnapshot, PoolStats, ThreadObjectPool, Workload, snapshot,
};

/// Bytes that the process has allocated and not freed.
static LIVE: AtomicIsize = AtomicIsize::new(0);

struct Counting;

// SAFETY: all is the system's allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller keeps `dealloc`'s contract, and the memory is the system's.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: HotPathAlloc<Counting> = HotPathAlloc::new(Counting);

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The process' resident memory in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<usize>().ok())
        .expect("a number of KiB")
        * 1024
}

fn listed(name: &str) -> PoolSnapshot {
    let mut pools = snapshot().pools.into_iter();
    pools.find(|pool| pool.name == name).expect("it is listed")
}

/// Joins with a handle: a scope ends before its threads' destructors have.
fn join_all(threads: Vec<JoinHandle<()>>) {
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("it ends well"));
}

const AT_ONCE: usize = 64;

/// Threads which are all alive, and have worked, when `seen` is called; and have ended afterwards.
fn round(work: fn(), seen: impl FnOnce()) {
    let gate = Arc::new(Barrier::new(AT_ONCE + 1));
    let threads = (0..AT_ONCE).map(|_| {
        let gate = Arc::clone(&gate);
        thread::spawn(move || {
            work();
            gate.wait();
            gate.wait();
        })
    });
    let threads: Vec<_> = threads.collect();
    gate.wait();
    seen();
    gate.wait();
    join_all(threads);
}

/// To be read, and not to be judged: the threads take turns with empty ones, so that both meet the same machine.
fn print_microseconds_a_thread(work: fn(), rounds: usize) {
    let (mut working, mut empty) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        for (work, sum) in [(work, &mut working), (|| {}, &mut empty)] {
            let began = Instant::now();
            round(work, || {});
            *sum += began.elapsed();
        }
    }
    let each = |sum: Duration| sum.as_secs_f64() * 1e6 / (rounds * AT_ONCE) as f64;
    println!(
        "{} threads of each kind: {:.1} microseconds a thread, {:.1} an empty one",
        rounds * AT_ONCE,
        each(working),
        each(empty)
    );
}

#[test]
fn ten_thousand_threads_leave_no_memory_behind_and_the_registry_knows_who_lives() {
    static BUFFERS: BufferPool = BufferPool::new("churn-buffers");
    static OBJECTS: ThreadObjectPool<Vec<u8>> =
        ThreadObjectPool::new("churn-objects", 4, || Vec::with_capacity(256));
    let _alone = alone();
    let work = || {
        drop(BUFFERS.acquire());
        drop(OBJECTS.get().expect("four are idle"));
        Arena::with_thread(|arena| assert_eq!(*arena.alloc(3), 3));
    };
    let threads_seen = || ["churn-buffers", "churn-objects"].map(|name| listed(name).stats.threads);
    let round = || {
        round(work, || {
            assert_eq!(threads_seen(), [AT_ONCE; 2], "the living")
        });
        assert_eq!(threads_seen(), [0; 2], "all have ended");
    };
    // The first half fills what the system keeps for itself: stacks, and malloc's arenas.
    let (settling, rounds) = (79, 158);
    (0..settling).for_each(|_| round());
    let (live, before) = (LIVE.load(Ordering::Relaxed), resident());
    (settling..rounds).for_each(|_| round());
    let live = LIVE.load(Ordering::Relaxed) - live;
    let grown = resident().saturating_sub(before);
    println!(
        "{} threads, the second half + {live} allocated, {grown} resident bytes",
        AT_ONCE * rounds
    );
    // Less than a byte a thread; and less than a page a thread of what no allocator counts. What malloc's own arenas
    // hold for threads that come and go moves by a MiB.
    let ended = AT_ONCE * (rounds - settling);
    assert!(live.unsigned_abs() < ended, "{live} bytes are not freed");
    assert!(grown < ended * 4096, "{grown} bytes more");
    let threads = (AT_ONCE * rounds) as u64;
    let (buffers, objects) = (BUFFERS.stats(), OBJECTS.stats());
    assert_eq!((buffers.hits, buffers.released), (threads, threads));
    assert_eq!((objects.hits, objects.released), (threads, threads));
    print_microseconds_a_thread(work, rounds);
}

#[test]
fn five_thousand_threads_alive_at_once_take_memory_in_proportion() {
    const THREADS: usize = 5000;
    const BUFFER: usize = 256;
    let _alone = alone();
    let pool = BufferPool::builder("alive")
        .pool_size(4)
        .buffer_size(BUFFER);
    let pool: &'static BufferPool = Box::leak(Box::new(pool.build().expect("in range")));
    // Shut until all that live have been counted.
    let gate = Arc::new(RwLock::new(()));
    let shut = gate.write().expect("nobody has panicked");
    let (here, arrived) = mpsc::channel();
    let before = resident();
    let threads = (0..THREADS).map_while(|_| {
        let (gate, here) = (Arc::clone(&gate), here.clone());
        let small = thread::Builder::new().stack_size(64 << 10);
        let spawned = small.spawn(move || {
            let held = pool.acquire();
            here.send(()).expect("they are awaited");
            drop(gate.read());
            drop(held);
        });
        spawned.ok()
    });
    let threads: Vec<_> = threads.collect();
    let alive = threads.len();
    if alive < THREADS {
        // Past the capture of a test's output.
        let told = writeln!(
            io::stderr(),
            "\n!! SKIPPED: this system allows {alive} threads, not {THREADS}"
        );
        told.expect("standard error is open");
    }
    assert!(arrived.iter().take(alive).count() == alive && alive > 100);
    let (stats, resident) = (pool.stats(), resident().saturating_sub(before));
    println!(
        "{alive} threads: {} bytes of pool, {resident} resident",
        stats.bytes
    );
    assert_eq!(
        (stats.threads, stats.in_use, stats.hits),
        (alive, alive, alive as u64)
    );
    let one = pool_of_one_thread(BUFFER);
    assert_eq!(stats.bytes, alive * one);
    // A stack is touched for some pages, and a list is a few lines beside its slab.
    let each = 64 << 10;
    assert!(resident <= alive * each, "{resident} bytes");
    drop(shut);
    join_all(threads);
    let stats = pool.stats();
    assert_eq!((stats.threads, stats.in_use), (0, 0));
    assert!(stats.bytes <= 4 * one, "{} bytes wait", stats.bytes);
}

fn pool_of_one_thread(buffer: usize) -> usize {
    let pool = BufferPool::builder("one-alive")
        .pool_size(4)
        .buffer_size(buffer);
    let pool = pool.build().expect("in range");
    pool.warm_up();
    pool.stats().bytes
}

/// What the workers have finished acquiring, and what they have begun to acquire.
#[derive(Default)]
struct Progress {
    begun: AtomicU64,
    done: AtomicU64,
    ended: AtomicU64,
    stop: AtomicBool,
}

/// An assertion that fails, here or there, must not leave the others running.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Progress {
    fn is_over(&self, has_read: bool) -> bool {
        let threads = self.ended.load(Ordering::Relaxed);
        (has_read && threads >= THREADS) || self.stop.load(Ordering::Relaxed)
    }

    /// The life of a thread with buffers: hits, misses, refusals, growth and bytes that leave.
    fn with_buffers(&self, pool: &BufferPool) {
        for most in [1, 3, 6] {
            let mut held: Vec<_> = (0..most).map(|_| self.count(|| pool.acquire())).collect();
            held[0].resize(if most == 6 { 300 } else { 3 }, 0);
            drop(held.pop().map(knhk_pool::Buffer::into_vec));
            let _ = self.count(|| pool.try_acquire());
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// The life of a thread with four objects: hits, refusals, one that leaves and one that comes in its stead, and
    /// one that leaves for good.
    fn with_objects(&self, pool: &ThreadObjectPool<Vec<u8>>) {
        for most in [1, 3, 6] {
            let held: Vec<_> = (0..most).map(|_| self.count(|| pool.get())).collect();
            assert_eq!(held.iter().filter(|lent| lent.is_ok()).count(), most.min(4));
            drop(held);
            drop(self.count(|| pool.acquire()).expect("all are idle"));
            if most < 6 {
                pool.release(Vec::new()).expect("one has left");
            }
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    fn count<T>(&self, acquire: impl FnOnce() -> T) -> T {
        self.begun.fetch_add(1, Ordering::Release);
        let acquired = acquire();
        self.done.fetch_add(1, Ordering::Release);
        acquired
    }
}

fn assert_balanced(stats: &PoolStats) {
    let gone = stats.released + stats.freed + stats.detached;
    assert_eq!(
        stats.hits + stats.misses,
        gone + stats.in_use as u64,
        "{stats:?}"
    );
}

fn assert_risen(now: &PoolStats, before: &PoolStats) {
    let rising = |stats: &PoolStats| {
        [
            stats.hits,
            stats.misses,
            stats.exhausted,
            stats.released,
            stats.freed,
            stats.grown,
            stats.detached,
            stats.high_water as u64,
        ]
    };
    let pairs = rising(now).into_iter().zip(rising(before));
    assert!(
        pairs.into_iter().all(|(now, before)| now >= before),
        "{now:?} after {before:?}"
    );
}

/// More than the four parts of ended threads that a pool keeps for the next ones, so that some are freed meanwhile.
const WORKERS: usize = 8;

/// So many live during the readings, however seldom a busy machine lets them.
const THREADS: u64 = 1000;

/// Reads `stats` while some threads at a time live, one after the other: each reading adds up, lies between what
/// had been done before it and what had begun after it, and is nowhere below the last.
fn read_during_churn(
    live: impl Fn(&Progress) + Copy + Send + 'static,
    stats: impl Fn() -> PoolStats,
) {
    let reads = if cfg!(debug_assertions) {
        1_000_000
    } else {
        10_000_000
    };
    let progress: &'static Progress = Box::leak(Box::default());
    let read = thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(move || {
                let _stop = StopOnDrop(&progress.stop);
                while !progress.stop.load(Ordering::Relaxed) {
                    let worker = thread::spawn(move || live(progress));
                    worker.join().expect("it ends well");
                }
            });
        }
        let _stop = StopOnDrop(&progress.stop);
        let mut before = PoolStats::default();
        let mut done = 0;
        while !progress.is_over(done >= reads) {
            let at_least = progress.done.load(Ordering::Acquire);
            let now = stats();
            let at_most = progress.begun.load(Ordering::Acquire);
            assert_balanced(&now);
            assert_risen(&now, &before);
            let acquires = now.acquires();
            assert!(
                (at_least..=at_most).contains(&acquires),
                "{at_least} {acquires} {at_most}"
            );
            before = now;
            done += 1;
        }
        done
    });
    let end = stats();
    println!(
        "{read} readings, {} threads, {} acquires",
        progress.ended.load(Ordering::Relaxed),
        end.acquires()
    );
    assert_eq!(end.acquires(), progress.done.load(Ordering::Acquire));
    assert_eq!((end.in_use, end.threads), (0, 0));
    assert_balanced(&end);
}

#[test]
fn every_reading_of_buffers_during_churn_adds_up_and_no_total_falls() {
    let _alone = alone();
    let pool = BufferPool::builder("churn-read")
        .workload(Workload::Low)
        .pool_size(4);
    let pool = pool.buffer_size(256).build().expect("in range");
    let pool: &'static BufferPool = Box::leak(Box::new(pool));
    read_during_churn(move |progress| progress.with_buffers(pool), || pool.stats());
}

#[test]
fn every_reading_of_objects_during_churn_adds_up_and_no_total_falls() {
    static POOL: ThreadObjectPool<Vec<u8>> =
        ThreadObjectPool::new("churn-read-objects", 4, || Vec::with_capacity(256));
    let _alone = alone();
    read_during_churn(|progress| progress.with_objects(&POOL), || POOL.stats());
}
