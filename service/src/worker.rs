//! One worker: takes block after block through *Load*, *Reflex* and *Emit*.
//!
//! ```text
//! block ─▸ batch of ≤ 16 SoaTriples ─▸ Load ─▸ Reflex ─▸ Emit ─▸ pages ─▸ (block's turn) output
//! ```
//!
//! Its lists have their full capacity from the start; everything else comes from [`Memory`], so
//! that after warm-up a block allocates nothing.

#[cfg(feature = "allocation-tracking")]
use knhk_pool::HotPathGuard;
use knhk_pool::{MergedReceipt, Receipt, RunList, TriplesError, load_into, receipt_hash};
use tracing::Span;

use crate::clock::{Sample, Samples, Stopwatch};
use crate::emit::emit;
use crate::feed::Feed;
use crate::hooks::{Hook, HookSet, Test};
use crate::instruments::{self, BatchSpan};
use crate::memory::Memory;
use crate::output::{Door, Output};
use crate::pages::Pages;
use crate::reflex::{Verdict, evaluate};
use crate::terms::Dictionary;
use crate::turnstile::Turnstile;

/// `SoaTriples` that are filled before hooks are evaluated: what KNHK's pool has.
pub const BATCH_LEN: usize = 16;

/// Evaluations before they are emitted: the receipts that KNHK's pool has.
pub const EVALUATIONS_MAX: usize = 1024;

/// Triples in a block, if a delta is not longer: long enough that handing out blocks costs nothing.
const BLOCK_TRIPLES: usize = 256;

/// What all workers share: the grouped triples, and what is asked of them.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'r> {
    /// Deltas, each grouped by predicate.
    pub triples: &'r [[u64; 3]],
    /// Triples a delta, at least 1.
    pub delta_len: usize,
    /// What is asked of each run.
    pub hooks: &'r HookSet,
    /// The terms behind the ids.
    pub terms: &'r Dictionary,
}

impl<'r> Plan<'r> {
    /// Deltas in all; the last may be shorter.
    pub fn deltas(&self) -> u64 {
        self.triples.len().div_ceil(self.delta_len) as u64
    }

    /// Blocks in all: each a whole number of deltas, the same for any number of workers.
    pub fn blocks(&self) -> u64 {
        self.triples.len().div_ceil(self.block_len()) as u64
    }

    fn block_len(&self) -> usize {
        (BLOCK_TRIPLES / self.delta_len)
            .max(1)
            .saturating_mul(self.delta_len)
    }

    fn feed(&self, block: u64) -> Feed<'r> {
        let start = block as usize * self.block_len();
        let end = self
            .triples
            .len()
            .min(start.saturating_add(self.block_len()));
        Feed::new(
            &self.triples[start..end],
            self.delta_len,
            (start / self.delta_len) as u64,
        )
    }
}

/// What came of one hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookTotals {
    /// Runs that it was asked of.
    pub evaluated: u64,
    /// Answers other than 0.
    pub true_answers: u64,
    /// Lanes that matched.
    pub lanes: u64,
}

/// What a worker did: the same sum for any number of workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Runs loaded.
    pub runs: u64,
    /// Triples that CONSTRUCT8 made.
    pub constructed: u64,
    /// All receipts, merged: their count is the number of evaluations.
    pub merged: MergedReceipt,
    /// By hook index.
    pub hooks: Vec<HookTotals>,
}

impl Totals {
    /// Nothing done yet, for so many hooks.
    pub fn new(hooks: usize) -> Self {
        Self {
            hooks: vec![HookTotals::default(); hooks],
            ..Self::default()
        }
    }

    /// Adds what another worker did, for the same hooks.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.constructed += other.constructed;
        self.merged = self.merged.combine(other.merged);
        for (sum, hook) in self.hooks.iter_mut().zip(&other.hooks) {
            sum.evaluated += hook.evaluated;
            sum.true_answers += hook.true_answers;
            sum.lanes += hook.lanes;
        }
    }

    fn count(&mut self, hook: &Hook, verdict: Verdict, receipt: &Receipt) {
        self.merged.merge(receipt);
        if matches!(hook.test, Test::Construct8 { .. }) {
            self.constructed += u64::from(verdict.answer);
        }
        let totals = &mut self.hooks[hook.index as usize];
        totals.evaluated += 1;
        totals.true_answers += u64::from(verdict.answer != 0);
        totals.lanes += u64::from(receipt.lanes);
    }
}

/// A filled `SoaTriples`.
pub(crate) struct Slot<S> {
    pub(crate) soa: S,
    runs: RunList,
    delta: u64,
    first_run: u64,
}

/// One hook's answer on one run, and its receipt.
pub(crate) struct Evaluation<R> {
    pub(crate) receipt: R,
    pub(crate) test: Test,
    pub(crate) verdict: Verdict,
    /// In the batch.
    pub(crate) slot: usize,
}

/// One thread's part of the pipeline.
pub struct Worker<'r, M: Memory> {
    plan: Plan<'r>,
    memory: &'r M,
    slots: Vec<Slot<M::Soa>>,
    evaluations: Vec<Evaluation<M::Receipt>>,
    pages: Pages<'r, M>,
    totals: Totals,
    /// Of the batch under way.
    sample: Sample,
    samples: Samples,
    batches: u64,
    /// What the spans of batches stand below.
    span: Span,
}

impl<M: Memory> std::fmt::Debug for Worker<'_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

impl<'r, M: Memory> Worker<'r, M> {
    /// A worker that has done nothing yet. The spans of its batches stand below the current span.
    pub fn new(plan: Plan<'r>, memory: &'r M) -> Self {
        Self {
            plan,
            memory,
            slots: Vec::with_capacity(BATCH_LEN),
            evaluations: Vec::with_capacity(EVALUATIONS_MAX),
            pages: Pages::new(memory),
            totals: Totals::new(plan.hooks.names().len()),
            sample: Sample::default(),
            samples: Samples::with_room(),
            batches: 0,
            span: Span::current(),
        }
    }

    /// Works until `turnstile` has no more blocks.
    ///
    /// # Errors
    ///
    /// [`TriplesError`] when memory was refused: not with pools of the sizes above.
    pub fn run(
        &mut self,
        turnstile: &Turnstile,
        output: Option<&Output>,
    ) -> Result<(), TriplesError> {
        while let Some(ticket) = turnstile.claim() {
            self.block(Door::new(ticket, output))?;
        }
        Ok(())
    }

    /// What was done so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What the sampled batches took so far.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Time spent waiting for turns and writing, so far.
    pub fn writing(&self) -> std::time::Duration {
        self.pages.writing()
    }

    fn block(&mut self, door: Door<'_>) -> Result<(), TriplesError> {
        let mut feed = self.plan.feed(door.block());
        let (triples, before) = (feed.len(), self.totals.merged.count);
        while !feed.is_empty() {
            self.batch(&mut feed, &door)?;
        }
        let evaluations = self.totals.merged.count - before;
        instruments::count(M::KIND, triples as u64, evaluations);
        self.pages.finish(&door);
        door.pass();
        Ok(())
    }

    fn batch(&mut self, feed: &mut Feed<'r>, door: &Door<'_>) -> Result<(), TriplesError> {
        let span = BatchSpan::new(&self.span, self.batches);
        let mut watch = Stopwatch::start(self.batches);
        self.batches += 1;
        let before = (self.totals.runs, self.totals.merged.count);
        span.load().in_scope(|| self.load(feed))?;
        self.sample.load += watch.lap();
        span.reflex().in_scope(|| self.reflex(&mut watch, door))?;
        span.emit().in_scope(|| self.emit(&mut watch, door));
        self.slots.clear();
        if watch.is_running() {
            self.sample.runs = self.totals.runs - before.0;
            self.sample.evaluations = self.totals.merged.count - before.1;
            self.samples.push(std::mem::take(&mut self.sample));
        }
        Ok(())
    }

    /// *Load*: fills up to [`BATCH_LEN`] `SoaTriples`.
    fn load(&mut self, feed: &mut Feed<'r>) -> Result<(), TriplesError> {
        #[cfg(feature = "allocation-tracking")]
        let _section = section::<M>("knhk_poold::worker::load");
        for portion in feed.take(BATCH_LEN) {
            let mut soa = self.memory.soa(portion.triples.len())?;
            let mut runs = RunList::default();
            load_into(portion.triples, &mut soa, &mut runs)?;
            self.totals.runs += runs.len() as u64;
            self.slots.push(Slot {
                soa,
                runs,
                delta: portion.delta,
                first_run: portion.first_run,
            });
        }
        Ok(())
    }

    /// *Reflex*: asks each run's hooks. When the receipts are all out, they are emitted in between.
    fn reflex(&mut self, watch: &mut Stopwatch, door: &Door<'_>) -> Result<(), TriplesError> {
        #[cfg(feature = "allocation-tracking")]
        let _section = section::<M>("knhk_poold::worker::reflex");
        for slot in 0..self.slots.len() {
            for run in 0..self.slots[slot].runs.len() {
                let predicate = self.slots[slot].runs[run].predicate();
                for hook in self.plan.hooks.of_predicate(predicate) {
                    if self.evaluations.len() == EVALUATIONS_MAX {
                        self.sample.reflex += watch.lap();
                        self.emit(watch, door);
                    }
                    self.ask(hook, slot, run)?;
                }
            }
        }
        self.sample.reflex += watch.lap();
        Ok(())
    }

    fn ask(&mut self, hook: &Hook, index: usize, run: usize) -> Result<(), TriplesError> {
        let slot = &self.slots[index];
        let verdict = evaluate(hook.test, &slot.soa, &slot.runs[run]);
        let mut receipt = self.memory.receipt()?;
        *receipt = slot.receipt(run as u64, hook, verdict);
        self.totals.count(hook, verdict, &receipt);
        self.evaluations.push(Evaluation {
            receipt,
            test: hook.test,
            verdict,
            slot: index,
        });
        Ok(())
    }

    /// *Emit*: writes all evaluations to the pages, and gives their receipts back.
    fn emit(&mut self, watch: &mut Stopwatch, door: &Door<'_>) {
        #[cfg(feature = "allocation-tracking")]
        let _section = section::<M>("knhk_poold::worker::emit");
        let writing = self.pages.writing();
        for evaluation in self.evaluations.drain(..) {
            let soa = &self.slots[evaluation.slot].soa;
            emit(&evaluation, soa, self.plan.terms, |kind, bytes| {
                self.pages.put(kind, bytes, door)
            });
        }
        let waited = self.pages.writing() - writing;
        self.sample.emit += watch.lap().saturating_sub(waited);
    }
}

/// A stage on pooled memory is a hot path. Heap memory is there to be compared with.
#[cfg(feature = "allocation-tracking")]
#[track_caller]
fn section<M: Memory>(stage: &'static str) -> Option<HotPathGuard> {
    M::IS_POOLED.then(|| HotPathGuard::enter(stage))
}

impl<S> Slot<S> {
    fn receipt(&self, run: u64, hook: &Hook, verdict: Verdict) -> Receipt {
        let (cycle, shard, hook) = (self.delta, self.first_run + run, u64::from(hook.index));
        Receipt {
            cycle,
            shard,
            hook,
            lanes: verdict.lanes.count_ones(),
            hash: receipt_hash(cycle, shard, hook, u64::from(verdict.answer)),
            ..Receipt::default()
        }
    }
}
