//! Threads of one pool that come, end and take over from each other, a reader, and the pool's end,
//! in every order that loom finds; see CONTRIBUTING.md for the command.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;

use super::*;
use crate::registry;
use crate::sync::modelled::explore;
use crate::workload::Workload;

const BUFFER_SIZE: usize = 64;

/// A pool of one buffer a thread, and the memory of its slabs as the model sees it.
struct Modelled {
    shared: Arc<Shared>,
    /// By address; a model's threads are one thread of the system, which never waits here.
    memory: std::sync::Mutex<Vec<(usize, Arc<UnsafeCell<()>>)>>,
}

/// This thread's list.
struct Seat(NonNull<FreeList>);

// SAFETY: it passes to the thread that goes on as the list's owner.
unsafe impl Send for Seat {}

impl Modelled {
    fn new() -> Arc<Self> {
        let config = PoolConfig::from(Workload::Low)
            .with_pool_size(1)
            .with_buffer_size(BUFFER_SIZE);
        Arc::new(Self {
            shared: Arc::new(Shared::new("modelled", config, None)),
            memory: std::sync::Mutex::default(),
        })
    }

    fn open(&self) -> Seat {
        Seat(self.shared.open_list().expect("memory"))
    }

    fn acquire(&self, seat: &Seat) -> NonNull<u8> {
        // SAFETY: the list lives as long as the pool, and the seat's holder is its owner.
        let list = unsafe { seat.0.as_ref() };
        let buffer = list.pop().unwrap_or_else(|| list.acquire_cold());
        self.write(buffer);
        buffer
    }

    /// Tells the model that the buffer's memory is written.
    fn write(&self, buffer: NonNull<u8>) {
        let mut memory = self
            .memory
            .lock()
            .expect("no test panics while it holds this");
        let address = buffer.addr().get();
        let known = memory.iter().find(|(start, _)| *start == address);
        let cell = known.map(|(_, cell)| Arc::clone(cell)).unwrap_or_else(|| {
            let cell = Arc::new(UnsafeCell::new(()));
            memory.push((address, Arc::clone(&cell)));
            cell
        });
        drop(memory);
        cell.with_mut(|_| ());
    }

    fn release(&self, seat: &Seat, buffer: NonNull<u8>) {
        self.write(buffer);
        // SAFETY: as in `acquire`, which gave the buffer; each model gives it back once.
        unsafe { seat.0.as_ref().release(buffer, BUFFER_SIZE) };
    }

    fn close(&self, seat: &Seat) {
        // SAFETY: the seat's holder has opened the list, and closes it once.
        unsafe { self.shared.close_list(seat.0) };
    }

    /// A thread's whole life.
    fn visit(&self) {
        let seat = self.open();
        let buffer = self.acquire(&seat);
        self.release(&seat, buffer);
        self.close(&seat);
    }

    fn assert_at_rest(&self, hits: u64, slabs_max: usize) {
        let stats = self.shared.stats();
        assert_eq!((stats.hits, stats.misses), (hits, 0));
        assert_eq!((stats.released, stats.freed, stats.in_use), (hits, 0, 0));
        assert_eq!((stats.threads, stats.capacity, stats.idle), (0, 0, 0));
        let all = all_from(lock(&self.shared.lists).all);
        let slabs = all.filter(|list| list.get().has_slab()).count();
        assert!(slabs <= slabs_max, "{slabs} slabs wait");
    }
}

fn spawn<T: 'static>(
    pool: &Arc<Modelled>,
    work: impl FnOnce(&Modelled) -> T + 'static,
) -> thread::JoinHandle<T> {
    let pool = Arc::clone(pool);
    thread::spawn(move || work(&pool))
}

#[test]
fn two_threads_that_come_and_go_share_no_memory_and_lose_no_count() {
    explore(|| {
        let pool = Modelled::new();
        // One waits for the two.
        pool.visit();
        let other = spawn(&pool, Modelled::visit);
        pool.visit();
        other.join().unwrap();
        pool.assert_at_rest(3, 2);
    });
}

#[test]
fn list_with_something_out_is_handed_on_only_after_the_late_release() {
    explore(|| {
        let pool = Modelled::new();
        let seat = pool.open();
        let buffer = pool.acquire(&seat);
        let next = spawn(&pool, Modelled::visit);
        pool.close(&seat);
        pool.release(&seat, buffer);
        next.join().unwrap();
        let stats = pool.shared.stats();
        assert_eq!((stats.hits, stats.in_use, stats.threads), (2, 0, 0));
        assert_eq!((stats.released, stats.freed), (1, 1));
        let waiting = lock(&pool.shared.lists).draining.len;
        assert_eq!(waiting, 0, "it waits for the next thread");
    });
}

/// Reads on another thread while this one does `own`; `check` sees the reading, which is not ahead of
/// a later one.
fn read_while(
    pool: &Arc<Modelled>,
    check: impl Fn(&PoolStats) + 'static,
    own: impl FnOnce(&Modelled),
) {
    let reader = spawn(pool, move |pool| {
        let stats = pool.shared.stats();
        check(&stats);
        stats
    });
    own(pool);
    let (before, now) = (reader.join().unwrap(), pool.shared.stats());
    assert!(now.hits >= before.hits && now.released >= before.released);
}

#[test]
fn reader_sees_no_total_fall_while_a_thread_ends() {
    explore(|| {
        let pool = Modelled::new();
        let seat = pool.open();
        let buffer = pool.acquire(&seat);
        pool.release(&seat, buffer);
        let check = |stats: &PoolStats| {
            assert_eq!((stats.hits, stats.released), (1, 1));
            assert_eq!((stats.misses, stats.freed, stats.in_use), (0, 0, 0));
            assert!(stats.threads <= 1);
        };
        read_while(&pool, check, |pool| pool.close(&seat));
        pool.assert_at_rest(1, 1);
    });
}

#[test]
fn reader_sees_no_total_fall_while_the_next_thread_takes_over() {
    explore(|| {
        let pool = Modelled::new();
        pool.visit();
        let check = |stats: &PoolStats| {
            assert_eq!((stats.hits, stats.released), (1, 1));
            assert_eq!((stats.misses, stats.freed, stats.in_use), (0, 0, 0));
            assert!(stats.threads <= 1);
        };
        read_while(&pool, check, |pool| {
            pool.open();
        });
        assert_eq!(pool.shared.stats().threads, 1);
    });
}

#[test]
fn slab_goes_once_when_the_pool_ends_while_its_thread_ends() {
    explore(|| {
        let pool = Modelled::new();
        let seat = pool.open();
        let buffer = pool.acquire(&seat);
        pool.release(&seat, buffer);
        let ending = spawn(&pool, move |pool| pool.close(&{ seat }));
        // SAFETY: the thread only closes its list.
        unsafe { pool.shared.end() };
        ending.join().unwrap();
        pool.assert_at_rest(1, 0);
        assert_eq!(pool.shared.stats().bytes, 0);
    });
}

#[test]
fn snapshot_sees_a_pools_totals_once_while_the_pool_is_made_and_dropped() {
    explore(|| {
        let pool = Modelled::new();
        pool.visit();
        let source = Arc::clone(&pool.shared) as Arc<dyn Source>;
        let hits = || {
            let pools = registry::snapshot().pools;
            assert!(pools.len() <= 1, "one name, one entry");
            pools.first().map_or(0, |pool| pool.stats.hits)
        };
        let reader = thread::spawn(move || {
            let (before, now) = (hits(), hits());
            assert!(before <= now && now <= 1, "{before}, then {now}");
        });
        registry::register(Arc::clone(&source));
        registry::unregister(&source);
        // SAFETY: no thread uses it.
        unsafe { pool.shared.end() };
        reader.join().unwrap();
        assert_eq!(hits(), 1, "totals outlive the pool");
    });
}
