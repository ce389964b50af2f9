//! Hands out blocks in order, and lets them through to the output in the same order.
//!
//! Any worker takes the next block; to write, it waits until every earlier block is through. The
//! lowest block that is out never waits, so the workers cannot wait for each other in a circle. A
//! worker that ends without passing its block (a panic, an error) closes the turnstile: nobody
//! waits for a block that will not come.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Gives each block to one worker, and each its turn.
#[derive(Debug)]
pub struct Turnstile {
    blocks: u64,
    ordered: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    claimed: u64,
    passed: u64,
    closed: bool,
}

impl Turnstile {
    /// For blocks 0 to `blocks` - 1. When nothing is written there is no order to keep: without
    /// `ordered` nobody waits.
    pub fn new(blocks: u64, ordered: bool) -> Self {
        Self {
            blocks,
            ordered,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The next block, or `None` when all are out or the turnstile is closed.
    pub fn claim(&self) -> Option<Ticket<'_>> {
        let mut state = self.lock();
        if state.closed || state.claimed == self.blocks {
            return None;
        }
        let block = state.claimed;
        state.claimed += 1;
        Some(Ticket {
            turnstile: self,
            block,
            passed: false,
        })
    }

    /// No further block is given out, and nobody waits any more.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Blocks that are through.
    pub fn passed(&self) -> u64 {
        self.lock().passed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each critical section is one assignment: a panic elsewhere leaves no half-made state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One block, in the hands of one worker.
#[derive(Debug)]
pub struct Ticket<'t> {
    turnstile: &'t Turnstile,
    block: u64,
    passed: bool,
}

impl Ticket<'_> {
    /// Which block.
    pub fn block(&self) -> u64 {
        self.block
    }

    /// Waits until all earlier blocks are through; `false` when the turnstile was closed.
    pub fn wait_turn(&self) -> bool {
        let mut state = self.turnstile.lock();
        while self.turnstile.ordered && state.passed != self.block && !state.closed {
            state = self
                .turnstile
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !state.closed
    }

    /// The block is done: waits for its turn and lets the next one through.
    pub fn pass(mut self) {
        self.wait_turn();
        self.turnstile.lock().passed += 1;
        self.passed = true;
        if self.turnstile.ordered {
            self.turnstile.changed.notify_all();
        }
    }

    /// Gives up the whole run: see [`Turnstile::close`].
    pub fn close(&self) {
        self.turnstile.close();
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.passed {
            self.turnstile.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn blocks_pass_in_order_whoever_has_them() {
        let turnstile = Turnstile::new(1000, true);
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some(ticket) = turnstile.claim() {
                        assert!(ticket.wait_turn());
                        order.lock().expect("no panic").push(ticket.block());
                        ticket.pass();
                    }
                });
            }
        });
        assert!(
            order
                .into_inner()
                .expect("no panic")
                .into_iter()
                .eq(0..1000)
        );
    }

    #[test]
    fn a_dropped_ticket_lets_nobody_wait() {
        let turnstile = Turnstile::new(3, true);
        let first = turnstile.claim().expect("block 0");
        let second = turnstile.claim().expect("block 1");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| second.wait_turn());
            drop(first);
            assert!(!waiting.join().expect("no panic"));
        });
        assert!(turnstile.claim().is_none());
    }
}
