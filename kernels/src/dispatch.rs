//! Which instruction set a kernel runs on: chosen once a call, from what the machine has.
//!
//! A kernel's loop is written once, in portable Rust, and compiled once for each instruction set
//! below; the vectors are made by the compiler. The loops use additions, multiplications, divisions,
//! comparisons and integer operations alone. IEEE 754 fixes the result of each, and Rust never
//! contracts a product and a sum, so every instruction set gives the same bits (ADR-012).
//!
//! # Invariants
//!
//! 1. A function with `#[target_feature]` is entered only on a machine that has each of its features:
//!    [`Isa::detect`] is the only maker of the value that selects it, and asks for every one of them.

use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set that kernels are compiled for.
///
/// Results do not depend on it; only time does.
///
/// # Examples
///
/// ```
/// use knhk_kernels::Isa;
///
/// assert!(Isa::available().contains(&Isa::Portable));
/// assert!(Isa::available().contains(&Isa::current()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isa {
    /// What the target has without asking: SSE2 on x86-64, NEON on AArch64.
    Portable,
    /// AVX2: four doubles at a time.
    Avx2,
    /// AVX-512 F, BW, DQ and VL: eight doubles at a time.
    Avx512,
}

impl Isa {
    /// The one that kernels run on here: the widest that the machine has.
    ///
    /// # Cost
    ///
    /// One relaxed load after the first call.
    #[inline]
    pub fn current() -> Self {
        // Relaxed: the byte says nothing about other memory.
        match CURRENT.load(Ordering::Relaxed) {
            PORTABLE => Self::Portable,
            AVX2 => Self::Avx2,
            AVX512 => Self::Avx512,
            _ => Self::first_look(),
        }
    }

    /// All that this machine has, narrowest first.
    pub fn available() -> &'static [Self] {
        let all: &[Self] = &[Self::Portable, Self::Avx2, Self::Avx512];
        match Self::detect() {
            Self::Portable => &all[..1],
            Self::Avx2 => &all[..2],
            Self::Avx512 => all,
        }
    }

    /// Makes kernels of the whole process run on the widest instruction set that the machine has and
    /// that is not wider than this one; returns which that is. For comparisons.
    pub fn limit(self) -> Self {
        let found = Self::detect();
        let chosen = if (self as u8) < (found as u8) {
            self
        } else {
            found
        };
        CURRENT.store(chosen.code(), Ordering::Relaxed);
        chosen
    }

    #[cold]
    fn first_look() -> Self {
        let found = Self::detect();
        CURRENT.store(found.code(), Ordering::Relaxed);
        found
    }

    const fn code(self) -> u8 {
        match self {
            Self::Portable => PORTABLE,
            Self::Avx2 => AVX2,
            Self::Avx512 => AVX512,
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn detect() -> Self {
        use std::arch::is_x86_feature_detected as has;

        let avx2 = has!("avx2") && has!("fma");
        if avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
            Self::Avx512
        } else if avx2 {
            Self::Avx2
        } else {
            Self::Portable
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Self {
        Self::Portable
    }
}

/// The chosen instruction set: [`UNKNOWN`], or what [`Isa::detect`] or [`Isa::limit`] has stored,
/// which is never wider than what the machine has.
static CURRENT: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const PORTABLE: u8 = 1;
const AVX2: u8 = 2;
const AVX512: u8 = 3;

/// A loop that is compiled for each instruction set.
///
/// `run` and all that it calls in its loop must be `#[inline(always)]`: only what is inlined is
/// compiled with the wider instructions.
pub(crate) trait Kernel {
    type Output;

    fn run(self) -> Self::Output;
}

/// Runs `kernel` on the machine's widest instruction set.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    match Isa::current() {
        Isa::Portable => kernel.run(),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: invariant 1: the value comes from `CURRENT`, which holds what `detect` has found,
        // or less.
        Isa::Avx2 => unsafe { on_avx2(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: invariant 1, as above.
        Isa::Avx512 => unsafe { on_avx512(kernel) },
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Avx2 | Isa::Avx512 => kernel.run(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn on_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn on_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}
