//! Idle buffers of one owner, found again by capacity.
//!
//! ```text
//!   kernel ── asks for n lanes ──▶ the smallest idle buffer that holds n ── none? ──▶ the heap (a miss)
//!   kernel ── gives it back ─────▶ idle ── more than 16? ──▶ the smallest is freed
//! ```
//!
//! A buffer that is too small for one request stays for the next. Memory is never cleared for a kernel,
//! which writes all that it lends on; what it held before is initialised and stays unseen.

use std::cell::Cell;
use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};

use knhk_pool::permit_alloc;

use crate::bitmap::{Bitmap, WORD};
use crate::column::Column;
use crate::error::KernelError;
use crate::lanes::Lanes;

/// Idle buffers of one type that are kept.
const IDLE_MAX: usize = 16;

/// Where kernels get the memory that they work in, and leave it for the next.
///
/// One owner: it can be sent to another thread, but not shared by two. Give each worker its own.
///
/// # Cost
///
/// A request looks at up to 16 idle buffers and allocates only if none is large enough; the first for a kind also
/// the list of these, so that giving back allocates nothing. Keeps at most 16 buffers of a kind.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, Scratch, ln_into};
///
/// let scratch = Scratch::new();
/// let prices = Column::from_slice(&[1.0, 2.0, 4.0]);
/// let mut logs = Column::new();
/// ln_into(&mut logs, &prices, &scratch);
/// assert_eq!(scratch.stats().misses, 1); // memory for `logs`
/// ln_into(&mut logs, &prices, &scratch);
/// assert_eq!(scratch.stats().misses, 1);
/// ```
pub struct Scratch {
    /// Memory of columns: lanes and words.
    lanes: Idle<f64>,
    words: Idle<u64>,
    /// Memory that a kernel works in and gives back. Apart from the columns', so that a column that is
    /// kept does not take away what the next call works in.
    f64s: Idle<f64>,
    f32s: Idle<f32>,
    u32s: Idle<u32>,
    hits: Cell<u64>,
    misses: Cell<u64>,
    freed: Cell<u64>,
}

/// What a [`Scratch`] has done and holds. A request for no elements is neither a hit nor a miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScratchStats {
    /// Requests that an idle buffer served.
    pub hits: u64,
    /// Requests that the heap served.
    pub misses: u64,
    /// Buffers that were freed because there was no room for them, in the list of those that are idle or in
    /// the memory for that list.
    pub freed: u64,
    /// Idle buffers.
    pub idle: usize,
    /// Bytes of the idle buffers.
    pub idle_bytes: usize,
}

impl Scratch {
    /// Without buffers; allocates nothing.
    pub const fn new() -> Self {
        Self {
            lanes: Idle::new(),
            words: Idle::new(),
            f64s: Idle::new(),
            f32s: Idle::new(),
            u32s: Idle::new(),
            hits: Cell::new(0),
            misses: Cell::new(0),
            freed: Cell::new(0),
        }
    }

    /// `len` zeros, for the caller to keep or to give back by [`Self::return_f64`].
    pub fn get_f64(&self, len: usize) -> Vec<f64> {
        let mut lanes = self.take(&self.lanes, len);
        lanes.as_mut_slice().fill(0.0);
        lanes.into_vec()
    }

    /// Gives a vector to the idle ones, from wherever it came.
    pub fn return_f64(&self, values: Vec<f64>) {
        self.give(&self.lanes, Lanes::from(values));
    }

    /// `len` bits, none set, for the caller to keep or to give back by [`Self::return_bitmap`].
    pub fn get_bitmap(&self, len: usize) -> Bitmap {
        let mut bitmap = self.take_bitmap(len);
        bitmap.fill(false);
        bitmap
    }

    /// Gives a bitmap's memory to the idle ones, from wherever it came.
    pub fn return_bitmap(&self, bitmap: Bitmap) {
        self.give(&self.words, bitmap.into_lanes());
    }

    /// `len` zeros that go back by themselves.
    pub fn f64s(&self, len: usize) -> Lent<'_, f64> {
        let mut lent = self.lend(len);
        lent.fill(0.0);
        lent
    }

    /// Gives a column's memory to the idle ones.
    pub fn return_column(&self, column: Column) {
        self.give(&self.lanes, column.lanes);
        if let Some(validity) = column.validity {
            self.return_bitmap(validity);
        }
    }

    /// What it has done and holds.
    pub fn stats(&self) -> ScratchStats {
        let counts = [
            self.lanes.count(),
            self.words.count(),
            self.f64s.count(),
            self.f32s.count(),
            self.u32s.count(),
        ];
        ScratchStats {
            hits: self.hits.get(),
            misses: self.misses.get(),
            freed: self.freed.get(),
            idle: counts.iter().map(|(buffers, _)| buffers).sum(),
            idle_bytes: counts.iter().map(|(_, bytes)| bytes).sum(),
        }
    }

    /// Frees the idle buffers.
    pub fn clear(&self) {
        self.lanes.drain();
        self.words.drain();
        self.f64s.drain();
        self.f32s.drain();
        self.u32s.drain();
    }

    /// `len` elements, initialised, whatever they are, that go back by themselves.
    pub(crate) fn lend<T: Kept>(&self, len: usize) -> Lent<'_, T> {
        Lent {
            lanes: self.take(T::idle(self), len),
            scratch: self,
        }
    }

    /// As [`lend`](Self::lend).
    pub(crate) fn try_lend<T: Kept>(&self, len: usize) -> Result<Lent<'_, T>, KernelError> {
        let bytes = with_reserve(len).saturating_mul(size_of::<T>());
        let lanes = self.take_from(T::idle(self), len, try_from_heap);
        Ok(Lent {
            lanes: lanes.ok_or(KernelError::OutOfMemory { bytes })?,
            scratch: self,
        })
    }

    /// Makes `out` `len` lanes long, with a validity or without; what they hold is to be written.
    pub(crate) fn shape(&self, out: &mut Column, len: usize, with_validity: bool) {
        if out.lanes.capacity() < len {
            let old = mem::replace(&mut out.lanes, self.take(&self.lanes, len));
            self.give(&self.lanes, old);
        }
        out.lanes.set_len(len);
        match (&mut out.validity, with_validity) {
            (None, false) => {}
            (Some(_), false) => self.give_bitmap(out.validity.take()),
            (None, true) => out.validity = Some(self.take_bitmap(len)),
            (Some(validity), true) => self.fit(validity, len),
        }
    }

    /// It may go back later, wherever it came from: there is a place for it from now on.
    fn fit(&self, bitmap: &mut Bitmap, len: usize) {
        self.words.make_ready();
        let old = mem::take(bitmap).into_lanes();
        let words = len.div_ceil(WORD);
        let fitting = if old.capacity() < words {
            let fresh = self.take(&self.words, words);
            self.give(&self.words, old);
            fresh
        } else {
            old
        };
        *bitmap = Bitmap::from_lanes(fitting);
        bitmap.set_len(len);
    }

    fn take_bitmap(&self, len: usize) -> Bitmap {
        let mut bitmap = Bitmap::from_lanes(self.take(&self.words, len.div_ceil(WORD)));
        bitmap.set_len(len);
        bitmap
    }

    fn give_bitmap(&self, bitmap: Option<Bitmap>) {
        if let Some(bitmap) = bitmap {
            self.return_bitmap(bitmap);
        }
    }

    fn take<T: Copy + Default>(&self, idle: &Idle<T>, len: usize) -> Lanes<T> {
        let taken = self.take_from(idle, len, |len| Some(from_heap(len)));
        taken.expect("where the heap refuses, it does not come back")
    }

    fn take_from<T: Copy + Default>(
        &self,
        idle: &Idle<T>,
        len: usize,
        heap: impl FnOnce(usize) -> Option<Lanes<T>>,
    ) -> Option<Lanes<T>> {
        if len == 0 {
            // A buffer in return for nothing would be missing to the next request.
            return Some(Lanes::default());
        }
        idle.make_ready();
        let mut lanes = match idle.smallest(len) {
            Some(found) => {
                self.hits.set(self.hits.get() + 1);
                found
            }
            None => {
                let made = heap(len)?;
                self.misses.set(self.misses.get() + 1);
                made
            }
        };
        lanes.set_len(len);
        Some(lanes)
    }

    fn give<T: Copy + Default>(&self, idle: &Idle<T>, lanes: Lanes<T>) {
        if let Some(refused) = idle.put(lanes) {
            self.freed.set(self.freed.get() + 1);
            free(refused);
        }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scratch").field(&self.stats()).finish()
    }
}

/// Growing is what a hot path is allowed to do until it is warm.
#[cold]
#[inline(never)]
fn from_heap<T: Copy + Default>(len: usize) -> Lanes<T> {
    permit_alloc(|| Lanes::with_capacity(with_reserve(len)))
}

#[cold]
#[inline(never)]
fn try_from_heap<T: Copy + Default>(len: usize) -> Option<Lanes<T>> {
    permit_alloc(|| Lanes::try_with_capacity(with_reserve(len)))
}

/// An eighth more than asked for, so that columns that grow a little do not miss each time; whole
/// cache lines.
fn with_reserve(len: usize) -> usize {
    (len + len / 8).next_multiple_of(64)
}

#[cold]
#[inline(never)]
fn free<T>(lanes: Lanes<T>) {
    permit_alloc(|| drop(lanes));
}

/// A type that kernels work in.
pub(crate) trait Kept: Copy + Default {
    fn idle(scratch: &Scratch) -> &Idle<Self>;
}

impl Kept for f64 {
    fn idle(scratch: &Scratch) -> &Idle<Self> {
        &scratch.f64s
    }
}

impl Kept for f32 {
    fn idle(scratch: &Scratch) -> &Idle<Self> {
        &scratch.f32s
    }
}

impl Kept for u32 {
    fn idle(scratch: &Scratch) -> &Idle<Self> {
        &scratch.u32s
    }
}

/// Idle buffers of one type. The list is taken out while it is worked on, and put back: what runs in between and
/// asks for it, which only an allocator can, finds it empty.
pub(crate) struct Idle<T>(Cell<Vec<Lanes<T>>>);

impl<T: Copy + Default> Idle<T> {
    const fn new() -> Self {
        Self(Cell::new(Vec::new()))
    }

    fn with<R>(&self, work: impl FnOnce(&mut Vec<Lanes<T>>) -> R) -> R {
        let mut list = self.0.take();
        let result = work(&mut list);
        self.0.set(list);
        result
    }

    /// Makes room in the list before there is anything to keep, so that what comes back once all is warm needs no
    /// allocator. If it refuses, the next that comes back asks again.
    #[inline]
    fn make_ready(&self) {
        self.with(|list| {
            if list.capacity() == 0 {
                make_room(list);
            }
        });
    }

    /// The one with the least capacity of those with at least `capacity`.
    fn smallest(&self, capacity: usize) -> Option<Lanes<T>> {
        self.with(|list| {
            let fitting = list
                .iter()
                .enumerate()
                .filter(|(_, lanes)| lanes.capacity() >= capacity);
            let (place, _) = fitting.min_by_key(|(_, lanes)| lanes.capacity())?;
            Some(list.swap_remove(place))
        })
    }

    /// Keeps `lanes`; returns what is to be freed for it, the smallest, or itself if the allocator refuses the list.
    fn put(&self, lanes: Lanes<T>) -> Option<Lanes<T>> {
        self.with(|list| {
            if lanes.capacity() == 0 {
                return None; // nothing to keep, and nothing to free
            }
            if list.len() < IDLE_MAX {
                if list.capacity() == 0 && !make_room(list) {
                    return Some(lanes);
                }
                list.push(lanes);
                return None;
            }
            let least = list.iter_mut().min_by_key(|idle| idle.capacity());
            match least {
                Some(least) if least.capacity() < lanes.capacity() => {
                    Some(mem::replace(least, lanes))
                }
                _ => Some(lanes),
            }
        })
    }

    fn count(&self) -> (usize, usize) {
        self.with(|list| {
            let elements: usize = list.iter().map(Lanes::capacity).sum();
            (list.len(), elements * size_of::<T>())
        })
    }

    fn drain(&self) {
        self.with(Vec::clear);
    }
}

/// Makes room for all that a list will ever hold; whether the allocator gave it.
#[cold]
#[inline(never)]
fn make_room<T>(list: &mut Vec<Lanes<T>>) -> bool {
    permit_alloc(|| list.try_reserve_exact(IDLE_MAX).is_ok())
}

/// Elements of a [`Scratch`], which go back when this is dropped.
///
/// # Examples
///
/// ```
/// use knhk_kernels::Scratch;
///
/// let scratch = Scratch::new();
/// let mut sums = scratch.f64s(100);
/// sums[7] += 1.0;
/// drop(sums);
/// assert_eq!(scratch.stats().idle, 1);
/// ```
// The bound is sealed: users name no type parameter that they could choose.
#[allow(private_bounds)]
pub struct Lent<'a, T: Kept> {
    lanes: Lanes<T>,
    scratch: &'a Scratch,
}

#[allow(private_bounds)]
impl<T: Kept> Deref for Lent<'_, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.lanes.as_slice()
    }
}

impl<T: Kept> DerefMut for Lent<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        self.lanes.as_mut_slice()
    }
}

impl<T: Kept> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        self.scratch
            .give(T::idle(self.scratch), mem::take(&mut self.lanes));
    }
}

impl<T: Kept + fmt::Debug> fmt::Debug for Lent<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
