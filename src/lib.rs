//! Hot-path memory: thread-local buffer pools for programs that must not allocate.
//!
//! A pool hands out a buffer in a few CPU cycles and takes it back by `Drop`. It holds a fixed
//! number of equal buffers for each thread; when they are all in use the heap serves, and that is
//! counted. Nothing on the hit path locks, logs, formats, reads a clock, hashes, allocates, or
//! knows that telemetry exists.
//!
//! ```
//! use knhk_pool::BufferPool;
//!
//! static INGEST: BufferPool = BufferPool::new("ingest"); // sized at first use
//!
//! let mut line = INGEST.acquire(); // never fails: from the heap when the pool is exhausted
//! line.extend_from_slice(b"<http://example.org/s> <http://example.org/p> \"o\" .");
//! assert_eq!(line.len(), 51);
//! drop(line); // back to the pool
//! assert_eq!(INGEST.stats().hit_rate(), Some(1.0));
//! ```
//!
//! # What is here
//!
//! | you want | take |
//! |---|---|
//! | a pool to reach from anywhere | a `static` [`BufferPool`], or [`acquire`] for the default one |
//! | sizes set in the program | [`BufferPool::builder`] |
//! | a pool in a worker's own state | [`LocalPool`] |
//! | pooled objects that are not bytes | [`ObjectPool`], [`HeapObjectPool`] |
//! | the same for every thread, under one name | a `static` [`ThreadObjectPool`] |
//! | a queue of fixed capacity, on one thread or between two | [`EventRingBuffer`], [`spsc::channel`] |
//! | triples and receipts of the KNHK hot path | [`SoaTriples`], [`PredicateRun`], [`Receipt`], [`KnhkPool`], [`KnhkRings`] |
//! | temporaries and batches that end together | [`Arena`], with scopes; [`Arena::with_thread`] |
//! | temporaries of a function, 64 KiB a thread | [`scratch::with`], [`ScratchBuffer`] |
//! | to prove that a hot path does not allocate | [`hot_path`](mod@hot_path), `#[hot_path]` |
//! | to know what the pools are doing | [`BufferPool::stats`], [`snapshot`], [`telemetry`] |
//! | to know what size a pool needs | [`BufferPool::demand`], `knhk-poold tune` |
//!
//! # Sizes
//!
//! A pool that is sized at first use takes each value from the first place that sets it: the
//! program (builder), the environment, the `[pools.NAME]` table of the TOML file that
//! `KNHK_POOL_CONFIG` names, the top of that file, the workload profile. See [`PoolConfig`] for the
//! keys and [`Workload`] for the profiles. A value that makes no sense is an error that names it,
//! never a silent default: ask [`BufferPool::try_init`] before the first acquire.
//!
//! # When not to use it
//!
//! * For buffers that move between threads: a [`Buffer`] stays on its thread ([`Buffer::into_vec`]
//!   is the way out).
//! * For a handful of buffers an hour: `Vec` is simpler, and malloc is not that slow.
//! * For buffers of wildly different sizes: a pool has one size; what outgrows it is heap memory.
//!
//! # Features
//!
//! * `toml` (default): reads `KNHK_POOL_CONFIG`. Without it, a set `KNHK_POOL_CONFIG` is an error.
//! * `macros` (default): the attribute `#[hot_path]`.
//! * `allocation-tracking`: arms hot-path sections in builds without debug assertions too, and marks
//!   the library's own hot paths.
//! * `bytes`: `bytes::BufMut` for [`Buffer`].
//! * `otel`: the metrics on an OpenTelemetry meter (`telemetry::otel`).
//! * `metrics`: the metrics through the `metrics` facade (`telemetry::facade`).
//! * `allocator-api2`: `allocator_api2::alloc::Allocator` for [`Arena`] and [`Scope`], so that its
//!   `Vec` and hashbrown's maps live on them.
//! * `huge-pages`: lets an arena ask Linux for transparent huge pages (`madvise`).
//!
//! # Unsafe code
//!
//! Denied but for these modules, each of which opens with its invariants: `raw` (memory),
//! `arena` (what may be rewound when), `free_list`, `buffer`, `local_pool`, `seats` (which thread may
//! use which part), `buffer_pool`, `thread_object_pool` (how a part changes hands), `ring` (which half may use which slot), `hot_path`
//! (an allocator, and a thread-local reached through a register), `register` (an empty `asm!`), and `late_end` (POSIX keys).

#[allow(unsafe_code)]
mod arena;
#[allow(unsafe_code)]
mod buffer;
#[allow(unsafe_code)]
mod buffer_pool;
mod config;
mod counters;
#[allow(unsafe_code)]
mod free_list;
#[allow(unsafe_code)]
pub mod hot_path;
#[allow(unsafe_code)]
mod late_end;
#[allow(unsafe_code)]
mod local_pool;
mod object_pool;
mod pool_error;
#[doc(hidden)]
pub mod private;
#[allow(unsafe_code)]
mod raw;
mod reentry;
#[allow(unsafe_code)]
mod register;
mod registry;
#[allow(unsafe_code)]
pub mod ring;
pub mod scratch;
#[allow(unsafe_code)]
mod seats;
mod sync;
pub mod telemetry;
#[allow(unsafe_code)]
mod thread_object_pool;
mod triples;
mod workload;

#[cfg(doctest)]
#[doc = include_str!("../docs/hot-path.md")]
struct HotPathPage;

#[cfg(doctest)]
#[doc = include_str!("../docs/knhk.md")]
struct KnhkPage;

#[cfg(doctest)]
#[doc = include_str!("../docs/tune.md")]
struct TunePage;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use crate::arena::{Arena, ArenaError, Mark, Scope};
pub use crate::buffer::Buffer;
pub use crate::buffer_pool::{BufferPool, BufferPoolBuilder, PoolHandle, acquire, default_pool};
pub use crate::config::{
    ArenaConfig, ArenaOverflow, ConfigEntry, ConfigError, ConfigErrorKind, ConfigSource,
    Explanation, PoolConfig, PoolTable,
};
pub use crate::counters::{ArenaStats, Demand, PoolStats};
pub use crate::hot_path::{HotPathAlloc, HotPathGuard, permit_alloc};
pub use crate::local_pool::LocalPool;
pub use crate::object_pool::{HeapObjectPool, ObjectPool, Pooled, Reset};
pub use crate::pool_error::PoolError;
pub use crate::registry::{
    ArenaSnapshot, PoolKind, PoolSnapshot, Snapshot, ThreadSpread, snapshot,
};
pub use crate::ring::{EventRingBuffer, spsc};
pub use crate::scratch::ScratchBuffer;
pub use crate::thread_object_pool::ThreadObjectPool;
pub use crate::triples::{
    Assertion, AssertionRing, CapacityUsage, Delta, DeltaRing, KnhkPool, KnhkRings, MergedReceipt,
    PredicateRun, RUN_LEN_MAX, Receipt, RunList, RunPacker, SoaTriples, TriplesError, load_into,
    receipt_hash,
};
pub use crate::workload::{UnknownWorkload, Workload};
#[cfg(feature = "macros")]
pub use knhk_pool_macros::hot_path;
