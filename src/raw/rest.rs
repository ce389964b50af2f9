//! Memory at rest: what a build does to memory while it is nobody's.
//!
//! A pool hides faults from the tools that would find them: memory that was given back is still
//! there, readable and writable, and an overrun ends in a neighbour. So the memory code can be built
//! in three modes (ADR-016), chosen by `RUSTFLAGS`:
//!
//! | `--cfg` | what is given back | a buffer's surroundings |
//! |---|---|---|
//! | none: as shipped | stays as it is; every function here is empty | as ADR-002 says |
//! | `knhk_pool="poison"` | is filled, checked when it is handed out again or freed, and with `--cfg knhk_pool="asan"` unreadable for AddressSanitizer | a line of cookies in front, one behind the padding, checked when it comes back |
//! | `knhk_pool="passthrough"` | is freed, and fresh memory of the exact size waits in its place | the allocator's |
//!
//! Counters and sizes in the books are the same in all three.
//!
//! # Invariants
//!
//! 1. Of each buffer, a slab's slot or a block, [`begin`] is told once, when it is new, and then in
//!    turn [`lay_down`] and [`take_up`]; [`end`] before it is freed, but for a slab that is freed while its
//!    thread panics.
//! 2. What is laid down or hidden is neither read nor written but by this module.

#[cfg(all(knhk_pool = "poison", knhk_pool = "passthrough"))]
compile_error!("knhk_pool is \"poison\" or \"passthrough\", not both");

#[cfg(knhk_pool = "poison")]
mod asan;
#[cfg(knhk_pool = "passthrough")]
mod passthrough;
#[cfg(knhk_pool = "poison")]
mod poison;
#[cfg(not(any(knhk_pool = "poison", knhk_pool = "passthrough")))]
mod shipped;

#[cfg(knhk_pool = "passthrough")]
pub(crate) use passthrough::*;
#[cfg(knhk_pool = "poison")]
pub(crate) use poison::*;
#[cfg(not(any(knhk_pool = "poison", knhk_pool = "passthrough")))]
pub(crate) use shipped::*;
