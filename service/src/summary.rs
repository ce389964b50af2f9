//! What a run came to, as numbers; `--json` prints it as it stands.

use std::time::Duration;

use knhk_pool::MergedReceipt;
use serde::Serialize;

use crate::ingest::{BadLine, Ingested};
use crate::passes::Passes;
use crate::pools::PoolLine;
use crate::run::{Mode, Options};
use crate::totals::HookTotals;
use crate::worker::Plan;

/// What a run came to. Counts are those of one pass; `pools` covers all passes.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// What was read.
    pub inputs: Vec<String>,
    /// `pooled` or `heap`.
    pub memory: &'static str,
    /// Threads.
    pub workers: usize,
    /// Triples a delta.
    pub delta: usize,
    /// Passes of Load, Reflex and Emit that were measured.
    pub passes: usize,
    /// Triples read.
    pub triples: u64,
    /// Lines that are not N-Triples.
    pub bad_lines: u64,
    /// The first of them.
    #[serde(serialize_with = "displayed")]
    pub bad_lines_shown: Vec<BadLine>,
    /// Distinct terms of the triples that are hashed.
    pub terms: usize,
    /// Deltas.
    pub deltas: u64,
    /// Runs loaded.
    pub runs: u64,
    /// Evaluations: pairs of a run and a hook of its predicate.
    pub hooks_evaluated: u64,
    /// Receipts written: one an evaluation.
    pub receipts: u64,
    /// Triples that CONSTRUCT8 made.
    pub constructed: u64,
    /// All receipts, merged.
    pub merged_receipt: Merged,
    /// By hook.
    pub hooks: Vec<HookLine>,
    /// Seconds of Ingest.
    pub ingest_seconds: f64,
    /// Seconds of Transform.
    pub transform_seconds: f64,
    /// Load to Emit: the median pass.
    #[serde(flatten)]
    pub speed: Speed,
    /// The core's clock: ticks a nanosecond.
    pub core_ghz: f64,
    /// Whether the program was built without optimisation, so that its times mean nothing.
    pub is_debug_build: bool,
    /// What the pools did.
    pub pools: Vec<PoolLine>,
    /// The other mode beside it.
    pub compare: Option<Comparison>,
}

/// The merged receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Receipts merged.
    pub count: u64,
    /// Matching lanes.
    pub lanes: u64,
    /// The sum of the receipts' hashes, as 16 hex digits.
    pub hash: String,
}

impl Merged {
    /// As it is shown.
    pub fn of(merged: MergedReceipt) -> Self {
        Self {
            count: merged.count,
            lanes: merged.lanes,
            hash: format!("{:016x}", merged.hash),
        }
    }
}

/// What one hook answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HookLine {
    /// Its name.
    pub name: String,
    /// Runs that it was asked of.
    pub evaluated: u64,
    /// Answers other than 0.
    pub true_answers: u64,
    /// Lanes that matched.
    pub lanes: u64,
}

impl HookLine {
    /// One for each hook.
    pub fn all(names: &[String], totals: &[HookTotals]) -> Vec<Self> {
        let line = |(name, hook): (&String, &HookTotals)| Self {
            name: name.clone(),
            evaluated: hook.evaluated,
            true_answers: hook.true_answers,
            lanes: hook.lanes,
        };
        names.iter().zip(totals).map(line).collect()
    }
}

/// How fast passes were: of several, the median.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Seconds a pass.
    pub seconds: f64,
    /// Triples a second, Load to Emit.
    pub triples_per_second: f64,
    /// Waiting for turns and writing, of all workers together, in the pass that wrote.
    pub output_seconds: f64,
    /// Sampled times of the stages.
    pub stages: Stages,
}

/// Nanoseconds of one worker for one run, in each stage: the median of the batches sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Stages {
    /// Load.
    pub load_ns_per_run: f64,
    /// Reflex: all hooks of the run.
    pub reflex_ns_per_run: f64,
    /// Reflex, for one evaluation.
    pub reflex_ns_per_evaluation: f64,
    /// Emit: all receipts and triples of the run.
    pub emit_ns_per_run: f64,
}

/// Pools beside heap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Passes of each, in turn.
    pub rounds: usize,
    /// On the pools.
    pub pooled: Speed,
    /// On the heap.
    pub heap: Speed,
    /// Pooled triples a second over the heap's: above 1, pools are faster. None where there are no triples.
    pub ratio: Option<f64>,
}

impl Comparison {
    /// Of the medians of `rounds` passes each.
    pub fn new(pooled: Speed, heap: Speed, rounds: usize) -> Self {
        let ratio = (heap.triples_per_second > 0.0)
            .then(|| pooled.triples_per_second / heap.triples_per_second);
        Self {
            rounds,
            pooled,
            heap,
            ratio,
        }
    }
}

impl Speed {
    /// The median of `passes`, of `triples` triples each.
    pub fn of(passes: &Passes, triples: usize) -> Self {
        let seconds = passes.median_wall().as_secs_f64();
        let samples = passes.samples();
        Self {
            seconds,
            triples_per_second: if seconds > 0.0 {
                triples as f64 / seconds
            } else {
                0.0
            },
            output_seconds: passes.writing().as_secs_f64(),
            stages: Stages {
                load_ns_per_run: samples.median_ns(|batch| batch.load, |batch| batch.runs),
                reflex_ns_per_run: samples.median_ns(|batch| batch.reflex, |batch| batch.runs),
                reflex_ns_per_evaluation: samples
                    .median_ns(|batch| batch.reflex, |batch| batch.evaluations),
                emit_ns_per_run: samples.median_ns(|batch| batch.emit, |batch| batch.runs),
            },
        }
    }
}

impl Summary {
    pub(crate) fn new(options: &Options, plan: &Plan<'_>, passes: &Passes) -> Self {
        let totals = passes.totals();
        let merged = totals.merged;
        Self {
            inputs: options.inputs.iter().map(ToString::to_string).collect(),
            memory: if options.mode == Mode::Heap {
                "heap"
            } else {
                "pooled"
            },
            workers: options.workers,
            delta: options.delta_len,
            passes: passes.len(),
            triples: plan.triples.len() as u64,
            bad_lines: 0,
            bad_lines_shown: Vec::new(),
            terms: 0,
            deltas: plan.deltas(),
            runs: totals.runs,
            hooks_evaluated: merged.count,
            receipts: merged.count,
            constructed: totals.constructed,
            merged_receipt: Merged::of(merged),
            hooks: HookLine::all(plan.hooks.names(), &totals.hooks),
            ingest_seconds: 0.0,
            transform_seconds: 0.0,
            speed: Speed::of(passes, plan.triples.len()),
            core_ghz: 0.0,
            is_debug_build: cfg!(debug_assertions),
            pools: Vec::new(),
            compare: None,
        }
    }

    pub(crate) fn with_ingest(
        mut self,
        ingested: &Ingested,
        ingest: Duration,
        transform: Duration,
    ) -> Self {
        self.bad_lines = ingested.bad_lines;
        self.bad_lines_shown.clone_from(&ingested.bad_lines_shown);
        self.ingest_seconds = ingest.as_secs_f64();
        self.transform_seconds = transform.as_secs_f64();
        self
    }

    pub(crate) fn with_terms(mut self, terms: usize) -> Self {
        self.terms = terms;
        self
    }

    pub(crate) fn with_pools(mut self, pools: Vec<PoolLine>) -> Self {
        self.pools = pools;
        self
    }

    pub(crate) fn with_comparison(mut self, comparison: Option<Comparison>) -> Self {
        self.compare = comparison;
        self
    }

    pub(crate) fn with_ticks(mut self, core_ghz: f64) -> Self {
        self.core_ghz = core_ghz;
        self
    }
}

fn displayed<S: serde::Serializer>(lines: &[BadLine], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lines.iter().map(ToString::to_string))
}
