//! Where a thread finds its part of each pool, and what happens when the thread ends.
//!
//! Two thread-locals. `CACHE` has no destructor: the hot path reads it, and it is there until the
//! thread's last instant. `SEATS` has one, which closes the thread's parts; only cold paths touch
//! it.
//!
//! What a part is, its pool knows: a free list, or a pool of objects. Here it is an address.
//!
//! # Invariants
//!
//! 1. An entry of `CACHE` whose key is a pool's holds that pool's part of this thread. Keys are never
//!    used twice, so an entry of a pool that is gone matches nothing, and its pointer is not
//!    followed.
//! 2. A part in a seat is open and used by this thread alone. The entry goes before the seat does.

use std::cell::{Cell, RefCell};
use std::ptr::{self, NonNull};

use crate::late_end::LateEnd;
use crate::register::in_register;
use crate::sync::{Arc, AtomicUsize, Ordering};

/// One thread's part of one pool, whatever its type.
pub(crate) type Part = NonNull<()>;

/// What the threads of one pool share: it opens a part for each, and closes it when the thread ends.
pub(crate) trait Shared: Send + Sync {
    /// Never used twice, but for `NOT_CACHED`.
    fn key(&self) -> Key;

    /// A part for the calling thread; `None` if the allocator refuses. Runs no foreign code but the
    /// allocator.
    fn open(&self) -> Option<Part>;

    /// Ends the calling thread's use of `part`.
    ///
    /// # Safety
    ///
    /// * `part` came from [`open`](Self::open) on this thread, and was not closed since.
    /// * From now on this thread uses it only to give back what is out.
    unsafe fn close(&self, part: Part);

    /// Whether the pool was dropped, which is later than its last use.
    fn has_ended(&self) -> bool;
}

/// Pools that a thread finds without a search: 128 bytes of thread-local storage.
const ENTRIES: usize = 8;

/// The key of no pool: no multiple of an entry's size.
const NO_POOL: Key = usize::MAX;

/// The key of a pool that is not set up, and of one that was made when keys had run out. It stands
/// in no cache.
pub(crate) const NOT_CACHED: Key = 0;

/// What the cache knows a pool by: unique, and its remainder by the cache's size is the place of
/// the pool's entry in bytes.
pub(crate) type Key = usize;

/// The key of a new pool.
pub(crate) fn next_key() -> Key {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let more = |nth: usize| nth.checked_add(1);
    let nth = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    // Once they have run out, a key that works without the cache.
    nth.ok().and_then(key).unwrap_or(NOT_CACHED)
}

/// The key of the `nth` pool; neighbours do not collide. `None` when they have run out.
fn key(nth: usize) -> Option<Key> {
    let place = nth % ENTRIES * size_of::<Entry>();
    nth.checked_mul(size_of::<[Entry; ENTRIES]>())?
        .checked_add(place)
}

struct Entry {
    key: Cell<Key>,
    part: Cell<Part>,
}

impl Entry {
    const fn empty() -> Self {
        Self {
            key: Cell::new(NO_POOL),
            part: Cell::new(NonNull::dangling()),
        }
    }
}

thread_local! {
    static CACHE: [Entry; ENTRIES] = const { [const { Entry::empty() }; ENTRIES] };
    static SEATS: Seats = const { Seats(RefCell::new(Vec::new())) };
}

/// The part that this thread has of the pool with this key, if it stands in the cache.
#[inline(always)]
pub(crate) fn find(key: Key) -> Option<Part> {
    let entry = entry(key);
    // SAFETY: CACHE has no destructor, so it is there for as long as this thread runs.
    let entry = unsafe { &*entry };
    (entry.key.get() == key).then(|| entry.part.get())
}

/// Where the pool with this key has its place in the cache.
#[inline(always)]
fn entry(key: Key) -> *const Entry {
    let cache = in_register(CACHE.with(ptr::from_ref));
    let place = key % size_of::<[Entry; ENTRIES]>();
    // SAFETY: below the cache's size, and a multiple of an entry's: `key` made it so, and the
    // initial key of a pool, 0, is such a one too.
    unsafe { cache.cast::<Entry>().byte_add(place) }
}

/// This thread's part of `pool`, opened if it has none. `None` if the thread is ending, or there is no
/// memory for one now.
pub(crate) fn take<S: Shared + 'static>(pool: &Arc<S>) -> Option<Part> {
    let part = SEATS.try_with(|seats| seats.find_or_add(pool)).ok()??;
    cache(pool.key(), part);
    Some(part)
}

/// This thread's part of `pool`, if it has one and is not ending.
pub(crate) fn existing<S: Shared + 'static>(pool: &Arc<S>) -> Option<Part> {
    let part = SEATS.try_with(|seats| seats.find(pool)).ok()??;
    cache(pool.key(), part);
    Some(part)
}

fn cache(key: Key, part: Part) {
    if key == NOT_CACHED {
        return;
    }
    let entry = entry(key);
    // SAFETY: as in `find`.
    let entry = unsafe { &*entry };
    entry.part.set(part);
    entry.key.set(key);
}

/// This thread's part of one pool. It holds the pool's shared part, which may outlive the pool: a
/// pool built in a scope can be dropped while a scoped thread's destructors still run.
struct Seat {
    pool: Arc<dyn Shared>,
    part: Part,
}

struct Seats(RefCell<Vec<Seat>>);

impl Seats {
    fn find<S: Shared + 'static>(&self, pool: &Arc<S>) -> Option<Part> {
        let seats = self.0.borrow();
        let is_pools = |seat: &&Seat| ptr::addr_eq(Arc::as_ptr(&seat.pool), Arc::as_ptr(pool));
        Some(seats.iter().find(is_pools)?.part)
    }

    fn find_or_add<S: Shared + 'static>(&self, pool: &Arc<S>) -> Option<Part> {
        if let Some(part) = self.find(pool) {
            return Some(part);
        }
        LATE_END.expect();
        let mut seats = self.0.borrow_mut();
        seats.retain(|seat| !seat.pool.has_ended());
        seats.try_reserve(1).ok()?;
        let part = pool.open()?;
        seats.push(Seat {
            pool: Arc::clone(pool) as Arc<dyn Shared>,
            part,
        });
        Some(part)
    }
}

/// What `SEATS`' destructor does, where it is not called.
static LATE_END: LateEnd = LateEnd::new(|| {
    // No error: it is not called.
    let _ = SEATS.try_with(Seats::end);
});

impl Drop for Seats {
    fn drop(&mut self) {
        LATE_END.unneeded();
        self.end();
    }
}

impl Seats {
    /// The thread ends.
    fn end(&self) {
        CACHE.with(|cache| cache.iter().for_each(|entry| entry.key.set(NO_POOL)));
        for seat in self.0.take() {
            // SAFETY: the part was opened for this thread, which has no way to it any more but
            // through the buffers, objects and handles that are out.
            unsafe { seat.pool.close(seat.part) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_have_places_of_their_own() {
        let places: std::collections::BTreeSet<_> = (1..=ENTRIES)
            .map(|nth| key(nth).expect("small") % size_of::<[Entry; ENTRIES]>())
            .collect();
        assert_eq!(places.len(), ENTRIES);
        assert!(places.iter().all(|place| place % size_of::<Entry>() == 0));
    }

    #[test]
    fn keys_run_out_instead_of_coming_again() {
        assert_eq!(key(usize::MAX), None);
        assert_eq!(key(usize::MAX / size_of::<[Entry; ENTRIES]>() + 1), None);
        assert!((1..1000).all(|nth| ![None, Some(NOT_CACHED), Some(NO_POOL)].contains(&key(nth))));
    }

    #[test]
    fn pool_whose_key_has_run_out_is_not_cached() {
        assert_eq!(find(NOT_CACHED), None);
        let pool = crate::BufferPool::builder("not-cached")
            .build()
            .expect("in range");
        drop(pool.acquire());
        assert_eq!(find(NOT_CACHED), None);
        cache(NOT_CACHED, NonNull::dangling());
        assert_eq!(find(NOT_CACHED), None);
    }
}
