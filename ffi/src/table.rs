//! A table of what handles name: fixed, static, each entry with a serial number and an owner.
//!
//! ```text
//!  handle   63 ─── serial ─── 16 │ 15 kind 12 │ 11 index 0
//!  entry    handle │ owner │ value          found: handle is the entry's, owner is this thread
//! ```
//!
//! # Invariants
//!
//! 1. A serial number is given once, so an entry holds a handle's own value or does not match it.
//! 2. `value` is initialised while `handle` is not 0.
//! 3. While `owner` is a thread's number, that thread alone uses `value` or changes the entry. It
//!    stops being that before the thread ends (`thread`'s invariant 1).
//! 4. While `owner` is 0, whoever holds the lock may change the entry, and nobody uses `value`.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::status::Status;
use crate::thread;

/// Entries of a table.
pub(crate) const ENTRIES: usize = 1 << KIND_SHIFT;
pub(crate) const KIND_SHIFT: u32 = 12;
const SERIAL_SHIFT: u32 = 16;
const SERIAL_MAX: u64 = u64::MAX >> SERIAL_SHIFT;

const NOBODY: usize = 0;

/// What a handle is a handle of, so that none passes for another kind's.
pub(crate) mod kind {
    pub(crate) const POOL: u64 = 1;
    pub(crate) const DESK: u64 = 2;
    pub(crate) const ARENA: u64 = 3;
    pub(crate) const PRODUCER: u64 = 4;
    pub(crate) const CONSUMER: u64 = 5;
}

/// Entries of one kind. All zero at first, so that it stands in `.bss`.
pub(crate) struct Table<T, const KIND: u64> {
    entries: [Entry<T>; ENTRIES],
    vacant: Mutex<Vacant>,
}

// A line of its own: two threads' entries do not share one.
#[repr(align(128))]
struct Entry<T> {
    /// 0 while vacant.
    handle: AtomicU64,
    owner: AtomicUsize,
    /// While vacant: the next vacant entry, plus 1.
    next: AtomicU32,
    value: UnsafeCell<MaybeUninit<T>>,
}

struct Vacant {
    /// Entries that were ever used.
    used: u32,
    /// The first vacant one among them, plus 1; 0 for none.
    first: u32,
    /// The last serial number given.
    serial: u64,
}

// SAFETY: a value is used by one thread alone (invariants 3 and 4); one that changes threads is `Send`
// (`insert_unowned`). The rest is atomics and a lock.
unsafe impl<T, const KIND: u64> Sync for Table<T, KIND> {}

impl<T, const KIND: u64> Table<T, KIND> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: [const { Entry::new() }; ENTRIES],
            vacant: Mutex::new(Vacant {
                used: 0,
                first: 0,
                serial: 0,
            }),
        }
    }

    /// The value that `handle` names, if it is this thread's. It stays until [`remove`](Self::remove).
    // Relaxed: an owner's number and the handle beside it were put there by this thread, or, by
    // `claim`, under the lock; another thread's entry can show this thread's number only after that.
    #[inline(always)]
    pub(crate) fn get(&self, handle: u64) -> Option<&T> {
        let entry = self.entry(handle);
        let is_mine = entry.handle.load(Ordering::Relaxed) == handle
            && entry.owner.load(Ordering::Relaxed) == thread::current();
        // SAFETY: this thread's (invariant 3), hence not vacant, and initialised (2). Shared: the owner
        // has no `&mut` to it; `remove` takes it by value, after which no reference is used.
        is_mine.then(|| unsafe { &*entry.value() })
    }

    /// Why [`get`](Self::get) found nothing.
    #[cold]
    #[inline(never)]
    pub(crate) fn refusal(&self, handle: u64) -> Status {
        if handle != 0 && self.entry(handle).handle.load(Ordering::Relaxed) == handle {
            Status::WrongThread
        } else {
            Status::Stale
        }
    }

    /// Enters what `make` makes of its handle, as this thread's; `close` is called when the thread ends.
    pub(crate) fn insert(&self, value: T, close: fn(u64)) -> Result<u64, Status> {
        let handle = self.enter(value, thread::current())?;
        thread::own(close, handle).inspect_err(|_| drop(self.take(handle)))?;
        Ok(handle)
    }

    /// Enters a value that will be the first thread's to [`claim`](Self::claim) it.
    pub(crate) fn insert_unowned(&self, value: T) -> Result<u64, Status>
    where
        T: Send,
    {
        self.enter(value, NOBODY)
    }

    /// Makes a value that is nobody's this thread's.
    #[cold]
    #[inline(never)]
    pub(crate) fn claim(&self, handle: u64, close: fn(u64)) -> Result<&T, Status> {
        // Before the lock: the allocator may come back here.
        thread::own(close, handle)?;
        let is_new = self.make_mine(handle);
        if is_new != Ok(true) {
            // Refused, or the allocator has claimed it meanwhile: it stands in the list already.
            thread::disown(handle);
        }
        is_new?;
        self.get(handle).ok_or(Status::Stale)
    }

    /// Whether it was nobody's; false if it is this thread's already.
    fn make_mine(&self, handle: u64) -> Result<bool, Status> {
        // The lock (invariant 4) brings along what the value's maker wrote.
        let _vacant = self.lock();
        let entry = self.entry(handle);
        if handle == 0 || entry.handle.load(Ordering::Relaxed) != handle {
            return Err(Status::Stale);
        }
        let owner = entry.owner.load(Ordering::Relaxed);
        if owner == NOBODY {
            entry.owner.store(thread::current(), Ordering::Relaxed);
            return Ok(true);
        }
        if owner == thread::current() {
            Ok(false)
        } else {
            Err(Status::WrongThread)
        }
    }

    /// Takes the value out, if it is this thread's.
    pub(crate) fn remove(&self, handle: u64) -> Result<T, Status> {
        if self.get(handle).is_none() {
            return Err(self.refusal(handle));
        }
        thread::disown(handle);
        Ok(self.take(handle))
    }

    /// Takes out a value that is nobody's yet. One that has been claimed stays: it is its thread's.
    pub(crate) fn remove_unowned(&self, handle: u64) -> Option<T> {
        let mut vacant = self.lock();
        let entry = self.entry(handle);
        let is_nobodys = handle != 0
            && entry.handle.load(Ordering::Relaxed) == handle
            && entry.owner.load(Ordering::Relaxed) == NOBODY;
        // SAFETY: just asked, under the lock (invariant 4).
        is_nobodys.then(|| unsafe { self.vacate(handle, &mut vacant) })
    }

    /// The handle is this thread's.
    fn take(&self, handle: u64) -> T {
        // SAFETY: this thread's (invariant 3).
        unsafe { self.vacate(handle, &mut self.lock()) }
    }

    /// # Safety
    ///
    /// * The handle is an entry's, and its value this thread's, or nobody's.
    unsafe fn vacate(&self, handle: u64, vacant: &mut Vacant) -> T {
        let entry = self.entry(handle);
        // SAFETY: initialised (invariant 2), and used by nobody else (the caller's bullet); below it
        // becomes vacant.
        let value = unsafe { entry.value().read() };
        entry.handle.store(0, Ordering::Relaxed);
        entry.owner.store(NOBODY, Ordering::Relaxed);
        entry.next.store(vacant.first, Ordering::Relaxed);
        vacant.first = index(handle) as u32 + 1;
        value
    }

    fn enter(&self, value: T, owner: usize) -> Result<u64, Status> {
        let mut vacant = self.lock();
        let place = self.vacant_place(&mut vacant)?;
        let entry = &self.entries[place];
        // SAFETY: vacant, under the lock (invariant 4).
        unsafe { entry.value().write(value) };
        let handle = vacant.serial << SERIAL_SHIFT | KIND << KIND_SHIFT | place as u64;
        entry.owner.store(owner, Ordering::Relaxed);
        entry.handle.store(handle, Ordering::Relaxed);
        Ok(handle)
    }

    /// A vacant entry, and a new serial number in `vacant`.
    fn vacant_place(&self, vacant: &mut Vacant) -> Result<usize, Status> {
        if vacant.serial == SERIAL_MAX {
            return Err(Status::TooMany);
        }
        let place = match (vacant.first as usize).checked_sub(1) {
            Some(place) => {
                vacant.first = self.entries[place].next.load(Ordering::Relaxed);
                place
            }
            None if (vacant.used as usize) < ENTRIES => {
                vacant.used += 1;
                vacant.used as usize - 1
            }
            None => return Err(Status::TooMany),
        };
        vacant.serial += 1;
        Ok(place)
    }

    #[inline(always)]
    fn entry(&self, handle: u64) -> &Entry<T> {
        &self.entries[index(handle)]
    }

    fn lock(&self) -> MutexGuard<'_, Vacant> {
        // Nothing under the lock panics half way.
        self.vacant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Entry<T> {
    const fn new() -> Self {
        Self {
            handle: AtomicU64::new(0),
            owner: AtomicUsize::new(NOBODY),
            next: AtomicU32::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    #[inline(always)]
    const fn value(&self) -> *mut T {
        self.value.get().cast()
    }
}

#[inline(always)]
const fn index(handle: u64) -> usize {
    handle as usize % ENTRIES
}
