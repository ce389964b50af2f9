//! The instruction counts on record, and what must not be exceeded.
//!
//! Counts do not depend on the machine's load, so they can be held to 2 %. They do depend on the
//! compiler (pinned in `rust-toolchain.toml`) and its target: those on record are x86-64's. To renew
//! them, see `README.md`.

mod rings;

use std::mem::{ManuallyDrop, MaybeUninit};
use std::time::Duration;

use knhk_pool::telemetry::otel;
use knhk_pool::{Buffer, HotPathGuard, LocalPool};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

use crate::case::Case;
use crate::floor::{Floor, Naive};
use crate::objects::{local_vectors, static_vectors};
use crate::ours::{StaticPool, Stored, built_pool, local_pool};
use crate::peer::{Depth, Peer};

pub use rings::{CountedRing, WarmRing};

/// Pairs in one count: so many that what surrounds the loop is below one in a thousand, and whole
/// batches of sixteen.
pub const PAIRS_COUNTED: u64 = 16_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The hand-written floor, one deep: if this moves, the compiler has, and not the library.
    FloorOne,
    /// The floor, sixteen deep.
    FloorSixteen,
    /// The floor with each acquire in a hot-path section, not armed: the floor's own count.
    FloorInSections,
    /// `RefCell<Vec<Vec<u8>>>`, one deep.
    NaiveOne,
    /// `LocalPool`, one deep.
    LocalOne,
    /// `LocalPool`, sixteen deep.
    LocalSixteen,
    /// A static `BufferPool`, one deep.
    StaticOne,
    /// A static `BufferPool`, sixteen deep.
    StaticSixteen,
    /// A built `BufferPool`, one deep.
    BuiltOne,
    /// A built `BufferPool`, sixteen deep.
    BuiltSixteen,
    /// `PoolHandle`, one deep.
    HandleOne,
    /// A `LocalPool`'s buffer that lives in memory.
    LocalStored,
    /// A static `BufferPool`'s buffer that lives in memory.
    StaticStored,
    /// `LocalPool::try_acquire`, one deep.
    LocalTry,
    /// A `LocalPool`'s buffer with a byte pushed.
    LocalPush,
    /// As `StaticOne`, while the pool's metrics are registered and exported.
    StaticExported,
    /// `ObjectPool::get`, one deep.
    ObjectOne,
    /// `ObjectPool::get`, sixteen deep.
    ObjectSixteen,
    /// `ThreadObjectPool::get`, one deep.
    ThreadObjectOne,
    /// `ThreadObjectPool::get`, sixteen deep.
    ThreadObjectSixteen,
}

impl Counted {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::FloorOne,
        Self::FloorSixteen,
        Self::FloorInSections,
        Self::NaiveOne,
        Self::LocalOne,
        Self::LocalSixteen,
        Self::StaticOne,
        Self::StaticSixteen,
        Self::BuiltOne,
        Self::BuiltSixteen,
        Self::HandleOne,
        Self::LocalStored,
        Self::StaticStored,
        Self::LocalTry,
        Self::LocalPush,
        Self::StaticExported,
        Self::ObjectOne,
        Self::ObjectSixteen,
        Self::ThreadObjectOne,
        Self::ThreadObjectSixteen,
    ];

    /// Instructions for [`PAIRS_COUNTED`] pairs, as counted when this was last renewed.
    pub const fn recorded(self) -> u64 {
        match self {
            Self::FloorOne => 192_044,
            Self::FloorSixteen => 353_053,
            Self::FloorInSections => 192_044,
            Self::NaiveOne => 576_059,
            Self::LocalOne => 256_049,
            Self::LocalSixteen => 634_062,
            Self::StaticOne => 352_049,
            Self::StaticSixteen => 730_064,
            Self::BuiltOne => 352_051,
            Self::BuiltSixteen => 730_066,
            Self::HandleOne => 256_049,
            Self::LocalStored => 368_052,
            Self::StaticStored => 464_054,
            Self::LocalTry => 256_049,
            Self::LocalPush => 304_049,
            Self::StaticExported => Self::StaticOne.recorded(),
            Self::ObjectOne => 496_056,
            Self::ObjectSixteen => 617_068,
            Self::ThreadObjectOne => 544_063,
            Self::ThreadObjectSixteen => 668_070,
        }
    }

    /// What the check allows: 2 % above what is on record; for telemetry not one instruction in a
    /// thousand pairs.
    pub const fn limit(self) -> u64 {
        match self {
            Self::StaticExported => self.recorded() + PAIRS_COUNTED / 1000,
            _ => self.recorded() + self.recorded() / 50,
        }
    }

    /// The case, with its pool warm and every buffer of the loop handed out once.
    pub fn prepare(self) -> Warm {
        crate::assert_proved();
        let (case, depth) = match self {
            Self::FloorOne => (Case::new("floor", Floor::new()), Depth::One),
            Self::FloorSixteen => (Case::new("floor", Floor::new()), Depth::Sixteen),
            Self::FloorInSections => (Case::new("sections", InSections(Floor::new())), Depth::One),
            Self::NaiveOne => (Case::new("naive", Naive::new()), Depth::One),
            Self::LocalOne => (Case::new("local", local_pool()), Depth::One),
            Self::LocalSixteen => (Case::new("local", local_pool()), Depth::Sixteen),
            Self::StaticOne => (Case::new("static", StaticPool), Depth::One),
            Self::StaticSixteen => (Case::new("static", StaticPool), Depth::Sixteen),
            Self::BuiltOne => (Case::new("built", built_pool("counted")), Depth::One),
            Self::BuiltSixteen => (Case::new("built", built_pool("counted")), Depth::Sixteen),
            Self::HandleOne => {
                let pool = Box::leak(Box::new(built_pool("counted-handle")));
                (Case::new("handle", pool.handle()), Depth::One)
            }
            Self::LocalStored => (Case::new("stored", Stored(local_pool())), Depth::One),
            Self::StaticStored => (Case::new("stored", Stored(StaticPool)), Depth::One),
            Self::LocalTry => (Case::new("try", Trying(local_pool())), Depth::One),
            Self::LocalPush => (Case::new("push", Pushing(local_pool())), Depth::One),
            Self::StaticExported => {
                export();
                (Case::new("static", StaticPool), Depth::One)
            }
            Self::ObjectOne => (Case::new("objects", local_vectors()), Depth::One),
            Self::ObjectSixteen => (Case::new("objects", local_vectors()), Depth::Sixteen),
            Self::ThreadObjectOne => (Case::new("by thread", static_vectors()), Depth::One),
            Self::ThreadObjectSixteen => (Case::new("by thread", static_vectors()), Depth::Sixteen),
        };
        case.run(depth, 1);
        Warm { case, depth }
    }
}

/// Registers the metrics of every pool with an SDK that exports them each second, from a thread of its
/// own, until the process ends; the first export is done.
fn export() {
    let reader = PeriodicReader::builder(InMemoryMetricExporter::default())
        .with_interval(Duration::from_secs(1))
        .build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    otel::register(&provider.meter_with_scope(otel::scope()));
    provider.force_flush().expect("the exporter takes all");
    std::mem::forget(provider);
}

/// A case that is ready to be counted.
#[derive(Debug)]
pub struct Warm {
    case: Case,
    depth: Depth,
}

impl Warm {
    /// Runs [`PAIRS_COUNTED`] pairs; returns how many it was.
    pub fn run(&self) -> u64 {
        self.case.run(self.depth, PAIRS_COUNTED)
    }
}

/// Acquires in a section.
struct InSections(Floor);

// SAFETY: as the floor itself.
unsafe impl Peer for InSections {
    type Buffer<'a> = <Floor as Peer>::Buffer<'a>;

    #[inline(always)]
    fn acquire(&self) -> Self::Buffer<'_> {
        let _section = HotPathGuard::enter("counted");
        self.0.acquire()
    }

    #[inline(always)]
    fn memory<'m>(buffer: &'m mut Self::Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
        Floor::memory(buffer)
    }

    #[inline(always)]
    unsafe fn release(&self, buffer: &mut ManuallyDrop<Self::Buffer<'_>>) {
        // SAFETY: the caller's bullet.
        unsafe { self.0.release(buffer) };
    }
}

/// Asks for pooled buffers only.
struct Trying(LocalPool);

// SAFETY: as the pool itself.
unsafe impl Peer for Trying {
    type Buffer<'a> = Buffer<'a>;

    #[inline(always)]
    fn acquire(&self) -> Buffer<'_> {
        self.0.try_acquire().expect("one buffer is out at a time")
    }

    #[inline(always)]
    fn memory<'m>(buffer: &'m mut Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
        buffer.spare_capacity_mut()
    }
}

/// Pushes a byte into each buffer.
struct Pushing(LocalPool);

// SAFETY: as the pool itself.
unsafe impl Peer for Pushing {
    type Buffer<'a> = Buffer<'a>;

    #[inline(always)]
    fn acquire(&self) -> Buffer<'_> {
        self.0.acquire()
    }

    #[inline(always)]
    fn memory<'m>(buffer: &'m mut Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
        buffer.spare_capacity_mut()
    }

    #[inline(always)]
    fn keep(buffer: &mut Buffer<'_>) {
        buffer.push(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counted_case_is_in_the_bench() {
        let bench = include_str!("../instructions.rs");
        for counted in Counted::ALL {
            let line = format!("limited(Counted::{counted:?})");
            assert!(bench.contains(&line), "no {counted:?} in instructions.rs");
        }
    }

    #[test]
    fn each_counted_case_runs_the_pairs_that_it_is_counted_for() {
        for counted in Counted::ALL {
            assert_eq!(counted.prepare().run(), PAIRS_COUNTED, "{counted:?}");
        }
    }

    #[test]
    fn limits_are_two_percent_above_what_is_recorded() {
        let exported = Counted::StaticExported;
        assert_eq!(exported.limit() - Counted::StaticOne.recorded(), 16);
        for counted in Counted::ALL.into_iter().filter(|it| *it != exported) {
            let over = counted.limit() as f64 / counted.recorded() as f64;
            assert!((1.019..=1.02).contains(&over), "{counted:?}: {over}");
        }
    }
}
