//! AddressSanitizer's word for memory that must not be touched; nothing without `knhk_pool="asan"`.

use std::ptr::NonNull;

#[cfg(knhk_pool = "asan")]
mod runtime {
    use std::ffi::c_void;

    // SAFETY: as sanitizer/asan_interface.h declares them; the runtime is linked in by
    // `-Zsanitizer=address`, which the cfg says was given.
    unsafe extern "C" {
        pub(super) fn __asan_poison_memory_region(start: *const c_void, len: usize);
        pub(super) fn __asan_unpoison_memory_region(start: *const c_void, len: usize);
    }
}

/// Whoever touches these bytes is reported. Of a granule of 8 bytes the first ones may stay usable.
///
/// # Safety
///
/// * They are of one allocation, and nobody touches them before [`unpoison`] is called.
pub(super) unsafe fn poison(start: NonNull<u8>, len: usize) {
    #[cfg(knhk_pool = "asan")]
    // SAFETY: the caller's bullet; the runtime changes its shadow alone.
    unsafe {
        runtime::__asan_poison_memory_region(start.as_ptr().cast(), len);
    }
    #[cfg(not(knhk_pool = "asan"))]
    let _ = (start, len);
}

/// These bytes may be touched.
///
/// # Safety
///
/// * They are of one allocation.
pub(super) unsafe fn unpoison(start: NonNull<u8>, len: usize) {
    #[cfg(knhk_pool = "asan")]
    // SAFETY: the caller's bullet; the runtime changes its shadow alone.
    unsafe {
        runtime::__asan_unpoison_memory_region(start.as_ptr().cast(), len);
    }
    #[cfg(not(knhk_pool = "asan"))]
    let _ = (start, len);
}
