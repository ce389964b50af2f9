//! Kernels on all of rayon's workers, each with a scratch of its own.
//!
//! Results are the same bits as on one thread, whatever the number of workers: a worker that begins in
//! the middle of a column looks back as far as the chain does.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::column::Column;
use crate::error::KernelError;
use crate::pipeline::{self, Pipeline};
use crate::scratch::Scratch;
use crate::vector::cosine_similarity;

/// Lanes that a worker takes at least: some tens of microseconds of work.
const PORTION: usize = 1 << 15;

/// A [`Scratch`] for each worker of rayon's current pool, and one for whoever calls.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, Pipeline, Scratch, WorkerScratch};
///
/// let prices: Column = (1..100_000).map(|i| Some(f64::from(i))).collect();
/// let returns = Pipeline::new().dlog(1);
/// let workers = WorkerScratch::new();
/// let mut out = Column::new();
/// returns.par_run_into(&mut out, &prices, &workers);
/// assert_eq!(out, returns.run_column(&prices));
/// ```
pub struct WorkerScratch {
    /// The caller's, which shapes results.
    caller: Mutex<Scratch>,
    /// By rayon's index. Each is locked by its own worker alone, so it is never waited for, unless
    /// two pools share this value.
    workers: Box<[Mutex<Scratch>]>,
}

impl WorkerScratch {
    /// For the pool that calls it: rayon's global one, or the one that it is installed in.
    pub fn new() -> Self {
        let workers = 0..rayon::current_num_threads();
        Self {
            caller: Mutex::new(Scratch::new()),
            workers: workers.map(|_| Mutex::new(Scratch::new())).collect(),
        }
    }

    fn mine(&self) -> MutexGuard<'_, Scratch> {
        let index = rayon::current_thread_index().unwrap_or(0) % self.workers.len();
        lock(&self.workers[index])
    }
}

/// A worker that panicked has left its scratch in order: buffers are only moved in and out.
fn lock(scratch: &Mutex<Scratch>) -> MutexGuard<'_, Scratch> {
    scratch.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for WorkerScratch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WorkerScratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerScratch")
            .field("workers", &self.workers.len())
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// [`Self::run_into`] on all workers: the same bits.
    ///
    /// # Cost
    ///
    /// Portions of 32,768 lanes; each looks back as far as the chain, so long lags are worked out more
    /// than once. Rayon may allocate when it hands out work; the kernels do not once they are warm.
    pub fn par_run_into(&self, out: &mut Column, x: &Column, workers: &WorkerScratch) {
        pipeline::shape(self.steps(), out, x, &lock(&workers.caller));
        let portions = out.lanes.as_mut_slice().par_chunks_mut(PORTION);
        portions.enumerate().for_each(|(portion, out)| {
            let start = portion * PORTION;
            pipeline::lanes(self.steps(), out, x.values(), start, &workers.mine());
        });
    }
}

/// [`cosine_similarity`] on all workers: the same bits.
///
/// # Errors
///
/// If `candidates` are not `scores.len()` rows of `query.len()`.
///
/// # Examples
///
/// ```
/// use knhk_kernels::par_cosine_similarity;
///
/// let mut scores = [0.0; 2];
/// par_cosine_similarity(&[1.0, 0.0], &[2.0, 0.0, 0.0, 5.0], &mut scores)?;
/// assert_eq!(scores, [1.0, 0.0]);
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
pub fn par_cosine_similarity(
    query: &[f32],
    candidates: &[f32],
    scores: &mut [f32],
) -> Result<(), KernelError> {
    let (rows, columns) = (scores.len(), query.len());
    let portion = (PORTION / columns.max(1)).max(1);
    if columns == 0 || rows.checked_mul(columns) != Some(candidates.len()) {
        return cosine_similarity(query, candidates, scores); // which refuses, or has nothing to do
    }
    let portions = scores
        .par_chunks_mut(portion)
        .zip(candidates.par_chunks(portion * columns));
    portions.try_for_each(|(scores, candidates)| cosine_similarity(query, candidates, scores))
}
