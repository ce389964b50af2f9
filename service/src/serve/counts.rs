//! What the workers did since the start: one writer each, read by anyone.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::live::{StageFigures, Stages, WorkerFigures};
use crate::clock::{Sample, Samples};
use crate::totals::Totals;

/// One worker's. Relaxed throughout: figures publish nothing but themselves.
#[derive(Debug, Default)]
pub(super) struct WorkerCounts {
    triples: AtomicU64,
    evaluations: AtomicU64,
    batches: AtomicU64,
    sampled_runs: AtomicU64,
    stage_ns: [AtomicU64; 3],
}

/// The counts of every worker that there ever was, by its place: a crew that is replaced leaves its
/// counts to the next, so that totals only grow.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    counts: Mutex<Vec<Arc<WorkerCounts>>>,
    /// Workers of the crew that holds.
    active: AtomicUsize,
}

impl Ledger {
    /// Those of the `index`th worker.
    pub(super) fn of_worker(&self, index: usize) -> Arc<WorkerCounts> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        while counts.len() <= index {
            counts.push(Arc::default());
        }
        Arc::clone(&counts[index])
    }

    /// From now on so many work.
    pub(super) fn set_active(&self, workers: usize) {
        self.active.store(workers, Ordering::Relaxed);
    }

    /// All, as they are.
    pub(super) fn figures(&self) -> Vec<WorkerFigures> {
        let active = self.active.load(Ordering::Relaxed);
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = |(index, counts): (usize, &Arc<WorkerCounts>)| WorkerFigures {
            active: index < active,
            ..counts.figures()
        };
        counts.iter().enumerate().map(figures).collect()
    }
}

impl WorkerCounts {
    /// One request more.
    pub(super) fn add(&self, triples: usize, totals: &Totals, samples: &Samples) {
        let add = |count: &AtomicU64, more: u64| count.fetch_add(more, Ordering::Relaxed);
        add(&self.triples, triples as u64);
        add(&self.evaluations, totals.merged.count);
        add(&self.batches, 1);
        let sum = |time: fn(&Sample) -> Duration| {
            let all: Duration = samples.iter().map(time).sum();
            all.as_nanos() as u64
        };
        add(&self.sampled_runs, samples.iter().map(|it| it.runs).sum());
        add(&self.stage_ns[0], sum(|it| it.load));
        add(&self.stage_ns[1], sum(|it| it.reflex));
        add(&self.stage_ns[2], sum(|it| it.emit));
    }

    fn figures(&self) -> WorkerFigures {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let runs = get(&self.sampled_runs);
        let [load, reflex, emit] = [0, 1, 2].map(|stage| StageFigures {
            ns: get(&self.stage_ns[stage]),
            runs,
        });
        WorkerFigures {
            active: false,
            triples: get(&self.triples),
            evaluations: get(&self.evaluations),
            batches: get(&self.batches),
            stages: Stages { load, reflex, emit },
        }
    }
}
