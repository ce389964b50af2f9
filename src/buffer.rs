//! A buffer: bytes lent out by a pool, given back by `Drop`.

mod compare;

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::{self, NonNull};
use std::slice;

use crate::free_list::{FreeList, out_of_memory};
use crate::pool_error::PoolError;
use crate::raw::PADDING;

/// Bytes lent out by a pool; dropping it gives the memory back.
///
/// It behaves like a `Vec<u8>` that is appended to: it starts empty, its capacity is the pool's
/// buffer size, and it grows as a `Vec` does. Growing past the pool's buffer size moves the bytes to the heap and is
/// counted as `grown`; such a buffer is freed when it is dropped, so that one large request never
/// fattens the pool.
///
/// The memory starts at a 64-byte boundary. At least 64 readable, initialised bytes follow
/// [`capacity`](Self::capacity), so that a full-width vector load from any index below `len` stays
/// inside the allocation; [`padded`](Self::padded) shows the bytes behind `len` as zeros.
///
/// A buffer stays on its thread: it is neither `Send` nor `Sync`. To hand bytes to another thread,
/// take them out with [`into_vec`](Self::into_vec). It borrows its pool; of a `static` pool it is a
/// `Buffer<'static>`.
///
/// # Cost
///
/// Acquire and release together: about 4 core cycles on a hit, without a lock, a read-modify-write,
/// a clock or an allocation (`benches/README.md` has the figures). The methods cost what `Vec`'s
/// do.
///
/// A buffer that is leaked (`mem::forget`) is never read or written again by the pool; its memory
/// stays taken for as long as its thread's part of the pool lives.
///
/// # Examples
///
/// ```
/// use knhk_pool::BufferPool;
///
/// static REPLIES: BufferPool = BufferPool::new("buffer-doc");
///
/// let mut reply = REPLIES.acquire();
/// assert!(reply.is_empty());
/// reply.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
/// assert_eq!(&reply[..8], b"HTTP/1.1");
/// ```
///
/// It does not leave its thread:
///
/// ```compile_fail,E0277
/// static REPLIES: knhk_pool::BufferPool = knhk_pool::BufferPool::new("replies");
/// let reply = REPLIES.acquire();
/// std::thread::spawn(move || drop(reply));
/// ```
pub struct Buffer<'pool> {
    /// 64-byte aligned; `capacity + PADDING` bytes, handed out by `list` to this buffer alone.
    start: NonNull<u8>,
    /// Bytes from `start` on that are initialised; at most `capacity`.
    len: usize,
    capacity: usize,
    /// Outlives `'pool`; used by this thread alone. The pointer makes the buffer `!Send`.
    list: NonNull<FreeList>,
    pool: PhantomData<&'pool ()>,
}

impl<'pool> Buffer<'pool> {
    /// # Safety
    ///
    /// * `start` was handed out by `list`, with `list.buffer_size()` bytes, to nobody else.
    /// * `list` lives for `'pool`, and until this buffer is dropped it is used by this thread alone.
    #[inline(always)]
    pub(crate) unsafe fn new(start: NonNull<u8>, list: NonNull<FreeList>) -> Self {
        // SAFETY: the caller's second bullet.
        let capacity = unsafe { list.as_ref() }.buffer_size();
        // SAFETY: the caller's bullets.
        unsafe { Self::from_raw(start, capacity, list) }
    }

    /// An empty buffer of `capacity` bytes.
    ///
    /// # Safety
    ///
    /// * As for [`new`](Self::new), with `capacity` bytes: the list's, or those that it has grown to.
    #[inline(always)]
    pub(crate) unsafe fn from_raw(
        start: NonNull<u8>,
        capacity: usize,
        list: NonNull<FreeList>,
    ) -> Self {
        Self {
            start,
            len: 0,
            capacity,
            list,
            pool: PhantomData,
        }
    }

    /// Start and capacity, for the handle that it was acquired by to take back.
    #[doc(hidden)]
    pub fn into_raw(self) -> (NonNull<u8>, usize) {
        let this = ManuallyDrop::new(self);
        (this.start, this.capacity)
    }

    /// Bytes in the buffer.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes in the buffer.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that fit without growing.
    #[inline]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// The bytes.
    #[inline]
    pub const fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` initialised bytes that are this buffer's alone.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The bytes, to be changed.
    #[inline]
    pub const fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: `len` initialised bytes that are this buffer's alone, borrowed for as long.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    /// Where the bytes start: a multiple of 64.
    #[inline]
    pub const fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// Where the bytes start, to be written: a multiple of 64.
    #[inline]
    pub const fn as_mut_ptr(&mut self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Appends one byte.
    ///
    /// # Panics
    ///
    /// If the buffer would be longer than `isize::MAX`; as with `Vec`, the process aborts when
    /// memory runs out.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        if self.len == self.capacity {
            self.grow_for(1);
        }
        // SAFETY: len < capacity: if it was not, `grow_for` made it so.
        unsafe { self.spare_start().write(byte) };
        self.len += 1;
    }

    /// Removes the last byte and returns it.
    #[inline]
    pub fn pop(&mut self) -> Option<u8> {
        let last = self.as_slice().last().copied()?;
        self.len -= 1;
        Some(last)
    }

    /// Appends `bytes`.
    ///
    /// # Panics
    ///
    /// As [`push`](Self::push).
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        // SAFETY: `reserve` made room for `bytes.len()` more; `bytes` is borrowed from elsewhere,
        // since `self` is borrowed mutably.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.spare_start(), bytes.len()) };
        self.len += bytes.len();
    }

    /// Makes the buffer `len` bytes long; new bytes are `value`.
    ///
    /// # Panics
    ///
    /// As [`push`](Self::push).
    pub fn resize(&mut self, len: usize, value: u8) {
        if let Some(more) = len.checked_sub(self.len) {
            self.reserve(more);
            // SAFETY: `reserve` made room for `more` bytes.
            unsafe { ptr::write_bytes(self.spare_start(), value, more) };
        }
        self.len = len;
    }

    /// Shortens the buffer to `len` bytes; does nothing if it is shorter already.
    #[inline]
    pub const fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
        }
    }

    /// Makes the buffer empty. Capacity stays.
    #[inline]
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Makes room for `additional` more bytes. Room past the pool's buffer size comes from the heap.
    ///
    /// # Panics
    ///
    /// As [`push`](Self::push).
    #[inline]
    pub fn reserve(&mut self, additional: usize) {
        if additional > self.capacity - self.len {
            self.grow_for(additional);
        }
    }

    /// The room behind the bytes, `capacity - len` of them. What an earlier owner wrote there is not
    /// readable without `unsafe`.
    #[inline]
    pub const fn spare_capacity_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let spare = self.capacity - self.len;
        // SAFETY: `capacity` bytes from `start` on are this buffer's; MaybeUninit asks for no values.
        unsafe { slice::from_raw_parts_mut(self.spare_start().cast(), spare) }
    }

    /// Sets the length.
    ///
    /// # Safety
    ///
    /// * `len <= capacity`.
    /// * The first `len` bytes are initialised.
    ///
    /// # Examples
    ///
    /// ```
    /// # static POOL: knhk_pool::BufferPool = knhk_pool::BufferPool::new("set-len-doc");
    /// let mut buffer = POOL.acquire();
    /// buffer.spare_capacity_mut()[0].write(7);
    /// // SAFETY: one byte was written on the line above.
    /// unsafe { buffer.set_len(1) };
    /// assert_eq!(buffer[..], [7]);
    /// ```
    #[inline]
    pub const unsafe fn set_len(&mut self, len: usize) {
        debug_assert!(len <= self.capacity);
        self.len = len;
    }

    /// The bytes and 64 zeros behind them, for code that reads in full vectors.
    ///
    /// # Cost
    ///
    /// Writes 64 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # static POOL: knhk_pool::BufferPool = knhk_pool::BufferPool::new("padded-doc");
    /// let mut buffer = POOL.acquire();
    /// buffer.extend_from_slice(&[1; 4096]);
    /// let padded = buffer.padded();
    /// assert_eq!(padded.len(), 4096 + 64);
    /// assert_eq!(padded[4096..], [0; 64]);
    /// ```
    #[inline]
    pub fn padded(&mut self) -> &[u8] {
        // SAFETY: len <= capacity, and PADDING bytes behind the capacity are the buffer's too (raw
        // invariant 1).
        unsafe { ptr::write_bytes(self.spare_start(), 0, PADDING) };
        // SAFETY: `len` bytes are initialised, and so are the 64 just written.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len + PADDING) }
    }

    /// The bytes as a `Vec`: they leave the pool for good, which is counted as `detached`.
    ///
    /// # Cost
    ///
    /// Copies the bytes; allocates if the memory is the pool's own, which then goes back to it.
    pub fn into_vec(self) -> Vec<u8> {
        let this = ManuallyDrop::new(self);
        // SAFETY: the list lives for 'pool and is used by this thread alone.
        let list = unsafe { this.list.as_ref() };
        // SAFETY: handed out by `list` to this buffer, which is not dropped; `len` bytes are
        // initialised.
        unsafe { list.detach(this.start, this.len, this.capacity) }
    }

    /// As [`reserve`](Self::reserve), where running out of memory must be an answer.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`] if the allocator refuses, or nothing can be so long. The buffer is
    /// as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # static POOL: knhk_pool::BufferPool = knhk_pool::BufferPool::new("try-reserve-doc");
    /// let mut buffer = POOL.acquire();
    /// assert!(buffer.try_reserve(usize::MAX).is_err());
    /// buffer.try_reserve(100_000)?;
    /// assert!(buffer.capacity() >= 100_000);
    /// # Ok::<(), knhk_pool::PoolError>(())
    /// ```
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), PoolError> {
        if additional <= self.capacity - self.len {
            return Ok(());
        }
        let Self {
            list,
            start,
            len,
            capacity,
            ..
        } = *self;
        let wanted = wanted(len, capacity, additional);
        let bytes = wanted.unwrap_or(usize::MAX);
        // SAFETY: handed out by `list` to this buffer; `len` bytes are initialised; what is wanted is
        // more than the capacity, as the question above says.
        let grown = wanted.and_then(|wanted| unsafe { grow(list, start, len, capacity, wanted) });
        (self.start, self.capacity) = (grown.ok_or(PoolError::OutOfMemory { bytes })?, bytes);
        Ok(())
    }

    #[inline(always)]
    const fn spare_start(&mut self) -> *mut u8 {
        // SAFETY: len <= capacity, so the offset is inside the buffer or one past its end.
        unsafe { self.start.as_ptr().add(self.len) }
    }

    #[inline(always)]
    fn grow_for(&mut self, additional: usize) {
        let Self {
            list,
            start,
            len,
            capacity,
            ..
        } = *self;
        // SAFETY: handed out by `list` to this buffer; `len` bytes are initialised; who calls this has
        // seen that `additional` more do not fit.
        (self.start, self.capacity) =
            unsafe { grow_or_abort(list, start, len, capacity, additional) };
    }
}

/// The capacity of a buffer into which `additional` more bytes go: at least twice what it has. `None`
/// if that cannot be counted.
fn wanted(len: usize, capacity: usize, additional: usize) -> Option<usize> {
    let needed = len.checked_add(additional)?;
    Some(needed.max(capacity.saturating_mul(2)))
}

/// Moves a buffer to where `additional` more bytes fit; returns its start and capacity there.
///
/// By value: a pointer to the buffer would keep it in memory on the path that does not grow.
///
/// # Safety
///
/// * `start` was handed out by `list`, which this thread alone uses, with `capacity` bytes, of which
///   the first `len` are initialised; it is not used again.
/// * `capacity - len < additional`.
#[cold]
#[inline(never)]
unsafe fn grow_or_abort(
    list: NonNull<FreeList>,
    start: NonNull<u8>,
    len: usize,
    capacity: usize,
    additional: usize,
) -> (NonNull<u8>, usize) {
    let wanted = wanted(len, capacity, additional).expect("capacity overflow");
    // SAFETY: the caller's bullets; `wanted` is above the capacity.
    let grown = unsafe { grow(list, start, len, capacity, wanted) };
    (grown.unwrap_or_else(|| out_of_memory(wanted)), wanted)
}

/// Moves a buffer to a block of `wanted` bytes. `None`, and it is where it was, if the allocator
/// refuses.
///
/// # Safety
///
/// * As for [`grow_or_abort`], with `capacity < wanted`.
unsafe fn grow(
    list: NonNull<FreeList>,
    start: NonNull<u8>,
    len: usize,
    capacity: usize,
    wanted: usize,
) -> Option<NonNull<u8>> {
    // SAFETY: the caller's first bullet.
    let list = unsafe { list.as_ref() };
    // SAFETY: the caller's bullets.
    unsafe { list.grow(start, len, capacity, wanted) }
}

impl Drop for Buffer<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the list lives for 'pool and is used by this thread alone.
        let list = unsafe { self.list.as_ref() };
        // SAFETY: handed out by `list` to this buffer, which ends here.
        unsafe { list.release(self.start, self.capacity) };
    }
}

impl Deref for Buffer<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl DerefMut for Buffer<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.as_mut_slice()
    }
}

/// As [`Buffer::into_vec`].
impl From<Buffer<'_>> for Vec<u8> {
    fn from(buffer: Buffer<'_>) -> Self {
        buffer.into_vec()
    }
}

impl AsRef<[u8]> for Buffer<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsMut<[u8]> for Buffer<'_> {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl Extend<u8> for Buffer<'_> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        let bytes = bytes.into_iter();
        // A hint, and a foreign one: what is left of it is checked by every push.
        self.reserve(bytes.size_hint().0.min(self.capacity));
        bytes.for_each(|byte| self.push(byte));
    }
}

impl<'a> Extend<&'a u8> for Buffer<'_> {
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.extend(bytes.into_iter().copied());
    }
}

/// Appends; never fails.
impl io::Write for Buffer<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let len = slices.iter().map(|slice| slice.len()).sum();
        self.reserve(len);
        slices
            .iter()
            .for_each(|slice| self.extend_from_slice(slice));
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Buffer<'_> {
    type Item = &'a u8;
    type IntoIter = slice::Iter<'a, u8>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Buffer<'_> {
    type Item = &'a mut u8;
    type IntoIter = slice::IterMut<'a, u8>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

// A panic leaves a buffer and its list whole.
impl UnwindSafe for Buffer<'_> {}
impl RefUnwindSafe for Buffer<'_> {}

/// The lengths, not the bytes: they may be secret.
impl fmt::Debug for Buffer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "bytes")]
// SAFETY: `chunk_mut` shows the room behind `len`, `advance_mut` adds only what fits there, and
// `remaining_mut` is what `chunk_mut` can be made to show by growing.
unsafe impl bytes::BufMut for Buffer<'_> {
    #[inline]
    fn remaining_mut(&self) -> usize {
        isize::MAX as usize - self.len
    }

    #[inline]
    unsafe fn advance_mut(&mut self, count: usize) {
        let spare = self.capacity - self.len;
        assert!(
            count <= spare,
            "cannot advance by {count}: {spare} bytes of room"
        );
        self.len += count;
    }

    #[inline]
    fn chunk_mut(&mut self) -> &mut bytes::buf::UninitSlice {
        if self.len == self.capacity {
            self.reserve(64);
        }
        bytes::buf::UninitSlice::uninit(self.spare_capacity_mut())
    }

    #[inline]
    fn put_slice(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
