//! Threads of one pool of objects that come, end and take over from each other, a reader, and the
//! pool's end, in every order that loom finds; see CONTRIBUTING.md for the command.

use std::sync::Arc;

use loom::cell::Cell;
use loom::thread;

use super::*;
use crate::object_pool::Pooled;
use crate::seats::Shared as _;
use crate::sync::modelled::explore;

/// An object whose every use the model sees.
#[derive(Debug, Default)]
struct Seen(Cell<u32>);

impl Reset for Seen {
    fn reset(&mut self) {
        self.0.set(0);
    }
}

type Pool = Arc<Shared<Seen>>;

/// This thread's core.
struct Seat(NonNull<Core<Seen>>);

// SAFETY: it passes to the thread that goes on as the core's owner.
unsafe impl Send for Seat {}

impl Seat {
    fn open(pool: &Pool) -> Self {
        let seat = Self(pool.open_core().expect("memory"));
        seat.core().fill(&Seen::default);
        seat
    }

    /// For as long as the models' pools live.
    fn core(&self) -> &'static Core<Seen> {
        // SAFETY: invariant 1; the seat's holder is the core's owner.
        unsafe { self.0.as_ref() }
    }

    fn get(&self) -> Pooled<'static, Seen> {
        let object = self.core().objects.lend().expect("the one is idle");
        assert_eq!(object.0.replace(7), 0, "it was reset");
        object
    }

    fn close(&self, pool: &Pool) {
        // SAFETY: the seat's holder has opened the core, and closes it once.
        unsafe { pool.close(self.0.cast()) };
    }
}

fn pool() -> Pool {
    Arc::new(Shared::new("modelled", 1))
}

/// A thread's whole life.
fn visit(pool: &Pool) {
    let seat = Seat::open(pool);
    drop(seat.get());
    seat.close(pool);
}

fn spawn(pool: &Pool, work: impl FnOnce(&Pool) + 'static) -> thread::JoinHandle<()> {
    let pool = Arc::clone(pool);
    thread::spawn(move || work(&pool))
}

/// Ends a pool whose threads have ended.
fn end(pool: &Pool) {
    // SAFETY: no thread is left.
    unsafe { pool.end() };
}

fn assert_at_rest(pool: &Pool, hits: u64) {
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.released, stats.in_use), (hits, hits, 0));
    assert_eq!((stats.threads, stats.capacity, stats.exhausted), (0, 0, 0));
}

#[test]
fn two_threads_that_come_and_go_share_no_object_and_lose_no_count() {
    explore(|| {
        let pool = pool();
        // One waits for the two.
        visit(&pool);
        let other = spawn(&pool, visit);
        visit(&pool);
        other.join().unwrap();
        assert_at_rest(&pool, 3);
        end(&pool);
        assert_at_rest(&pool, 3);
    });
}

#[test]
fn core_with_a_guard_out_is_handed_on_only_after_the_late_drop() {
    explore(|| {
        let pool = pool();
        let seat = Seat::open(&pool);
        let guard = seat.get();
        let next = spawn(&pool, visit);
        seat.close(&pool);
        drop(guard);
        next.join().unwrap();
        assert_at_rest(&pool, 2);
        end(&pool);
    });
}

#[test]
fn reader_sees_no_total_fall_while_a_core_changes_hands() {
    explore(|| {
        let pool = pool();
        let seat = Seat::open(&pool);
        let reader = spawn(&pool, |pool| {
            let (before, now) = (pool.stats(), pool.stats());
            for stats in [before, now] {
                assert!(stats.threads <= 1 && stats.in_use <= 1 && stats.released <= stats.hits);
            }
            assert!(now.hits >= before.hits && now.released >= before.released);
        });
        drop(seat.get());
        seat.close(&pool);
        visit(&pool);
        reader.join().unwrap();
        assert_at_rest(&pool, 2);
        end(&pool);
    });
}

#[test]
fn core_goes_once_when_the_pool_ends_while_its_thread_ends() {
    explore(|| {
        let pool = pool();
        let seat = Seat::open(&pool);
        drop(seat.get());
        let ending = spawn(&pool, move |pool| { seat }.close(pool));
        // SAFETY: the thread only closes its core.
        unsafe { pool.end() };
        ending.join().unwrap();
        assert_at_rest(&pool, 1);
    });
}
