//! What a fork, and a profiler's signal, leave whole.
//!
//! Promised to a child that was forked while other threads used the pool: what the forking thread's
//! part serves, hits and misses alike. Not promised: what takes a lock (a thread's first use,
//! `stats`, `snapshot`), since another thread may have held it.
#![cfg(all(target_os = "linux", not(miri)))]
#![allow(unsafe_code)]

mod armed;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, hint, ptr, thread};

use knhk_pool::{BufferPool, PoolStats, ThreadObjectPool};

static OBJECTS: ThreadObjectPool<Vec<u8>> =
    ThreadObjectPool::new("fork-objects", 2, || Vec::with_capacity(64));

/// A child that does not answer is ended by its alarm.
const CHILD_SECONDS: libc::c_uint = 60;

fn pool(name: &'static str) -> &'static BufferPool {
    let pool = BufferPool::builder(name)
        .pool_size(2)
        .buffer_size(256)
        .build();
    Box::leak(Box::new(pool.expect("in range")))
}

/// An assertion that fails must not leave the load running.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Threads that come, take every path, and go.
fn churn(pool: &'static BufferPool, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let worker = thread::spawn(|| use_all_paths(pool));
        worker.join().expect("it ends well");
    }
}

fn use_all_paths(pool: &BufferPool) {
    let mut held: Vec<_> = (0..4).map(|_| pool.acquire()).collect();
    held[0].resize(1000, 1);
    drop(held.pop().map(knhk_pool::Buffer::into_vec));
    drop(held);
    drop(OBJECTS.get());
    pool.trim_current_thread();
}

fn read(pool: &BufferPool, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let _ = (pool.stats(), knhk_pool::snapshot());
    }
}

/// What a child does: hits, misses, growth and releases of the part that its thread has.
fn serve(pool: &BufferPool) -> bool {
    let mut held: Vec<_> = (0..5).map(|_| pool.acquire()).collect();
    held.iter_mut()
        .for_each(|buffer| buffer.extend_from_slice(b"child"));
    let are_right = held.iter().all(|buffer| &buffer[..] == b"child");
    held[4].resize(1000, 7);
    drop(held);
    are_right && OBJECTS.get().is_ok_and(|object| object.is_empty())
}

/// Forks; the child serves itself and ends with 0.
fn fork_and_wait(pool: &BufferPool) -> libc::c_int {
    // SAFETY: the child calls what is promised to work, and ends without any destructor.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: no handler is set, so its end is the process'.
        unsafe { libc::alarm(CHILD_SECONDS) };
        let is_served = serve(pool);
        // SAFETY: always.
        unsafe { libc::_exit(i32::from(!is_served)) };
    }
    let mut status = 0;
    // SAFETY: a child of this process, and a place for its status.
    while unsafe { libc::waitpid(child, &mut status, 0) } != child {
        let error = std::io::Error::last_os_error();
        assert_eq!(error.kind(), std::io::ErrorKind::Interrupted, "{error}");
    }
    status
}

/// How many forks: all of them in the long run, which sets `KNHK_FORKS`.
fn forks() -> u32 {
    let set = env::var("KNHK_FORKS").ok();
    set.map_or(100, |forks| forks.parse().expect("KNHK_FORKS is a number"))
}

#[test]
fn child_forked_under_load_is_served_by_its_threads_part() {
    let pool = pool("fork");
    assert!(
        serve(pool),
        "this thread's parts are there before the forks"
    );
    let stop = AtomicBool::new(false);
    let mut seed = 0x9e37_79b9_u32;
    thread::scope(|scope| {
        let _stop = StopOnDrop(&stop);
        scope.spawn(|| churn(pool, &stop));
        scope.spawn(|| churn(pool, &stop));
        scope.spawn(|| read(pool, &stop));
        for fork in 0..forks() {
            // At an arbitrary moment of the others' work.
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (0..seed >> 16).for_each(|_| hint::spin_loop());
            let status = fork_and_wait(pool);
            assert_eq!(
                status, 0,
                "fork {fork}: status {status:#x}, 14 is the alarm"
            );
        }
    });
    assert_at_rest(&pool.stats(), 1);
}

fn assert_at_rest(stats: &PoolStats, threads: usize) {
    let gone = stats.released + stats.freed + stats.detached;
    assert_eq!(stats.hits + stats.misses, gone, "{stats:?}");
    assert_eq!((stats.in_use, stats.threads), (0, threads), "{stats:?}");
}

static TICKS: AtomicU64 = AtomicU64::new(0);

extern "C" fn on_profile(_signal: libc::c_int) {
    TICKS.fetch_add(1, Ordering::Relaxed);
}

/// A signal for each thousandth of a second of the process' CPU time, until it is dropped.
struct Profiler;

impl Profiler {
    fn start() -> Self {
        // SAFETY: all zeros is a valid set of flags, mask and handler.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_profile as *const () as libc::sighandler_t;
        // Without SA_RESTART: system calls below the library are interrupted.
        // SAFETY: a handler that only adds to an atomic.
        let set = unsafe { libc::sigaction(libc::SIGPROF, &action, ptr::null_mut()) };
        assert_eq!(set, 0);
        Self::every_microseconds(1000);
        Self
    }

    fn every_microseconds(microseconds: libc::suseconds_t) {
        let every = libc::timeval {
            tv_sec: 0,
            tv_usec: microseconds,
        };
        let timer = libc::itimerval {
            it_interval: every,
            it_value: every,
        };
        // SAFETY: a timer's setting, and no wish for the old one.
        let set = unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, ptr::null_mut()) };
        assert_eq!(set, 0);
    }
}

impl Drop for Profiler {
    fn drop(&mut self) {
        Self::every_microseconds(0);
    }
}

#[test]
fn profilers_signals_stop_nobody_and_lose_no_count() {
    let pool = pool("profiled");
    let (stop, uses) = (AtomicBool::new(false), AtomicU64::new(0));
    let watchdog = Instant::now() + Duration::from_secs(120);
    let profiler = Profiler::start();
    thread::scope(|scope| {
        let _stop = StopOnDrop(&stop);
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    use_all_paths(pool);
                    uses.fetch_add(4, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| read(pool, &stop));
        scope.spawn(|| churn(pool, &stop));
        while TICKS.load(Ordering::Relaxed) < 1000 {
            assert!(Instant::now() < watchdog, "{TICKS:?} ticks in 120 s");
            let worker = thread::spawn(|| use_all_paths(pool));
            worker.join().expect("it ends well");
        }
    });
    drop(profiler);
    let stats = pool.stats();
    assert!(
        stats.acquires() >= uses.load(Ordering::Relaxed),
        "{stats:?}"
    );
    let gone = stats.released + stats.freed + stats.detached;
    assert_eq!(stats.hits + stats.misses, gone, "{stats:?}");
    println!("{TICKS:?} signals, {} acquires", stats.acquires());
}
