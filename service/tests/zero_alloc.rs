//! Load, Reflex and Emit allocate nothing after warm-up: counted by the global allocator, for each
//! thread alone.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::thread;

use knhk_pool::{BufferPool, KnhkPool, Workload};
use knhk_poold::hooks::{self, HookSet};
use knhk_poold::ingest::Ingested;
use knhk_poold::input::Input;
use knhk_poold::memory::{HeapMemory, Memory, PooledMemory};
use knhk_poold::output::Output;
use knhk_poold::terms::Dictionary;
use knhk_poold::transform::group_deltas;
use knhk_poold::turnstile::Turnstile;
use knhk_poold::worker::{Plan, Worker};

const TRIPLES: u64 = 30_000;

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { allocations: 0, reallocations: 0, frees: 0 }) };
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    allocations: u64,
    reallocations: u64,
    frees: u64,
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches a thread-local that
// has no destructor and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(|counts| counts.allocations += 1);
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(|counts| counts.allocations += 1);
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(|counts| counts.reallocations += 1);
        // SAFETY: the caller keeps the same contract.
        unsafe { System.realloc(start, layout, size) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        count(|counts| counts.frees += 1);
        // SAFETY: the caller keeps the same contract.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(add: impl FnOnce(&mut Counts)) {
    let mut counts = COUNTS.get();
    add(&mut counts);
    COUNTS.set(counts);
}

/// What this thread asked the allocator for during `work`.
fn counted(work: impl FnOnce()) -> Counts {
    let before = COUNTS.get();
    work();
    let after = COUNTS.get();
    Counts {
        allocations: after.allocations - before.allocations,
        reallocations: after.reallocations - before.reallocations,
        frees: after.frees - before.frees,
    }
}

struct Loaded {
    data: Ingested,
    hooks: HookSet,
    delta_len: usize,
}

impl Loaded {
    /// The generated data with the hooks that are shipped for it.
    fn generated(delta_len: usize) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/hooks.toml");
        let mut terms = Dictionary::default();
        let hooks = hooks::load(&path, &mut terms).expect("the shipped hooks are good");
        let mut data = Ingested::new(terms);
        data.read(&Input::Generated(TRIPLES), 0, |_| {})
            .expect("generated data is good");
        group_deltas(&mut data.triples, delta_len);
        Self {
            data,
            hooks,
            delta_len,
        }
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            triples: &self.data.triples,
            delta_len: self.delta_len,
            hooks: &self.hooks,
            terms: &self.data.terms,
        }
    }
}

/// One worker's share of a whole pass, counted after the first block has warmed it up.
fn counted_share<M: Memory>(
    plan: Plan<'_>,
    memory: &M,
    turnstile: &Turnstile,
    output: &Output,
) -> Counts {
    let mut worker = Worker::new(plan, memory);
    worker
        .run(&Turnstile::new(1, true), None)
        .expect("the pools are large enough");
    let counts = counted(|| {
        worker
            .run(turnstile, Some(output))
            .expect("the pools are large enough")
    });
    assert!(
        worker.totals().constructed > 0,
        "this worker came to nothing"
    );
    counts
}

fn output(name: &str) -> Output {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    Output::open(&path, true).expect("the directory can be written")
}

#[test]
fn a_whole_run_on_pools_neither_allocates_nor_reallocates_nor_frees() {
    for (workload, delta_len) in [
        (Workload::Medium, 8),
        (Workload::Low, 8),
        (Workload::Medium, 100),
    ] {
        let loaded = Loaded::generated(delta_len);
        let buffers = BufferPool::builder("zero-alloc")
            .workload(workload)
            .build()
            .expect("a profile is good");
        let output = output("zero-alloc.jsonl");
        let turnstile = Turnstile::new(loaded.plan().blocks(), true);
        thread::scope(|scope| {
            let worker = || {
                let knhk = KnhkPool::new();
                buffers.warm_up();
                counted_share(
                    loaded.plan(),
                    &PooledMemory {
                        knhk: &knhk,
                        buffers: &buffers,
                    },
                    &turnstile,
                    &output,
                )
            };
            for thread in [scope.spawn(worker), scope.spawn(worker)] {
                let counts = thread.join().expect("the worker does not panic");
                assert_eq!(
                    counts,
                    Counts::default(),
                    "{workload}, deltas of {delta_len}"
                );
            }
        });
        output.finish().expect("the disk takes it");
    }
}

#[test]
fn the_same_run_on_the_heap_is_seen_to_allocate_and_to_free() {
    let loaded = Loaded::generated(8);
    let turnstile = Turnstile::new(loaded.plan().blocks(), true);
    let output = output("heap-alloc.jsonl");
    let counts = counted_share(
        loaded.plan(),
        &HeapMemory { buffer_size: 4096 },
        &turnstile,
        &output,
    );
    let soa_at_least = TRIPLES / 8;
    assert!(
        counts.allocations > soa_at_least && counts.frees > soa_at_least,
        "{counts:?}"
    );
}

#[test]
fn a_growing_vector_is_seen_to_reallocate() {
    let counts = counted(|| {
        let mut bytes = Vec::with_capacity(1);
        bytes.extend_from_slice(&[0_u8; 100]);
        std::hint::black_box(&bytes);
    });
    assert_eq!(
        counts,
        Counts {
            allocations: 1,
            reallocations: 1,
            frees: 1
        }
    );
}
