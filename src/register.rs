//! Pointers of which the compiler forgets what it knew: where one came from, or what is behind it.

/// The same pointer, in a register of which the compiler does not know where it came from.
///
/// Without it the compiler folds the thread-local's place into every access (`fs:[disp]`), and on
/// Zen cores a load from such an address right after a store to it waits 4 cycles and more, where
/// one through a register waits none (ADR-004 has the figures). It may be hoisted out of loops.
// The lint warns of asm that reads behind a pointer and says that it does not; this one reads nothing.
#[allow(clippy::pointers_in_nomem_asm_block)]
#[inline(always)]
pub(crate) fn in_register<T>(pointer: *const T) -> *const T {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let mut address = pointer;
        // SAFETY: no instruction, no memory, no flags: the operand stays as it is.
        unsafe {
            std::arch::asm!(
                "/* {0} */",
                inout(reg) address,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        address
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    pointer
}

/// The same pointer, to memory of which the compiler knows nothing: for all it can tell, every byte
/// behind it was just written, with what the machine holds there. `None` where that cannot be had: under
/// Miri, which sees through it, and on processors other than x86-64 and AArch64.
#[inline(always)]
pub(crate) fn settled(pointer: *mut u8) -> Option<*mut u8> {
    #[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
    {
        // SAFETY: no instruction, no stack, no flags; that it may write memory is the purpose.
        unsafe {
            std::arch::asm!("/* {0} */", in(reg) pointer, options(nostack, preserves_flags));
        }
        Some(std::hint::black_box(pointer))
    }
    #[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
    {
        let _ = pointer;
        None
    }
}
