//! One thread's part of a pool: a hot slot, a stack of idle buffers behind it, and its counters.
//!
//! ```text
//!  acquire ─▶ slot ──empty──▶ stack ──at its lowest──▶ cold: deeper, prepare the slab, the heap
//!  release ─▶ slot ──taken──▶ stack ──full or closed─▶ cold: evict, wipe, free
//! ```
//!
//! The last buffer released is the next one handed out (LIFO, up to the slot's one place). The hit
//! path is [`pop`](FreeList::pop) and [`push`](FreeList::push); all else is cold.
//!
//! # The high-water mark
//!
//! The hit path pays nothing for it. `low` is the lowest length that the stack has had, and the
//! hit path pops only above it; to go below takes the cold path, once for each new lowest. Between
//! two changes of `total` the most that was out is `total - low`, since a buffer in the hot slot
//! does not change the stack.
//!
//! # Recording
//!
//! A list that records keeps its slot closed, `room` at 0 and `low` at `len`, so that every acquire and
//! release fails the hit path's own tests and takes the cold one, which notes it. The hit path has no test
//! more for that.
//!
//! # Invariants
//!
//! 1. *One owner.* All methods but [`stats`](FreeList::stats), [`demand`](FreeList::demand) and those of
//!    a stray list are called by one thread at a time, and what one caller did happened before what the
//!    next one does. `FreeList` is not `Sync`, so whoever shares one has to argue this.
//! 2. `low <= len <= stack.len()`, and every place of `stack` below `len` holds an idle buffer.
//! 3. The slot holds `EMPTY`, `CLOSED`, or an idle buffer.
//! 4. An idle buffer is a slot of `slab`, or a block of `buffer_size`; it stands in one place only,
//!    and no `Buffer` refers to it.
//! 5. `total` counts the buffers in existence: idle ones, and those handed out.
//! 6. A slab is freed only while none of its slots is handed out.
//! 7. A buffer is laid down ([`rest`]) when it comes back, before it is idle, and a slot also when the
//!    list keeps it no more; it is taken up when it is handed out.

mod books;
mod life;
#[cfg(all(test, loom))]
mod model;
mod recording;
#[cfg(all(test, not(loom)))]
mod tests;

use std::cell::RefCell;
use std::ptr::{self, NonNull};

use self::books::Books;
use self::life::State;
use crate::counters::{Counter, Counters, Recorder};
#[cfg(feature = "allocation-tracking")]
use crate::hot_path::HotPathGuard;
use crate::hot_path::permit_alloc;
use crate::raw::slab::Slab;
use crate::raw::{PADDING, block, owned, rest, wipe};
use crate::sync::modelled::{AtomicPtr, AtomicUsize, Cell, Ordering};

const EMPTY: *mut u8 = ptr::null_mut();
const CLOSED: *mut u8 = ptr::without_provenance_mut(1);

/// One thread's part of a pool.
// 128: two cache lines, which the adjacent-line prefetcher of x86-64 fetches as one.
#[repr(C, align(128))]
pub(crate) struct FreeList {
    slot: AtomicPtr<u8>,
    len: AtomicUsize,
    low: AtomicUsize,
    /// Stack length up to which a release may push: `capacity - 1`, since the slot holds one more;
    /// 0 when closed, and where it records.
    room: AtomicUsize,
    stack: Box<[AtomicPtr<u8>]>,
    buffer_size: usize,
    counters: Counters,
    /// The capacity that a released buffer must have to be pushed without a question; `usize::MAX`
    /// where every release must be wiped.
    home_size: usize,

    books: Books,
    state: State,
    slab: RefCell<Option<Slab>>,
    /// Whether the slab's slots are in circulation.
    prepared: Cell<bool>,
    capacity: usize,
    wipes: bool,
    /// `None` unless the list records.
    recorder: Option<Box<Recorder>>,
    /// Where the list stands among its pool's; changed under the pool's lock alone.
    pub(crate) links: Links,
}

/// A list's places in two chains of lists.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// The next of all lists of the pool; set before the list is one of them, and never changed.
    pub(crate) next: Cell<Option<NonNull<FreeList>>>,
    /// The next of those that no thread has now.
    pub(crate) next_left: Cell<Option<NonNull<FreeList>>>,
}

// What a hit reads and writes stands in the first line. (A model's atomics are larger.)
#[cfg(not(all(test, loom)))]
const _: () = assert!(std::mem::offset_of!(FreeList, counters) < 64);

/// The sizes of one thread's part of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Buffers.
    pub(crate) capacity: usize,
    /// Bytes a buffer.
    pub(crate) buffer_size: usize,
    /// Whether released buffers are overwritten with zeros.
    pub(crate) wipes: bool,
    /// Whether it is noted what is asked for.
    pub(crate) records: bool,
}

impl FreeList {
    /// An empty list; its slab is made at the first acquire, or by [`prepare`](Self::prepare). `None`
    /// if the allocator refuses.
    pub(crate) fn new(sizes: Sizes) -> Option<Self> {
        let stack = owned::try_boxed_slice(sizes.capacity, |_| AtomicPtr::new(EMPTY))?;
        let recorder = if sizes.records {
            Some(owned::try_box(Recorder::new())?)
        } else {
            None
        };
        Some(Self::with_parts(sizes, stack, recorder, State::owned()))
    }

    /// A list that holds nothing and that no thread owns. Its buffers come from the heap and go
    /// back there; any thread may acquire and release.
    pub(crate) fn stray(sizes: Sizes) -> Self {
        let capacity = 0;
        // It records nothing: its books say it all, since no size would have served who comes here.
        Self::with_parts(
            Sizes { capacity, ..sizes },
            Box::new([]),
            None,
            State::stray(),
        )
    }

    fn with_parts(
        Sizes {
            capacity,
            buffer_size,
            wipes,
            ..
        }: Sizes,
        stack: Box<[AtomicPtr<u8>]>,
        recorder: Option<Box<Recorder>>,
        state: State,
    ) -> Self {
        Self {
            slot: AtomicPtr::new(CLOSED),
            len: AtomicUsize::new(0),
            low: AtomicUsize::new(0),
            room: AtomicUsize::new(room(capacity, recorder.is_some())),
            stack,
            buffer_size,
            counters: Counters::new(),
            home_size: if wipes { usize::MAX } else { buffer_size },
            books: Books::new(),
            state,
            slab: RefCell::new(None),
            prepared: Cell::new(false),
            capacity,
            wipes,
            recorder,
            links: Links::default(),
        }
    }

    #[inline(always)]
    pub(crate) fn buffer_size(&self) -> usize {
        self.buffer_size
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes an idle buffer: the hit path. `None` means the cold path, which may still be a hit.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<NonNull<u8>> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::FreeList::pop");
        let mut buffer = self.slot.load(Ordering::Relaxed);
        if buffer.addr() > CLOSED.addr() {
            self.slot.store(EMPTY, Ordering::Relaxed);
        } else {
            let len = self.len.load(Ordering::Relaxed);
            if len <= self.low.load(Ordering::Relaxed) {
                return None;
            }
            buffer = self.place(len - 1).load(Ordering::Relaxed);
            self.len.store(len - 1, Ordering::Relaxed);
        }
        self.counters.bump(Counter::Hits);
        // SAFETY: invariants 2 and 3: an idle buffer, which is never null.
        let buffer = unsafe { NonNull::new_unchecked(buffer) };
        // SAFETY: idle until now, and so laid down (7).
        unsafe { rest::take_up(buffer, self.buffer_size) };
        Some(buffer)
    }

    /// Puts an idle buffer back: the release path. Whether there was room.
    #[inline(always)]
    fn push(&self, buffer: NonNull<u8>) -> bool {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::FreeList::push");
        if self.slot.load(Ordering::Relaxed) == EMPTY {
            self.slot.store(buffer.as_ptr(), Ordering::Relaxed);
            return true;
        }
        let len = self.len.load(Ordering::Relaxed);
        let has_room = len < self.room.load(Ordering::Relaxed);
        if has_room {
            self.place(len).store(buffer.as_ptr(), Ordering::Relaxed);
            self.len.store(len + 1, Ordering::Relaxed);
        }
        has_room
    }

    /// What is to wait in the list for a buffer that came back: the same one, as shipped. Where the
    /// build allocates for it, that is foreign code: not inside of a change.
    ///
    /// # Safety
    ///
    /// * `buffer` is of this list, `buffer_size` bytes, taken up, and nobody uses it again.
    #[inline(always)]
    unsafe fn lay_down(&self, buffer: NonNull<u8>) -> NonNull<u8> {
        // SAFETY: the caller's bullet.
        let lay_down = || unsafe { rest::lay_down(&self.slab, buffer, self.buffer_size) };
        if !rest::ALLOCATES {
            lay_down()
        } else if self.state.is_stray() {
            // It goes back to the heap, and no one thread may look at the slab.
            buffer
        } else {
            permit_alloc(lay_down)
        }
    }

    /// Takes back what [`pop`](Self::pop) or an `acquire` handed out, or a larger block that the
    /// buffer has grown into.
    ///
    /// # Safety
    ///
    /// * `buffer` is `capacity` bytes and was handed out by this list and not taken back since.
    /// * Nobody uses it again.
    #[inline(always)]
    pub(crate) unsafe fn release(&self, buffer: NonNull<u8>, capacity: usize) {
        if !self.release_hit(buffer, capacity) {
            // SAFETY: the caller's bullets, and the buffer was not taken back above.
            unsafe { self.release_cold(buffer, capacity) };
        }
    }

    /// The hit path of [`release`](Self::release), under whose contract it stands: whether it has taken the
    /// buffer back. If so, `capacity` is the list's buffer size.
    #[inline(always)]
    pub(crate) fn release_hit(&self, buffer: NonNull<u8>, capacity: usize) -> bool {
        // Where what came back is laid down first, all go the long way.
        !rest::LAYS && capacity == self.home_size && self.push(buffer)
    }

    /// Stack place `index`.
    #[inline(always)]
    fn place(&self, index: usize) -> &AtomicPtr<u8> {
        debug_assert!(index < self.stack.len());
        // SAFETY: invariant 2 for pops (index < len); pushes ask for `room <= stack.len()` first.
        unsafe { self.stack.get_unchecked(index) }
    }
}

/// The cold part of acquire.
impl FreeList {
    /// Hands out a buffer: what is idle, else from a new slab, else from the heap.
    ///
    /// If the heap is exhausted too, the process aborts as it does for a `Vec`.
    #[cold]
    #[inline(never)]
    pub(crate) fn acquire_cold(&self) -> NonNull<u8> {
        self.idle_or_block()
            .unwrap_or_else(|| out_of_memory(self.buffer_size))
    }

    /// As [`acquire_cold`](Self::acquire_cold); `None`, and nothing is counted, if the heap is
    /// exhausted too.
    #[cold]
    #[inline(never)]
    pub(crate) fn acquire_or_refuse_cold(&self) -> Option<NonNull<u8>> {
        self.idle_or_block()
    }

    #[inline(always)]
    fn idle_or_block(&self) -> Option<NonNull<u8>> {
        let out = self.out();
        let buffer = self.take_idle().or_else(|| self.acquire_block());
        // SAFETY: about to be handed out, and nobody's yet.
        unsafe { self.note_acquire(out, buffer) };
        buffer
    }

    /// Hands out what is idle or can be prepared, never the heap.
    #[cold]
    #[inline(never)]
    pub(crate) fn try_acquire_cold(&self) -> Option<NonNull<u8>> {
        let out = self.out();
        let idle = self.take_idle();
        // SAFETY: about to be handed out, and nobody's yet.
        unsafe { self.note_acquire(out, idle) };
        if idle.is_none() {
            self.count(Counter::Exhausted);
        }
        idle
    }

    fn take_idle(&self) -> Option<NonNull<u8>> {
        if !self.state.is_owned() {
            return None;
        }
        if let Some(buffer) = self.pop().or_else(|| self.pop_deeper()) {
            return Some(buffer);
        }
        if permit_alloc(|| self.prepare()) {
            self.pop_deeper()
        } else {
            None
        }
    }

    /// Pops at or below the lowest length so far, and notes the new lowest.
    fn pop_deeper(&self) -> Option<NonNull<u8>> {
        let lower = self.len.load(Ordering::Relaxed).checked_sub(1)?;
        let buffer = NonNull::new(self.place(lower).load(Ordering::Relaxed))?;
        let change = self.change();
        self.low.store(lower, Ordering::Relaxed);
        self.len.store(lower, Ordering::Relaxed);
        self.counters.bump(Counter::Hits);
        self.unseal();
        // What is found there panics, and a panic hook may read these books.
        drop(change);
        // SAFETY: idle until now, and so laid down (7).
        unsafe { rest::take_up(buffer, self.buffer_size) };
        Some(buffer)
    }

    /// Puts a slab's slots into the list, making the slab if there is none. Whether there is more
    /// to take now: not if it was prepared before, has no capacity, or the allocator refuses.
    pub(crate) fn prepare(&self) -> bool {
        if self.prepared.get() || !self.state.is_owned() {
            return false;
        }
        if !self.has_slab() {
            let Some(slab) = Slab::new(self.capacity, self.buffer_size) else {
                return false;
            };
            if self.has_slab() {
                // The allocator came back to this very list and prepared it.
                return true;
            }
            self.books.slab_bytes.store(slab.bytes(), Ordering::Relaxed);
            *self.slab.borrow_mut() = Some(slab);
        }
        self.free_idle_blocks();
        if self.prepared.get() {
            // It came back again, while a block was freed.
            return true;
        }
        let slab = self.slab.borrow();
        let Some(slab) = &*slab else { return false };
        let _change = self.change();
        self.slot.store(CLOSED, Ordering::Relaxed);
        for (index, place) in self.stack.iter().enumerate() {
            // The highest slot at the bottom: the first to be handed out is the slab's first.
            let slot = slab.slot(self.capacity - 1 - index);
            place.store(slot.as_ptr(), Ordering::Relaxed);
        }
        self.len.store(self.capacity, Ordering::Relaxed);
        self.books.add_total(self.capacity);
        self.low.store(self.capacity, Ordering::Relaxed);
        self.prepared.set(true);
        true
    }

    /// A miss.
    fn acquire_block(&self) -> Option<NonNull<u8>> {
        let block = block::alloc(self.buffer_size)?;
        let _change = self.change();
        self.admit_block(self.buffer_size);
        self.count(Counter::Misses);
        Some(block)
    }
}

/// The cold part of release.
impl FreeList {
    /// # Safety
    ///
    /// As for [`release`](Self::release).
    #[cold]
    #[inline(never)]
    unsafe fn release_cold(&self, buffer: NonNull<u8>, capacity: usize) {
        // SAFETY: the caller's bullets.
        unsafe { self.note_end(buffer, capacity) };
        // SAFETY: the caller's bullets.
        let buffer = unsafe { self.retire(buffer, capacity) };
        let change = self.change();
        let doomed = self.take_back(buffer, capacity, Some(Counter::Freed));
        drop(change);
        self.drained_if_last();
        // SAFETY: out of the books, and of this capacity.
        unsafe { free(doomed) };
    }

    /// Wipes a buffer that came back, if that is asked for, and lays it down, unless it has grown.
    /// Returns what is to be [taken back](Self::take_back) in its place.
    ///
    /// # Safety
    ///
    /// * As for [`release`](Self::release).
    unsafe fn retire(&self, buffer: NonNull<u8>, capacity: usize) -> NonNull<u8> {
        if self.wipes {
            // SAFETY: nobody looks at it, says the caller; the padding is writable too (raw
            // invariant 1).
            unsafe { wipe(buffer, capacity + PADDING) };
        }
        if rest::LAYS && capacity == self.buffer_size {
            // SAFETY: the caller's bullets.
            return unsafe { self.lay_down(buffer) };
        }
        buffer
    }

    /// Keeps a buffer that came back, if it has the pool's size and there is room; else takes a
    /// block out of the books, and returns it to be freed. Counts `freed` if the buffer was not
    /// kept.
    fn take_back(
        &self,
        buffer: NonNull<u8>,
        capacity: usize,
        freed: Option<Counter>,
    ) -> Option<Block> {
        let is_slot = capacity == self.buffer_size && self.is_slot(buffer);
        if capacity == self.buffer_size && self.state.is_owned() {
            if self.put_back(buffer) {
                return None;
            }
            if is_slot {
                return self.put_in_place_of_block(buffer);
            }
        }
        freed.inspect(|freed| self.count(*freed));
        if is_slot {
            self.sub_total(1);
            return None;
        }
        self.forget_block(capacity);
        Some((buffer, capacity))
    }

    fn put_back(&self, buffer: NonNull<u8>) -> bool {
        if let Some(recorder) = &self.recorder {
            recorder.released();
            return self.push_recorded(buffer);
        }
        self.unseal();
        self.push(buffer)
    }

    /// The list is full without this slot, so a block has joined: the slot takes its place.
    fn put_in_place_of_block(&self, slot: NonNull<u8>) -> Option<Block> {
        let idle = self.stack.get(..self.len.load(Ordering::Relaxed))?;
        let mut places = idle.iter().chain([&self.slot]);
        let (place, block) = places.find_map(|place| Some((place, self.block_in(place)?)))?;
        place.store(slot.as_ptr(), Ordering::Relaxed);
        self.forget_block(self.buffer_size);
        Some((block, self.buffer_size))
    }

    /// Frees every idle block; slots stay.
    fn free_idle_blocks(&self) {
        while let Some(block) = self.remove_idle_block() {
            // SAFETY: it was idle, so nobody's, and not a slot, so a block of the pool's size
            // (invariant 4); it is in no place any more.
            unsafe { block::free(block, self.buffer_size) };
        }
    }

    // One at a time, so that the list is whole whenever the allocator runs.
    fn remove_idle_block(&self) -> Option<NonNull<u8>> {
        if let Some(block) = self.block_in(&self.slot) {
            let _change = self.change();
            self.forget_block(self.buffer_size);
            self.slot.store(EMPTY, Ordering::Relaxed);
            return Some(block);
        }
        let idle = self.stack.get(..self.len.load(Ordering::Relaxed))?;
        let index = idle
            .iter()
            .rposition(|place| self.block_in(place).is_some())?;
        let block = self.block_in(&idle[index])?;
        let _change = self.change();
        self.forget_block(self.buffer_size);
        for pair in idle[index..].windows(2) {
            pair[0].store(pair[1].load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.len.store(idle.len() - 1, Ordering::Relaxed);
        let low = self.low.load(Ordering::Relaxed).min(idle.len() - 1);
        self.low.store(low, Ordering::Relaxed);
        Some(block)
    }

    /// The block that lies idle in `place`, if it is one.
    fn block_in(&self, place: &AtomicPtr<u8>) -> Option<NonNull<u8>> {
        let idle = place.load(Ordering::Relaxed);
        let idle = NonNull::new(idle).filter(|idle| idle.as_ptr() != CLOSED)?;
        (!self.is_slot(idle)).then_some(idle)
    }
}

/// A block and its capacity.
type Block = (NonNull<u8>, usize);

/// Growing and leaving.
impl FreeList {
    /// Moves a buffer to a block of `wanted` bytes; returns the block. `None`, and the buffer stays
    /// what it is, if the allocator refuses.
    ///
    /// # Safety
    ///
    /// * As for [`release`](Self::release), with `len <= capacity < wanted`.
    /// * The first `len` bytes are initialised.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn grow(
        &self,
        buffer: NonNull<u8>,
        len: usize,
        capacity: usize,
        wanted: usize,
    ) -> Option<NonNull<u8>> {
        let block = block::alloc(wanted)?;
        // SAFETY: both are at least `len` bytes, and a fresh block overlaps nothing.
        unsafe { ptr::copy_nonoverlapping(buffer.as_ptr(), block.as_ptr(), len) };
        // SAFETY: a fresh block of that size.
        unsafe { self.mark_untouched(block, len, wanted) };
        // SAFETY: the caller's bullets; what counted was copied.
        let buffer = unsafe { self.retire(buffer, capacity) };
        let change = self.change();
        if capacity == self.buffer_size {
            self.count(Counter::Grown);
        }
        let doomed = self.take_back(buffer, capacity, None);
        self.admit_block(wanted);
        drop(change);
        // SAFETY: out of the books, and of this capacity.
        unsafe { free(doomed) };
        Some(block)
    }

    /// Makes a buffer a `Vec`: a block becomes one as it is, a slot's bytes are copied.
    ///
    /// # Safety
    ///
    /// * As for [`release`](Self::release), with `len <= capacity`.
    /// * The first `len` bytes are initialised.
    pub(crate) unsafe fn detach(
        &self,
        buffer: NonNull<u8>,
        len: usize,
        capacity: usize,
    ) -> Vec<u8> {
        // SAFETY: the caller's bullets.
        unsafe { self.note_end(buffer, capacity) };
        if self.is_slot(buffer) {
            // SAFETY: `len` initialised bytes, nobody else's.
            let vec = unsafe { std::slice::from_raw_parts(buffer.as_ptr(), len) }.to_vec();
            // SAFETY: the caller's bullets; what counted was copied.
            let buffer = unsafe { self.retire(buffer, capacity) };
            let change = self.change();
            self.count(Counter::Detached);
            let doomed = self.take_back(buffer, capacity, None);
            drop(change);
            self.drained_if_last();
            // SAFETY: out of the books, and of this capacity.
            unsafe { free(doomed) };
            vec
        } else {
            let change = self.change();
            self.count(Counter::Detached);
            self.forget_block(capacity);
            drop(change);
            self.drained_if_last();
            // SAFETY: not a slot, so a block of this capacity, and in the books no more.
            unsafe { block::into_vec(buffer, len, capacity) }
        }
    }
}

impl Drop for FreeList {
    fn drop(&mut self) {
        // Idle blocks are the list's own. What is out stays out: a forgotten buffer's block leaks,
        // and nobody can reach a forgotten slot any more.
        self.free_idle_blocks();
    }
}

/// # Safety
///
/// * The block has this capacity, is in no list's books, and nobody uses it again.
unsafe fn free(block: Option<Block>) {
    if let Some((start, capacity)) = block {
        // SAFETY: the caller's bullet.
        unsafe { block::free(start, capacity) };
    }
}

/// Stack length up to which the hit path may push.
fn room(capacity: usize, records: bool) -> usize {
    if records {
        0
    } else {
        capacity.saturating_sub(1)
    }
}

/// The end of what has no way to refuse.
#[cold]
pub(crate) fn out_of_memory(capacity: usize) -> ! {
    match std::alloc::Layout::array::<u8>(block::bytes(capacity)) {
        Ok(layout) => std::alloc::handle_alloc_error(layout),
        Err(_) => panic!("capacity overflow: a buffer of {capacity} bytes"),
    }
}
