//! Places for those who watch: each has a connection for as long as it likes.
//!
//! Viewers of the live page and readers of receipts share them, so that both together keep out nobody
//! who sends.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Refusal;

/// All of them. A clone is the same.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    free: Arc<Semaphore>,
    all: usize,
}

/// One that is taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    _taken: OwnedSemaphorePermit,
}

impl Seats {
    pub(super) fn new(all: usize) -> Self {
        let free = Arc::new(Semaphore::new(all));
        Self { free, all }
    }

    /// Takes one that is free, and waits for none.
    pub(super) fn take(&self) -> Result<Seat, Refusal> {
        if self.all == 0 {
            return Err(Refusal::NoSeats);
        }
        let taken = Arc::clone(&self.free).try_acquire_owned();
        let _taken = taken.map_err(|_| Refusal::ViewersFull(self.all))?;
        Ok(Seat { _taken })
    }
}
