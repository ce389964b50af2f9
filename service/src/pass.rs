//! One pass of *Load*, *Reflex* and *Emit* over all deltas, on so many threads.

use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use knhk_pool::telemetry::semconv::KnhkPipelineMemory;
use knhk_pool::{BufferPool, KnhkPool, TriplesError};
use tracing::Span;

use crate::clock::Samples;
use crate::instruments;
use crate::memory::{HeapMemory, Memory, PooledMemory};
use crate::output::Output;
use crate::pools::KNHK;
use crate::progress::Progress;
use crate::totals::Totals;
use crate::turnstile::Turnstile;
use crate::worker::{Desk, Plan, Worker};

const PROGRESS_INTERVAL: Duration = Duration::from_millis(20);

/// Where a pass takes its memory from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'p> {
    /// This pool of output buffers, and object pools of each worker's own.
    Pools(&'p BufferPool),
    /// The heap; output buffers of this size.
    Heap {
        /// Bytes.
        buffer_size: usize,
    },
}

impl Source<'_> {
    fn kind(self) -> KnhkPipelineMemory {
        match self {
            Self::Pools(_) => PooledMemory::KIND,
            Self::Heap { .. } => HeapMemory::KIND,
        }
    }
}

/// What one pass came to.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// Results.
    pub totals: Totals,
    /// What the stages took for sampled batches, of all workers together.
    pub samples: Samples,
    /// From the moment at which all workers are ready to the end of the last.
    pub wall: Duration,
    /// Waiting for turns and writing, of all workers together.
    pub writing: Duration,
}

/// Why a pass broke off.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// A worker thread cannot be started.
    #[error("cannot start a worker thread: {0}")]
    Spawn(#[from] io::Error),
    /// A pool refused memory.
    #[error(transparent)]
    Memory(#[from] TriplesError),
}

/// Runs `plan` once on `workers` threads.
///
/// # Errors
///
/// [`PassError`]. A failure to write is not among them: see [`Output::finish`].
///
/// # Panics
///
/// When a worker does.
pub fn pass(
    plan: Plan<'_>,
    workers: usize,
    source: Source<'_>,
    output: Option<&Output>,
    progress: &Progress,
) -> Result<Pass, PassError> {
    let crew = Crew::new(plan, source, output);
    progress.bar("deltas", plan.blocks());
    thread::scope(|scope| {
        let gate = crew.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, || crew.work());
        let threads: io::Result<Vec<Thread<'_>>> = (0..workers).map(spawn).collect();
        // Those that were started before the failure find no block.
        let threads = threads.inspect_err(|_| crew.turnstile.close())?;
        crew.wait_until_ready(&threads);
        let start = Instant::now();
        drop(gate);
        crew.show(progress, &threads);
        let pass = sum(plan, threads, start)?;
        instruments::record_samples(source.kind(), &pass.samples);
        Ok(pass)
    })
}

type Thread<'scope> = ScopedJoinHandle<'scope, Result<Share, TriplesError>>;

/// What all did together, once they have ended.
fn sum(plan: Plan<'_>, threads: Vec<Thread<'_>>, start: Instant) -> Result<Pass, PassError> {
    let mut pass = Pass {
        totals: Totals::new(plan.hooks.names().len()),
        ..Pass::default()
    };
    for thread in threads {
        let share = thread.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        pass.totals.add(&share.totals);
        pass.samples.extend(&share.samples);
        pass.writing += share.writing;
        pass.wall = pass.wall.max(share.end - start);
    }
    Ok(pass)
}

/// What the threads of one pass share.
struct Crew<'r> {
    plan: Plan<'r>,
    source: Source<'r>,
    output: Option<&'r Output>,
    turnstile: Turnstile,
    span: Span,
    /// Held until all are ready.
    gate: Mutex<()>,
    ready: AtomicUsize,
}

/// What one thread did.
struct Share {
    totals: Totals,
    samples: Samples,
    writing: Duration,
    end: Instant,
}

impl<'r> Crew<'r> {
    fn new(plan: Plan<'r>, source: Source<'r>, output: Option<&'r Output>) -> Self {
        let turnstile = Turnstile::new(plan.blocks(), output.is_some());
        Self {
            plan,
            source,
            output,
            turnstile,
            span: instruments::pass_span(source.kind(), plan.triples.len()),
            gate: Mutex::new(()),
            ready: AtomicUsize::new(0),
        }
    }

    fn wait_until_ready(&self, threads: &[Thread<'_>]) {
        let all_ready = || self.ready.load(Ordering::Acquire) == threads.len();
        // One that has ended already has panicked; its join tells.
        while !all_ready() && !threads.iter().any(ScopedJoinHandle::is_finished) {
            thread::yield_now();
        }
    }

    fn show(&self, progress: &Progress, threads: &[Thread<'_>]) {
        while progress.is_visible() && !threads.iter().all(ScopedJoinHandle::is_finished) {
            progress.set(self.turnstile.passed());
            thread::sleep(PROGRESS_INTERVAL);
        }
    }

    // Once a thread; by its name callgrind finds what the workers cost (`tests/telemetry/cost`).
    #[inline(never)]
    fn work(&self) -> Result<Share, TriplesError> {
        let _pass = self.span.enter();
        match self.source {
            Source::Pools(buffers) => {
                let knhk = KnhkPool::named(KNHK);
                buffers.warm_up();
                self.work_on(&PooledMemory {
                    knhk: &knhk,
                    buffers,
                })
            }
            Source::Heap { buffer_size } => self.work_on(&HeapMemory { buffer_size }),
        }
    }

    fn work_on<M: Memory>(&self, memory: &M) -> Result<Share, TriplesError> {
        let mut desk = Desk::new(memory);
        let mut worker = Worker::new(self.plan, &mut desk);
        self.ready.fetch_add(1, Ordering::Release);
        drop(self.gate.lock());
        worker.run(&self.turnstile, self.output)?;
        let end = Instant::now();
        Ok(Share {
            totals: worker.into_totals(),
            samples: desk.samples().clone(),
            writing: desk.writing(),
            end,
        })
    }
}
