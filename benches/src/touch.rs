//! Using a buffer as little as possible, but so that the compiler must take it for used.

/// Writes one byte, and lets the pointer escape.
///
/// # Safety
///
/// * `start` is valid for writing one byte.
#[inline(always)]
pub unsafe fn touch(start: *mut u8) {
    // SAFETY: the caller's bullet. Volatile, so that no loop merges its writes.
    unsafe { start.write_volatile(1) };
    escape(start);
}

/// Makes the compiler assume that all that `pointer` leads to is read and written here. It costs no
/// instruction; [`std::hint::black_box`] would store the pointer and load it again.
#[inline(always)]
pub fn escape<T>(pointer: *mut T) {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    // SAFETY: an empty template; the operand is only read.
    unsafe {
        std::arch::asm!("/* {0} */", in(reg) pointer, options(nostack, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    std::hint::black_box(pointer);
}
