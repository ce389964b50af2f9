//! `knhk-poold`: the five stages of the KNHK pipeline on pooled memory.
//!
//! ```text
//! text ─Ingest─▸ id triples ─Transform─▸ deltas, grouped by predicate ─┐   (once)
//!                                                                      ▼
//!                     N workers, block by block:  Load ─▸ Reflex ─▸ Emit ─▸ output, in delta order
//! ```
//!
//! Results (counts, lanes, constructed triples, the merged receipt, the output byte for byte) depend
//! on the input, the delta's length and the hooks alone: not on the number of workers, nor on where
//! memory comes from.
//!
//! With the feature `allocation-tracking` the three stages are hot-path sections, where memory is
//! pooled, and an allocation in one of them is a panic.

#![forbid(unsafe_code)]

pub mod bench;
pub mod claims;
pub mod cli;
pub mod clock;
mod effective;
mod emit;
pub mod feed;
pub mod file_id;
pub mod generate;
pub mod gzip;
pub mod hooks;
pub mod ingest;
pub mod input;
pub mod instruments;
pub mod lines;
mod listen;
pub mod memory;
pub mod output;
pub mod pages;
pub mod panics;
pub mod pass;
pub mod passes;
pub mod pools;
pub mod progress;
pub mod reflex;
pub mod report;
pub mod run;
pub mod serve;
pub mod settings;
mod shown;
pub mod summary;
pub mod telemetry;
pub mod terms;
pub mod toml_error;
pub mod totals;
pub mod transform;
pub mod tune;
pub mod turnstile;
mod userinfo;
mod wall_clock;
pub mod worker;

#[cfg(feature = "allocation-tracking")]
#[global_allocator]
static ALLOCATOR: knhk_pool::HotPathAlloc = knhk_pool::HotPathAlloc::new(std::alloc::System);
