//! What a thread still holds when its part of the pool is closed: buffers, handles, and acquires
//! from destructors of thread-locals.

mod armed;

use std::cell::RefCell;
use std::sync::{Arc, Barrier};
use std::thread;

use knhk_pool::{Buffer, BufferPool, PoolHandle};

/// Held by a thread-local, whose destructor does `end` with it.
struct Late {
    held: Vec<Buffer<'static>>,
    handle: Option<PoolHandle<'static>>,
    end: fn(&mut Late),
}

impl Drop for Late {
    fn drop(&mut self) {
        (self.end)(self);
    }
}

impl Late {
    fn holding(held: Vec<Buffer<'static>>, end: fn(&mut Late)) -> Self {
        Self {
            held,
            handle: None,
            end,
        }
    }

    fn handle(handle: PoolHandle<'static>, end: fn(&mut Late)) -> Self {
        Self {
            held: Vec::new(),
            handle: Some(handle),
            end,
        }
    }
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
}

/// A thread that ends with what `make` gives. `LATE` is registered before the pool's part is, so
/// that on Linux, where the last registered is the first to go, it goes after it.
fn thread_that_ends_with(make: impl FnOnce() -> Late + Send + 'static) {
    let worker = thread::spawn(|| {
        LATE.with_borrow(Option::is_some);
        LATE.set(Some(make()));
    });
    worker.join().expect("no destructor panics");
}

/// Twenty threads in turn need one slab, or two, if each gives its list back when the last of what
/// it held is gone.
fn assert_handed_on(pool: &BufferPool) {
    let one = pool.config().pool_size() * pool.config().buffer_size();
    let stats = pool.stats();
    assert!(stats.bytes < 3 * one, "{stats:?}");
    assert_eq!(
        (stats.in_use, stats.idle, stats.threads),
        (0, 0, 0),
        "{stats:?}"
    );
}

#[test]
fn list_is_handed_on_after_a_late_release() {
    static POOL: BufferPool = BufferPool::new("late-release");
    for _ in 0..20 {
        thread_that_ends_with(|| Late::holding(vec![POOL.acquire()], |late| late.held.clear()));
    }
    assert_handed_on(&POOL);
    assert_eq!(POOL.stats().freed, 20);
}

#[test]
fn list_is_handed_on_after_a_late_into_vec() {
    static POOL: BufferPool = BufferPool::new("late-into-vec");
    for _ in 0..20 {
        thread_that_ends_with(|| {
            Late::holding(vec![POOL.acquire()], |late| {
                late.held.drain(..).for_each(|one| drop(one.into_vec()));
            })
        });
    }
    assert_handed_on(&POOL);
    assert_eq!(POOL.stats().detached, 20);
}

#[test]
fn list_is_handed_on_after_a_late_growth() {
    static POOL: BufferPool = BufferPool::new("late-growth");
    for _ in 0..20 {
        thread_that_ends_with(|| {
            Late::holding(vec![POOL.acquire(), POOL.acquire()], |late| {
                late.held[0].resize(100_000, 1);
                drop(late.held.pop());
            })
        });
    }
    assert_handed_on(&POOL);
    assert_eq!(POOL.stats().grown, 20);
}

#[test]
fn list_is_handed_on_after_a_late_handle() {
    static POOL: BufferPool = BufferPool::new("late-handle");
    for _ in 0..20 {
        thread_that_ends_with(|| Late::handle(POOL.handle(), |late| drop(late.handle.take())));
    }
    assert_handed_on(&POOL);
}

#[test]
fn at_most_four_slabs_wait_after_late_releases_too() {
    static POOL: BufferPool = BufferPool::new("late-burst");
    let all_here = Arc::new(Barrier::new(12));
    let burst = (0..12).map(|_| {
        let all_here = Arc::clone(&all_here);
        thread::spawn(move || {
            LATE.with_borrow(Option::is_some);
            LATE.set(Some(Late::holding(vec![POOL.acquire()], |_| {})));
            all_here.wait();
        })
    });
    burst
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|one| one.join().expect("it ends well"));
    let one = BufferPool::builder("late-burst-one")
        .build()
        .expect("the default is in range");
    one.warm_up();
    let stats = POOL.stats();
    assert!(stats.bytes <= 4 * one.stats().bytes, "{stats:?}");
}

#[test]
fn high_water_of_ending_threads_is_the_most_that_was_out() {
    static POOL: BufferPool = BufferPool::new("late-high-water");
    for _ in 0..3 {
        thread_that_ends_with(|| {
            drop(POOL.acquire());
            Late::holding(Vec::new(), |_| {
                drop([POOL.acquire(), POOL.acquire(), POOL.acquire()])
            })
        });
    }
    let stats = POOL.stats();
    assert_eq!(
        (stats.hits + stats.misses, stats.high_water),
        (12, 3),
        "{stats:?}"
    );
}

/// Lets a thread that is ending and the next one, which gets its list if it may, go in step.
struct Steps {
    closed: Barrier,
    adopted: Barrier,
    done: Barrier,
}

impl Steps {
    const fn new() -> Self {
        Self {
            closed: Barrier::new(2),
            adopted: Barrier::new(2),
            done: Barrier::new(2),
        }
    }

    /// The next thread: acquires once the first one's part is closed, and stays.
    fn next_thread(&'static self, pool: &'static BufferPool) -> thread::JoinHandle<()> {
        thread::spawn(|| {
            self.closed.wait();
            drop(pool.acquire());
            self.adopted.wait();
            self.done.wait();
        })
    }

    /// The ending thread: acquires while the next one lives, and must be served by the heap.
    fn assert_misses(&self, pool: &BufferPool, acquire: impl FnOnce()) {
        self.closed.wait();
        self.adopted.wait();
        let before = pool.stats().misses;
        acquire();
        let misses = pool.stats().misses - before;
        self.done.wait();
        if misses != 1 {
            eprintln!("an ending thread reached into a living thread's list");
            std::process::abort();
        }
    }
}

#[test]
fn late_handle_does_not_reach_into_the_next_owners_list() {
    static POOL: BufferPool = BufferPool::new("late-handle-next");
    static STEPS: Steps = Steps::new();
    let next = STEPS.next_thread(&POOL);
    thread_that_ends_with(|| {
        Late::handle(POOL.handle(), |late| {
            let handle = late.handle.as_ref().expect("it was given one");
            STEPS.assert_misses(&POOL, || drop(handle.acquire()));
        })
    });
    next.join().expect("the next thread ends well");
}

#[test]
fn late_acquire_does_not_reach_into_the_next_owners_list() {
    static POOL: BufferPool = BufferPool::new("late-acquire-next");
    static STEPS: Steps = Steps::new();
    let next = STEPS.next_thread(&POOL);
    thread_that_ends_with(|| {
        drop(POOL.acquire());
        Late::holding(Vec::new(), |_| {
            STEPS.assert_misses(&POOL, || drop(POOL.acquire()))
        })
    });
    next.join().expect("the next thread ends well");
}

/// Uses what is the thread's own for the first time, as a C library's destructor of a POSIX key may: the
/// thread's thread-locals have ended by then.
#[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
#[allow(unsafe_code)]
mod keys {
    use std::ffi::c_void;
    use std::sync::OnceLock;
    use std::thread;

    use knhk_pool::{Arena, BufferPool, scratch, snapshot};

    use super::assert_handed_on;

    static POOL: BufferPool = BufferPool::new("first-used-late");

    extern "C" fn first_use(round: *mut c_void) {
        drop([POOL.acquire(), POOL.acquire()]);
        assert_eq!(Arena::with_thread(|arena| *arena.alloc(7_u8)), 7);
        assert_eq!(scratch::with(|arena| *arena.alloc(7_u8)), 7);
        // Once more, in the next round.
        if round.addr() == 1 {
            set(2);
        }
    }

    fn set(round: usize) {
        static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();
        let key = *KEY.get_or_init(|| {
            let mut key = 0;
            // SAFETY: a place for a key, and a function that takes any pointer.
            let made = unsafe { libc::pthread_key_create(&mut key, Some(first_use)) };
            assert_eq!(made, 0);
            key
        });
        let round: *const c_void = std::ptr::without_provenance(round);
        // SAFETY: a key that was made.
        assert_eq!(unsafe { libc::pthread_setspecific(key, round) }, 0);
    }

    #[test]
    fn thread_whose_first_use_is_in_a_keys_destructor_leaves_nothing() {
        let threads = 50;
        for _ in 0..threads {
            thread::spawn(|| set(1)).join().expect("it ends well");
        }
        assert_handed_on(&POOL);
        assert_eq!(POOL.stats().acquires(), 4 * threads);
        for name in ["thread", "scratch"] {
            let arenas = snapshot().arenas;
            let of = arenas
                .iter()
                .find(|arena| arena.name == name)
                .expect("it was used");
            assert_eq!(
                (of.stats.arenas, of.stats.allocations),
                (0, 2 * threads),
                "{of:?}"
            );
        }
    }
}
