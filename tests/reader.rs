//! What a reader sees of a pool at work lies between what is done and what has begun.

mod armed;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use knhk_pool::{Buffer, BufferPool, PoolStats, ThreadObjectPool, Workload};

/// What the worker has finished acquiring, and what it has begun to give back.
#[derive(Default)]
struct Progress {
    acquired: AtomicU64,
    giving_back: AtomicU64,
    stop: AtomicBool,
}

/// An assertion that fails must not leave the worker running.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Progress {
    fn acquire<'pool>(&self, pool: &'pool BufferPool) -> Buffer<'pool> {
        let buffer = pool.acquire();
        self.acquired.fetch_add(1, Ordering::Release);
        buffer
    }

    fn give_back(&self, buffer: Buffer<'_>) {
        self.giving_back.fetch_add(1, Ordering::Release);
        drop(buffer);
    }

    fn work(&self, pool: &BufferPool, most: usize) {
        while !self.stop.load(Ordering::Relaxed) {
            let mut held: Vec<_> = (0..most).map(|_| self.acquire(pool)).collect();
            // One in the hot slot while the next grows.
            held.pop().into_iter().for_each(|one| self.give_back(one));
            if most > 2 {
                held[0].resize(300, 1);
            }
            if let Some(one) = held.pop() {
                self.giving_back.fetch_add(1, Ordering::Release);
                drop(one.into_vec());
            }
            held.into_iter().for_each(|one| self.give_back(one));
            (0..5).for_each(|_| self.give_back(self.acquire(pool)));
            pool.trim_current_thread();
        }
    }
}

/// Reads again and again beside `work`; `check` gets what was acquired before a reading, the reading, what had
/// begun to be given back after it, and the reading before it.
fn read_beside(
    progress: &Progress,
    work: impl FnOnce() + Send,
    stats: impl Fn() -> PoolStats,
    check: impl Fn(u64, PoolStats, u64, PoolStats),
) {
    thread::scope(|scope| {
        scope.spawn(work);
        let _stop = StopOnDrop(&progress.stop);
        let mut last = PoolStats::default();
        for _ in 0..300_000 {
            let at_least = progress.acquired.load(Ordering::Acquire);
            let now = stats();
            let at_most = progress.giving_back.load(Ordering::Acquire);
            check(at_least, now, at_most, last);
            last = now;
        }
    });
}

fn assert_within_bounds(name: &'static str, buffers: usize, most: usize) {
    let pool = BufferPool::builder(name)
        .workload(Workload::Low)
        .pool_size(buffers);
    let pool = pool.buffer_size(256).build().expect("sizes are in range");
    let progress = Progress::default();
    let work = || progress.work(&pool, most);
    read_beside(
        &progress,
        work,
        || pool.stats(),
        |at_least, now, at_most, last| {
            let gone = now.released + now.freed + now.detached;
            assert!(
                now.hits + now.misses >= at_least,
                "{at_least} done: {now:?}"
            );
            assert!(gone <= at_most, "{at_most} given back: {now:?}");
            assert!(now.high_water <= most && now.idle <= buffers, "{now:?}");
            assert!(now.released >= last.released, "{now:?} after {last:?}");
        },
    );
}

#[test]
fn reader_sees_what_is_between_done_and_begun_without_misses() {
    assert_within_bounds("bounds-hits", 8, 2);
}

#[test]
fn reader_sees_what_is_between_done_and_begun_with_misses() {
    assert_within_bounds("bounds-misses", 2, 5);
}

/// Takes by guard and by value; what is released beyond what was taken is refused.
fn work_with_objects(pool: &ThreadObjectPool<String>, progress: &Progress) {
    let give_back = |work: &mut dyn FnMut()| {
        progress.giving_back.fetch_add(1, Ordering::Release);
        work();
    };
    while !progress.stop.load(Ordering::Relaxed) {
        let held = [(); 3].map(|()| Some(pool.get().expect("idle")));
        let value = pool.acquire().expect("idle");
        progress.acquired.fetch_add(4, Ordering::Release);
        let mut value = Some(value);
        give_back(&mut || assert_eq!(pool.release(value.take().expect("one")), Ok(())));
        for mut one in held {
            give_back(&mut || drop(one.take()));
        }
        assert!(pool.release(String::new()).is_err(), "no place wants one");
    }
}

#[test]
fn reader_of_objects_sees_what_is_between_done_and_begun() {
    let pool: ThreadObjectPool<String> = ThreadObjectPool::new("bounds-objects", 4, String::new);
    let progress = Progress::default();
    let work = || work_with_objects(&pool, &progress);
    read_beside(
        &progress,
        work,
        || pool.stats(),
        |at_least, now, at_most, last| {
            assert!(now.hits >= at_least, "{at_least} done: {now:?}");
            assert!(now.released <= at_most, "{at_most} given back: {now:?}");
            assert!(now.hits - now.released <= 4, "{now:?}");
            let never_falls = now.hits >= last.hits && now.released >= last.released;
            assert!(never_falls, "{now:?} after {last:?}");
        },
    );
}
