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
use knhk_pool::{Receipt, RunList, TriplesError, load_into, receipt_hash};
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
use crate::totals::Totals;
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

/// One thread's place of work: its lists and output buffers, for one plan after the other.
pub struct Desk<'m, M: Memory> {
    memory: &'m M,
    slots: Vec<Slot<M::Soa>>,
    evaluations: Vec<Evaluation<M::Receipt>>,
    pages: Pages<'m, M>,
    /// Of the batch under way.
    sample: Sample,
    samples: Samples,
    batches: u64,
}

impl<M: Memory> std::fmt::Debug for Desk<'_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("batches", &self.batches)
            .finish_non_exhaustive()
    }
}

impl<'m, M: Memory> Desk<'m, M> {
    /// At which nothing was done yet.
    pub fn new(memory: &'m M) -> Self {
        Self {
            memory,
            slots: Vec::with_capacity(BATCH_LEN),
            evaluations: Vec::with_capacity(EVALUATIONS_MAX),
            pages: Pages::new(memory),
            sample: Sample::default(),
            samples: Samples::with_room(),
            batches: 0,
        }
    }

    /// What the sampled batches took, since they were last forgotten.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Forgets them.
    pub fn forget_samples(&mut self) {
        self.samples.clear();
    }

    /// Time spent waiting for turns and writing, so far.
    pub fn writing(&self) -> std::time::Duration {
        self.pages.writing()
    }
}

/// One thread's part of a plan.
pub struct Worker<'w, 'm, M: Memory> {
    plan: Plan<'w>,
    desk: &'w mut Desk<'m, M>,
    totals: Totals,
    /// What the spans of batches stand below.
    span: Span,
}

impl<M: Memory> std::fmt::Debug for Worker<'_, '_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

impl<'w, 'm, M: Memory> Worker<'w, 'm, M> {
    /// A worker that has done nothing yet. The spans of its batches stand below the current span.
    pub fn new(plan: Plan<'w>, desk: &'w mut Desk<'m, M>) -> Self {
        Self {
            plan,
            desk,
            totals: Totals::new(plan.hooks.names().len()),
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

    /// What was done.
    pub fn into_totals(self) -> Totals {
        self.totals
    }

    fn block(&mut self, door: Door<'_>) -> Result<(), TriplesError> {
        let mut feed = self.plan.feed(door.block());
        let (triples, before) = (feed.len(), self.totals.merged.count);
        while !feed.is_empty() {
            self.batch(&mut feed, &door)?;
        }
        let evaluations = self.totals.merged.count - before;
        instruments::count(M::KIND, triples as u64, evaluations);
        self.desk.pages.finish(&door);
        door.pass();
        Ok(())
    }

    fn batch(&mut self, feed: &mut Feed<'w>, door: &Door<'_>) -> Result<(), TriplesError> {
        let span = BatchSpan::new(&self.span, self.desk.batches);
        let mut watch = Stopwatch::start(self.desk.batches);
        self.desk.batches += 1;
        let before = (self.totals.runs, self.totals.merged.count);
        span.load().in_scope(|| self.load(feed))?;
        self.desk.sample.load += watch.lap();
        span.reflex().in_scope(|| self.reflex(&mut watch, door))?;
        span.emit().in_scope(|| self.emit(&mut watch, door));
        self.desk.slots.clear();
        if watch.is_running() {
            self.desk.sample.runs = self.totals.runs - before.0;
            self.desk.sample.evaluations = self.totals.merged.count - before.1;
            self.desk
                .samples
                .push(std::mem::take(&mut self.desk.sample));
        }
        Ok(())
    }

    /// *Load*: fills up to [`BATCH_LEN`] `SoaTriples`.
    fn load(&mut self, feed: &mut Feed<'w>) -> Result<(), TriplesError> {
        #[cfg(feature = "allocation-tracking")]
        let _section = section::<M>("knhk_poold::worker::load");
        for portion in feed.take(BATCH_LEN) {
            let mut soa = self.desk.memory.soa(portion.triples.len())?;
            let mut runs = RunList::default();
            load_into(portion.triples, &mut soa, &mut runs)?;
            self.totals.runs += runs.len() as u64;
            self.desk.slots.push(Slot {
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
        for slot in 0..self.desk.slots.len() {
            for run in 0..self.desk.slots[slot].runs.len() {
                let predicate = self.desk.slots[slot].runs[run].predicate();
                for hook in self.plan.hooks.of_predicate(predicate) {
                    if self.desk.evaluations.len() == EVALUATIONS_MAX {
                        self.desk.sample.reflex += watch.lap();
                        self.emit(watch, door);
                    }
                    self.ask(hook, slot, run)?;
                }
            }
        }
        self.desk.sample.reflex += watch.lap();
        Ok(())
    }

    fn ask(&mut self, hook: &Hook, index: usize, run: usize) -> Result<(), TriplesError> {
        let slot = &self.desk.slots[index];
        let verdict = evaluate(hook.test, &slot.soa, &slot.runs[run]);
        let mut receipt = self.desk.memory.receipt()?;
        *receipt = slot.receipt(run as u64, hook, verdict);
        self.totals.count(hook, verdict, &receipt);
        self.desk.evaluations.push(Evaluation {
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
        let writing = self.desk.pages.writing();
        for evaluation in self.desk.evaluations.drain(..) {
            let soa = &self.desk.slots[evaluation.slot].soa;
            emit(&evaluation, soa, self.plan.terms, |kind, bytes| {
                self.desk.pages.put(kind, bytes, door)
            });
        }
        let waited = self.desk.pages.writing() - writing;
        self.desk.sample.emit += watch.lap().saturating_sub(waited);
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
