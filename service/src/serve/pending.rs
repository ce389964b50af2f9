//! Requests that may still become batches, and batches that are not done: what a stop waits for.

use std::sync::Arc;

use tokio::sync::watch;

/// How many there are. A clone is the same.
#[derive(Clone, Debug)]
pub(super) struct Pending(Arc<watch::Sender<usize>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct One(Pending);

impl Pending {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    pub(super) fn one(&self) -> One {
        self.0.send_modify(|count| *count += 1);
        One(self.clone())
    }

    /// Comes back when there is none.
    pub(super) async fn none(self) {
        // No error: the sender is this.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
