//! What the benches share: the loops that are timed, the pools that run in them, and the recorded
//! instruction counts.
//!
//! Every pool, allocator and floor is a [`Peer`]; [`Depth`] has the two loops, which are compiled
//! once for each peer and never inlined. [`cases`] is the list that `pair`, `ticks` and the tests go
//! through. The figures stand in `README.md`.
//!
//! Unsafe code is allowed where a peer has to be one: raw memory for the floor and the allocators, and
//! a release that takes a buffer where it stands.

#[allow(unsafe_code)]
mod allocators;
#[allow(unsafe_code)]
mod arenas;
mod arenas_counted;
#[allow(unsafe_code)]
mod case;
mod chart;
mod clock;
#[allow(unsafe_code)]
mod counted;
#[allow(unsafe_code)]
mod floor;
mod kernel_counted;
#[allow(unsafe_code)]
mod objects;
#[allow(unsafe_code)]
mod ours;
#[allow(unsafe_code)]
mod peer;
#[allow(unsafe_code)]
mod pools;
mod rings;
#[allow(unsafe_code)]
mod touch;

pub use crate::allocators::Allocator;
pub use crate::arenas::{ArenaCase, BATCH, FLOATS, Load, arena_cases};
pub use crate::arenas_counted::{ALLOCATIONS_COUNTED, ArenaCounted, ArenaWarm};
pub use crate::case::{Case, cases};
pub use crate::chart::{Line, chart};
pub use crate::clock::core_ghz;
pub use crate::counted::{Counted, CountedRing, PAIRS_COUNTED, Warm, WarmRing};
pub use crate::floor::{Floor, Naive, TouchOnly};
pub use crate::kernel_counted::{KernelCounted, WarmKernel};
pub use crate::objects::{
    AnyThread, Block, ByValue, LocalObjects, Locked, Maker, Object, OneThread, Sharded, Vector,
    local_vectors, object_cases, static_vectors,
};
pub use crate::ours::{StaticPool, Stored, built_pool, config, local_pool};
pub use crate::peer::{BUFFER_SIZE, DEPTH, Depth, POOL_SIZE, Peer};
pub use crate::pools::{LastSplit, ObjectPool, Opool, ShardedSlab, Vecpool, Zeropool};
pub use crate::rings::{
    BURST, Inside, Pop, Push, RING_CAPACITY, Ring, RingCase, array_queue, event_ring,
    heapless_channel, heapless_deque, ring_cases, ringbuf_channel, rtrb_channel, spsc_channel,
};
pub use crate::touch::{escape, touch};

#[cfg(feature = "allocation-tracking")]
#[global_allocator]
static ALLOCATOR: knhk_pool::HotPathAlloc = knhk_pool::HotPathAlloc::new(std::alloc::System);

/// With the feature `allocation-tracking`, the library's hot paths are marked, and a bench that takes
/// one in which something allocates ends with a report. This fails if that would not be seen.
///
/// # Panics
///
/// With the feature, if the global allocator sees nothing.
pub fn assert_proved() {
    #[cfg(feature = "allocation-tracking")]
    knhk_pool::hot_path::assert_armed();
}
