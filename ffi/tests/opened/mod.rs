//! A pool that was opened through the C ABI, and what is asked of it.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use knhk_pool_ffi::*;

/// Bytes of each buffer.
pub(crate) const BYTES: usize = 64;

/// The pool of that name, of so many buffers a thread.
pub(crate) fn pool(name: &CStr, buffers: usize) -> Pool {
    let config = PoolConfig {
        pool_size: buffers,
        buffer_size: BYTES,
        zero_on_release: 0,
    };
    let mut pool = 0;
    // SAFETY: a C string, a config, a place.
    let opened = unsafe { knhk_pool_open(name.as_ptr(), Some(&config), (&mut pool).into()) };
    assert_eq!(opened, Status::Ok);
    pool
}

type BufferPlace<'a> = Option<&'a mut MaybeUninit<Buffer>>;

/// What `call` fills.
pub(crate) fn filled(call: impl FnOnce(BufferPlace<'_>) -> Status) -> Result<Buffer, Status> {
    let mut buffer = MaybeUninit::uninit();
    match call(Some(&mut buffer)) {
        // SAFETY: filled, says the status.
        Status::Ok => Ok(unsafe { buffer.assume_init() }),
        status => Err(status),
    }
}

/// The buffers of all threads that are out.
pub(crate) fn in_use(pool: Pool) -> u64 {
    let mut stats = PoolStats::default();
    assert_eq!(knhk_stats_pool(pool, (&mut stats).into()), Status::Ok);
    stats.in_use
}
