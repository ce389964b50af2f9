//! What the pools tell the world: metrics, a warning when a hit rate falls, and their names.
//!
//! ```text
//!  hot path: single-writer counters ◂── snapshot() ──▸ Monitor ── interval rates, warnings (tracing)
//!                                          │              │
//!                                          ▼              ▼
//!                                     OpenTelemetry (`otel`), `metrics` facade (`facade`)
//! ```
//!
//! Nothing here runs on a thread that acquires or releases: every figure is read from
//! [`snapshot`](crate::snapshot), and an acquire costs the same number of instructions with telemetry
//! as without. Names, units and attributes are declared in the registry below `weaver/`, from which
//! [`semconv`] is generated; `docs/telemetry.md` lists them.
//!
//! # Use
//!
//! ```
//! use std::time::Duration;
//! use knhk_pool::telemetry::Monitor;
//!
//! // Warns through `tracing` when a pool's hit rate falls below its threshold (90 % by default), and
//! // says which size would have held, or twice the size, where acquires were refused.
//! let monitor = Monitor::start(Duration::from_secs(10))?;
//! # drop(monitor);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! With the feature `otel`, `telemetry::otel::register(&meter)` installs observable instruments on a
//! meter of the program's own; with the feature `metrics`, `telemetry::facade::Publisher` feeds the
//! recorder that the program has installed. The library brings no SDK and no exporter.

mod events;
#[cfg(feature = "metrics")]
pub mod facade;
pub mod health;
mod monitor;
#[cfg(feature = "otel")]
pub mod otel;
#[cfg(any(feature = "otel", feature = "metrics"))]
mod readings;
pub mod semconv;
mod ticker;

pub use self::monitor::Monitor;
