//! Instructions a pair, checked against those on record: more than 2 % above fails (exit status 3).

// What gungraun's macros generate is public and has no documentation.
#![allow(missing_docs)]

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use knhk_pool_benches::{
    ArenaCounted, ArenaWarm, Counted, CountedRing, KernelCounted, Warm, WarmKernel, WarmRing,
};

fn limited(counted: Counted) -> LibraryBenchmarkConfig {
    limited_to(counted.limit())
}

fn limited_ring(counted: CountedRing) -> LibraryBenchmarkConfig {
    limited_to(counted.limit())
}

fn limited_to(instructions: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    // Marked paths have more.
    if cfg!(target_arch = "x86_64") && !cfg!(feature = "allocation-tracking") {
        callgrind.hard_limits([(EventKind::Ir, instructions)]);
    }
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

fn warm(counted: Counted) -> Warm {
    counted.prepare()
}

// The pool is returned, so that its end is not counted.
#[library_benchmark(setup = warm)]
#[bench::floor_one(args = (Counted::FloorOne), config = limited(Counted::FloorOne))]
#[bench::floor_sixteen(args = (Counted::FloorSixteen), config = limited(Counted::FloorSixteen))]
#[bench::floor_in_sections(args = (Counted::FloorInSections), config = limited(Counted::FloorInSections))]
#[bench::naive_one(args = (Counted::NaiveOne), config = limited(Counted::NaiveOne))]
#[bench::local_one(args = (Counted::LocalOne), config = limited(Counted::LocalOne))]
#[bench::local_sixteen(args = (Counted::LocalSixteen), config = limited(Counted::LocalSixteen))]
#[bench::static_one(args = (Counted::StaticOne), config = limited(Counted::StaticOne))]
#[bench::static_sixteen(args = (Counted::StaticSixteen), config = limited(Counted::StaticSixteen))]
#[bench::built_one(args = (Counted::BuiltOne), config = limited(Counted::BuiltOne))]
#[bench::built_sixteen(args = (Counted::BuiltSixteen), config = limited(Counted::BuiltSixteen))]
#[bench::handle_one(args = (Counted::HandleOne), config = limited(Counted::HandleOne))]
#[bench::local_stored(args = (Counted::LocalStored), config = limited(Counted::LocalStored))]
#[bench::static_stored(args = (Counted::StaticStored), config = limited(Counted::StaticStored))]
#[bench::local_try(args = (Counted::LocalTry), config = limited(Counted::LocalTry))]
#[bench::local_push(args = (Counted::LocalPush), config = limited(Counted::LocalPush))]
#[bench::static_exported(args = (Counted::StaticExported), config = limited(Counted::StaticExported))]
#[bench::object_one(args = (Counted::ObjectOne), config = limited(Counted::ObjectOne))]
#[bench::object_sixteen(args = (Counted::ObjectSixteen), config = limited(Counted::ObjectSixteen))]
#[bench::thread_object_one(args = (Counted::ThreadObjectOne), config = limited(Counted::ThreadObjectOne))]
#[bench::thread_object_sixteen(args = (Counted::ThreadObjectSixteen), config = limited(Counted::ThreadObjectSixteen))]
fn pairs(warm: Warm) -> Warm {
    warm.run();
    warm
}

fn warm_ring(counted: CountedRing) -> WarmRing {
    counted.prepare()
}

#[library_benchmark(setup = warm_ring)]
#[bench::event_one(args = (CountedRing::EventOne), config = limited_ring(CountedRing::EventOne))]
#[bench::event_burst(args = (CountedRing::EventBurst), config = limited_ring(CountedRing::EventBurst))]
#[bench::deque_one(args = (CountedRing::DequeOne), config = limited_ring(CountedRing::DequeOne))]
#[bench::deque_burst(args = (CountedRing::DequeBurst), config = limited_ring(CountedRing::DequeBurst))]
#[bench::spsc_one(args = (CountedRing::SpscOne), config = limited_ring(CountedRing::SpscOne))]
#[bench::spsc_burst(args = (CountedRing::SpscBurst), config = limited_ring(CountedRing::SpscBurst))]
#[bench::rtrb_one(args = (CountedRing::RtrbOne), config = limited_ring(CountedRing::RtrbOne))]
#[bench::rtrb_burst(args = (CountedRing::RtrbBurst), config = limited_ring(CountedRing::RtrbBurst))]
#[bench::heapless_one(args = (CountedRing::HeaplessOne), config = limited_ring(CountedRing::HeaplessOne))]
#[bench::heapless_burst(args = (CountedRing::HeaplessBurst), config = limited_ring(CountedRing::HeaplessBurst))]
fn rings(mut warm: WarmRing) -> WarmRing {
    warm.run();
    warm
}

fn warm_arena(counted: ArenaCounted) -> ArenaWarm {
    counted.prepare()
}

#[library_benchmark(setup = warm_arena)]
#[bench::floor(args = (ArenaCounted::Floor), config = limited_to(ArenaCounted::Floor.limit()))]
#[bench::arena(args = (ArenaCounted::Arena), config = limited_to(ArenaCounted::Arena.limit()))]
#[bench::scope(args = (ArenaCounted::Scope), config = limited_to(ArenaCounted::Scope.limit()))]
#[bench::bumpalo(args = (ArenaCounted::Bumpalo), config = limited_to(ArenaCounted::Bumpalo.limit()))]
#[bench::vector(args = (ArenaCounted::Vector), config = limited_to(ArenaCounted::Vector.limit()))]
#[bench::scratch(args = (ArenaCounted::Scratch), config = limited_to(ArenaCounted::Scratch.limit()))]
fn allocations(mut warm: ArenaWarm) -> ArenaWarm {
    warm.run();
    warm
}

fn warm_kernel(counted: KernelCounted) -> WarmKernel {
    counted.prepare()
}

// A loop that is not vectorised any more shows here as several times the count.
#[library_benchmark(setup = warm_kernel)]
#[bench::ln(args = (KernelCounted::Ln), config = limited_to(KernelCounted::Ln.limit()))]
#[bench::exp(args = (KernelCounted::Exp), config = limited_to(KernelCounted::Exp.limit()))]
#[bench::dlog_nulls(args = (KernelCounted::DlogNulls), config = limited_to(KernelCounted::DlogNulls.limit()))]
#[bench::sum_nulls(args = (KernelCounted::SumNulls), config = limited_to(KernelCounted::SumNulls.limit()))]
#[bench::sub_mul_add(args = (KernelCounted::SubMulAdd), config = limited_to(KernelCounted::SubMulAdd.limit()))]
#[bench::cosine(args = (KernelCounted::Cosine), config = limited_to(KernelCounted::Cosine.limit()))]
#[bench::decay(args = (KernelCounted::Decay), config = limited_to(KernelCounted::Decay.limit()))]
#[bench::spread(args = (KernelCounted::Spread), config = limited_to(KernelCounted::Spread.limit()))]
fn kernels(mut warm: WarmKernel) -> WarmKernel {
    warm.run();
    warm
}

library_benchmark_group!(
    name = instructions,
    benchmarks = [pairs, rings, allocations, kernels]
);
main!(library_benchmark_groups = instructions);
