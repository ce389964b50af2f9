//! Where a thread finds its part of each pool, and what happens when the thread ends.
//!
//! Two thread-locals. `CACHE` has no destructor: the hot path reads it, and it is there until the
//! thread's last instant. `SEATS` has one, which closes the thread's lists; only cold paths touch
//! it.
//!
//! # Invariants
//!
//! 1. An entry of `CACHE` whose key is a pool's holds that pool's list of this thread. Keys are never
//!    used twice, so an entry of a pool that is gone matches nothing, and its pointer is not
//!    followed.
//! 2. A list in a seat is open and used by this thread alone. The entry goes before the seat does.

use std::cell::{Cell, RefCell};
use std::ptr::{self, NonNull};

use super::shared::Shared;
use crate::free_list::FreeList;
use crate::register::in_register;
use crate::sync::Arc;

/// Pools that a thread finds without a search: 128 bytes of thread-local storage.
const ENTRIES: usize = 8;

/// The key of no pool: no multiple of an entry's size.
const NO_POOL: Key = usize::MAX;

/// The key of a pool that is not set up, and of one that was made when keys had run out. It stands
/// in no cache.
pub(super) const NOT_CACHED: Key = 0;

/// What the cache knows a pool by: unique, and its remainder by the cache's size is the place of
/// the pool's entry in bytes.
pub(super) type Key = usize;

/// The key of the `nth` pool; neighbours do not collide. `None` when they have run out.
pub(super) fn key(nth: usize) -> Option<Key> {
    let place = nth % ENTRIES * size_of::<Entry>();
    nth.checked_mul(size_of::<[Entry; ENTRIES]>())?
        .checked_add(place)
}

struct Entry {
    key: Cell<Key>,
    list: Cell<NonNull<FreeList>>,
}

impl Entry {
    const fn empty() -> Self {
        Self {
            key: Cell::new(NO_POOL),
            list: Cell::new(NonNull::dangling()),
        }
    }
}

thread_local! {
    static CACHE: [Entry; ENTRIES] = const { [const { Entry::empty() }; ENTRIES] };
    static SEATS: Seats = const { Seats(RefCell::new(Vec::new())) };
}

/// The list that this thread has of the pool with this key, if it stands in the cache.
#[inline(always)]
pub(super) fn find(key: Key) -> Option<NonNull<FreeList>> {
    let entry = entry(key);
    // SAFETY: CACHE has no destructor, so it is there for as long as this thread runs.
    let entry = unsafe { &*entry };
    (entry.key.get() == key).then(|| entry.list.get())
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

/// This thread's list of `pool`, made or adopted if it has none. `None` if the thread is ending.
pub(super) fn take(pool: &Arc<Shared>) -> Option<NonNull<FreeList>> {
    let list = SEATS.try_with(|seats| seats.find_or_add(pool)).ok()?;
    if pool.key == NOT_CACHED {
        return Some(list);
    }
    let entry = entry(pool.key);
    // SAFETY: as in `find`.
    let entry = unsafe { &*entry };
    entry.list.set(list);
    entry.key.set(pool.key);
    Some(list)
}

/// This thread's part of one pool. It holds the pool's shared part, which may outlive the pool: a
/// pool built in a scope can be dropped while a scoped thread's destructors still run.
struct Seat {
    pool: Arc<Shared>,
    list: NonNull<FreeList>,
}

struct Seats(RefCell<Vec<Seat>>);

impl Seats {
    fn find_or_add(&self, pool: &Arc<Shared>) -> NonNull<FreeList> {
        let mut seats = self.0.borrow_mut();
        if let Some(seat) = seats.iter().find(|seat| Arc::ptr_eq(&seat.pool, pool)) {
            return seat.list;
        }
        seats.retain(|seat| !seat.pool.has_ended());
        seats.reserve(1);
        let list = pool.open_list();
        seats.push(Seat {
            pool: Arc::clone(pool),
            list,
        });
        list
    }
}

/// The thread ends.
impl Drop for Seats {
    fn drop(&mut self) {
        CACHE.with(|cache| cache.iter().for_each(|entry| entry.key.set(NO_POOL)));
        for seat in self.0.take() {
            // SAFETY: the list was opened for this thread, which has no way to it any more but
            // through the buffers and handles that are out.
            unsafe { seat.pool.close_list(seat.list) };
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
    }
}
