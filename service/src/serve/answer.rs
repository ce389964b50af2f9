//! What became of one batch of triples.

use serde::Serialize;

use crate::hooks::HookSet;
use crate::ingest::Fault;
use crate::summary::{HookLine, Merged};
use crate::totals::Totals;

/// Bad lines that an answer shows; more are only counted.
pub(super) const BAD_LINES_SHOWN: usize = 5;

/// The answer to `POST /v1/triples`, and what `/v1/receipts` tells of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Answer {
    /// The batch's number, from 1; in the journal, too, and with one it goes on after a restart.
    pub(super) batch: u64,
    /// Triples read.
    pub(super) triples: u64,
    /// Lines that are not N-Triples.
    pub(super) bad_lines: u64,
    /// The first of them.
    pub(super) bad_lines_shown: Vec<Fault>,
    /// Deltas.
    pub(super) deltas: u64,
    /// Runs.
    pub(super) runs: u64,
    /// Evaluations: pairs of a run and a hook of its predicate.
    pub(super) evaluations: u64,
    /// Triples that hooks made.
    pub(super) constructed: u64,
    /// All receipts, merged.
    pub(super) merged_receipt: Merged,
    /// By hook.
    pub(super) hooks: Vec<HookLine>,
}

impl Answer {
    /// Of a batch that has no number yet.
    pub(super) fn new(hooks: &HookSet, totals: &Totals) -> Self {
        Self {
            batch: 0,
            triples: 0,
            bad_lines: 0,
            bad_lines_shown: Vec::new(),
            deltas: 0,
            runs: totals.runs,
            evaluations: totals.merged.count,
            constructed: totals.constructed,
            merged_receipt: Merged::of(totals.merged),
            hooks: HookLine::all(hooks.names(), &totals.hooks),
        }
    }
}
