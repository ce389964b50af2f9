//! What workers did, as sums that do not depend on who did what.

use knhk_pool::{MergedReceipt, Receipt};

use crate::hooks::{Hook, Test};
use crate::reflex::Verdict;

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

    pub(crate) fn count(&mut self, hook: &Hook, verdict: Verdict, receipt: &Receipt) {
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
