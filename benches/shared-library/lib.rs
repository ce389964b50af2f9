//! A pool behind function pointers, as a library in another language's process would use it.
//!
//! It is compiled twice: into a shared library, where every look-up of a thread-local is a call to
//! `__tls_get_addr`, and as a module of the bench, where it is an instruction.
#![allow(unsafe_code)]
// Public in the one place, a private module in the other.
#![allow(unreachable_pub)]

#[path = "../src/touch.rs"]
mod touch;

use std::mem::MaybeUninit;

use knhk_pool::{Buffer, BufferPool, PoolHandle};

use self::touch::touch;

static POOL: BufferPool = BufferPool::new("shared-library");

/// Place for a buffer that its holder does not look into.
pub type Place = MaybeUninit<Buffer<'static>>;

/// What the library can do: the same pair, found by the pool's name or through a handle, with the
/// loop inside, with a call for each pair, and with one for each half.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Looks this thread's part of the pool up; never closed, since the process ends soon.
    pub open: extern "C" fn() -> &'static PoolHandle<'static>,
    /// `pairs` pairs.
    pub loop_by_name: extern "C" fn(pairs: u64),
    /// `pairs` pairs.
    pub loop_by_handle: extern "C" fn(handle: &PoolHandle<'static>, pairs: u64),
    /// One pair.
    pub pair_by_name: extern "C" fn(),
    /// One pair.
    pub pair_by_handle: extern "C" fn(handle: &PoolHandle<'static>),
    /// Puts a touched buffer into `place`.
    pub acquire_by_name: extern "C" fn(place: &mut Place),
    /// Puts a touched buffer into `place`.
    pub acquire_by_handle: extern "C" fn(handle: &'static PoolHandle<'static>, place: &mut Place),
    /// Takes it back. Safe to call once after each acquire.
    pub release: unsafe extern "C" fn(place: &mut Place),
}

/// The one symbol of the library.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_shared_library() -> Functions {
    Functions {
        open,
        loop_by_name,
        loop_by_handle,
        pair_by_name,
        pair_by_handle,
        acquire_by_name,
        acquire_by_handle,
        release,
    }
}

extern "C" fn open() -> &'static PoolHandle<'static> {
    Box::leak(Box::new(POOL.handle()))
}

extern "C" fn loop_by_name(pairs: u64) {
    for _ in 0..pairs {
        use_once(&mut POOL.acquire());
    }
}

extern "C" fn loop_by_handle(handle: &PoolHandle<'static>, pairs: u64) {
    for _ in 0..pairs {
        use_once(&mut handle.acquire());
    }
}

extern "C" fn pair_by_name() {
    use_once(&mut POOL.acquire());
}

extern "C" fn pair_by_handle(handle: &PoolHandle<'static>) {
    use_once(&mut handle.acquire());
}

extern "C" fn acquire_by_name(place: &mut Place) {
    use_once(place.write(POOL.acquire()));
}

extern "C" fn acquire_by_handle(handle: &'static PoolHandle<'static>, place: &mut Place) {
    use_once(place.write(handle.acquire()));
}

unsafe extern "C" fn release(place: &mut Place) {
    // SAFETY: the caller acquired into it, and does not use it again.
    unsafe { place.assume_init_drop() };
}

#[inline(always)]
fn use_once(buffer: &mut Buffer<'_>) {
    // SAFETY: a pool's buffer is at least 64 bytes.
    unsafe { touch(buffer.as_mut_ptr()) };
}
