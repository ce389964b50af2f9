//! What the pipeline's workers have done, as the live page is told.

use serde::Serialize;

/// Who can say what the workers have done. Asked once a second, and for each `GET /v1/pools`, by
/// threads that are no workers.
pub trait PipelineSource: Send + Sync {
    /// Totals since the program began: none of them ever falls, but those of a worker that has taken
    /// another's place.
    fn pipeline(&self) -> Pipeline;
}

/// The pipeline at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pipeline {
    /// One entry a worker, always in the same order.
    pub workers: Vec<WorkerFigures>,
    /// Of all that is accepted and not begun.
    pub queue: QueueFigures,
    /// Requests that were refused because a queue was full.
    pub rejected: u64,
}

/// What waits for the workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueueFigures {
    /// Batches that wait now.
    pub len: usize,
    /// As many as may wait.
    pub capacity: usize,
}

/// What one worker has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerFigures {
    /// Whether it works: one that does not is counted and not shown. A reload to fewer workers leaves
    /// what the others have done.
    pub active: bool,
    /// Triples that went through all stages.
    pub triples: u64,
    /// Hooks that were evaluated, each on one run.
    pub evaluations: u64,
    /// Batches that were taken from the queue.
    pub batches: u64,
    /// What the stages took.
    pub stages: Stages,
}

impl Default for WorkerFigures {
    /// A worker that works, and has done nothing yet.
    fn default() -> Self {
        Self {
            active: true,
            triples: 0,
            evaluations: 0,
            batches: 0,
            stages: Stages::default(),
        }
    }
}

/// Of each stage, what it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stages {
    /// Filling `SoaTriples`.
    pub load: StageFigures,
    /// Evaluating hooks.
    pub reflex: StageFigures,
    /// Formatting receipts and triples.
    pub emit: StageFigures,
}

/// Of the batches that were timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StageFigures {
    /// Nanoseconds that the stage took.
    pub ns: u64,
    /// Runs that went through it meanwhile.
    pub runs: u64,
}

impl Pipeline {
    /// All workers' figures in one.
    pub(super) fn total(&self) -> WorkerFigures {
        let add = |sum: WorkerFigures, worker: &WorkerFigures| WorkerFigures {
            active: sum.active || worker.active,
            triples: sum.triples + worker.triples,
            evaluations: sum.evaluations + worker.evaluations,
            batches: sum.batches + worker.batches,
            stages: sum.stages.each(worker.stages, |a, b| a + b),
        };
        let none = WorkerFigures {
            active: false,
            ..WorkerFigures::default()
        };
        self.workers.iter().fold(none, add)
    }
}

impl WorkerFigures {
    /// What was done since `earlier`; nothing where that is ahead.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            active: self.active,
            triples: self.triples.saturating_sub(earlier.triples),
            evaluations: self.evaluations.saturating_sub(earlier.evaluations),
            batches: self.batches.saturating_sub(earlier.batches),
            stages: self.stages.each(earlier.stages, u64::saturating_sub),
        }
    }
}

impl Stages {
    fn each(self, other: Self, join: fn(u64, u64) -> u64) -> Self {
        let stage = |a: StageFigures, b: StageFigures| StageFigures {
            ns: join(a.ns, b.ns),
            runs: join(a.runs, b.runs),
        };
        Self {
            load: stage(self.load, other.load),
            reflex: stage(self.reflex, other.reflex),
            emit: stage(self.emit, other.emit),
        }
    }
}
