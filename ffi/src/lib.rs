//! The C ABI of `knhk-pool`: pools, arenas and rings behind handles that are checked, and the kernels on
//! vectors and graphs.
//!
//! `include/knhk_pool.h` is generated from this crate and checked in; its comments are the reference.
//! A handle is a number, never an address: null, stale, foreign and made-up ones are answered by a
//! [`Status`]. Nothing unwinds into the caller. ADR-014 tells why it is made so.
//!
//! # Threads
//!
//! A pool serves every thread. A buffer, a [`Here`] and an arena belong to the thread that made them;
//! half a ring belongs to the first thread that uses it. Any other thread is answered by
//! [`Status::WrongThread`]. When a thread ends, what belongs to it ends with it, as if it had been
//! given back.
//!
//! # Memory
//!
//! What an address may point to is the caller's promise, as everywhere in C: pointers handed in are
//! null or valid, and the bytes of a buffer are not used after its release.
//!
//! # Examples
//!
//! The functions can be called from Rust too; the tests do:
//!
//! ```
//! use std::mem::MaybeUninit;
//! use knhk_pool_ffi::{Status, knhk_pool_acquire, knhk_pool_open, knhk_pool_release};
//!
//! let (mut pool, mut buffer) = (0, MaybeUninit::uninit());
//! // SAFETY: a C string, a null config, a place for a handle.
//! let opened = unsafe { knhk_pool_open(c"doc".as_ptr(), None, (&mut pool).into()) };
//! assert_eq!(opened, Status::Ok);
//! assert_eq!(knhk_pool_acquire(pool, Some(&mut buffer)), Status::Ok);
//! // SAFETY: filled on the line above.
//! let mut buffer = unsafe { buffer.assume_init() };
//! assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
//! assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Stale);
//! ```
//!
//! # Unsafe code
//!
//! Denied but for these modules, each of which opens with its invariants: `table` (whose entry is
//! whose), `desk` (buffers that outlive their borrow), `lent_arena` (marks that outlive theirs),
//! `thread` (the thread's number, from a register), `array` and `place` (what C says is one), and those that export
//! symbols or take arrays from C: `arena`, `graph`, `pool`, `ring`, `stats`, `status`, `triples`, `vectors`.

#[allow(unsafe_code)]
mod arena;
#[allow(unsafe_code)]
mod array;
#[allow(unsafe_code)]
mod config_error;
#[allow(unsafe_code)]
mod desk;
#[allow(unsafe_code)]
mod graph;
mod hot_path;
mod layout;
#[allow(unsafe_code)]
mod lent_arena;
#[allow(unsafe_code)]
mod place;
#[allow(unsafe_code)]
mod pool;
#[allow(unsafe_code)]
mod ring;
#[allow(unsafe_code)]
mod stats;
#[allow(unsafe_code)]
mod status;
#[allow(unsafe_code)]
mod table;
#[allow(unsafe_code)]
mod thread;
#[allow(unsafe_code)]
mod triples;
#[allow(unsafe_code)]
mod vectors;

pub use crate::arena::{
    Arena, ArenaConfig, Mark, knhk_arena_alloc, knhk_arena_create, knhk_arena_destroy,
    knhk_arena_mark, knhk_arena_reset, knhk_arena_rewind,
};
pub use crate::config_error::knhk_config_error;
pub use crate::graph::{Graph, Reach, Spread, knhk_graph_spread};
pub use crate::layout::{Buffer, MergedReceipt, PredicateRun, Receipt, Scored, SoaTriples};
pub use crate::place::Place;
pub use crate::pool::{
    Here, Pool, PoolConfig, knhk_pool_acquire, knhk_pool_acquire_here, knhk_pool_here,
    knhk_pool_open, knhk_pool_release, knhk_pool_reserve, knhk_pool_trim, knhk_pool_try_acquire,
    knhk_pool_try_acquire_here, knhk_pool_warm_up,
};
pub use crate::ring::{Half, knhk_ring_close, knhk_ring_create, knhk_ring_pop, knhk_ring_push};
pub use crate::stats::{
    ArenaStats, PoolStats, RingStats, knhk_stats_arena, knhk_stats_pool, knhk_stats_ring,
};
pub use crate::status::{KNHK_ABI_VERSION, Status, knhk_abi_version, knhk_status_text};
pub use crate::triples::{knhk_receipt_hash, knhk_receipt_merge, knhk_triples_load};
pub use crate::vectors::{
    knhk_decay_half_life, knhk_decay_time_constant, knhk_vector_cosine, knhk_vector_distance,
    knhk_vector_dot, knhk_vector_top_k,
};
