//! Load, Reflex and Emit allocate nothing after warm-up: counted by the global allocator, for each
//! thread alone.

// Elsewhere there is nothing to count with.
#![cfg(any(debug_assertions, feature = "allocation-tracking"))]

use std::path::Path;
use std::thread;

use knhk_pool::hot_path::{AllocationStats, allocations};
use knhk_pool::{BufferPool, KnhkPool, Workload};
use knhk_poold::hooks::{self, HookSet};
use knhk_poold::ingest::Ingested;
use knhk_poold::input::Input;
use knhk_poold::memory::{HeapMemory, Memory, PooledMemory};
use knhk_poold::output::Output;
use knhk_poold::terms::Dictionary;
use knhk_poold::transform::group_deltas;
use knhk_poold::turnstile::Turnstile;
use knhk_poold::worker::{Desk, Plan, Worker};

const TRIPLES: u64 = 30_000;

#[cfg(not(feature = "allocation-tracking"))]
#[global_allocator]
static ALLOCATOR: knhk_pool::HotPathAlloc = knhk_pool::HotPathAlloc::new(std::alloc::System);

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
) -> AllocationStats {
    let mut desk = Desk::new(memory);
    let mut worker = Worker::new(plan, &mut desk);
    worker
        .run(&Turnstile::new(1, true), None)
        .expect("the pools are large enough");
    let counts = allocations(|| {
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
                    AllocationStats::default(),
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
