//! Numbers for batches, from 1.

use std::sync::atomic::{AtomicU64, Ordering};

/// Gives each number once.
#[derive(Debug, Default)]
pub(super) struct Numbers(AtomicU64);

impl Numbers {
    pub(super) fn next(&self) -> u64 {
        // Relaxed: a number orders nothing else.
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}
