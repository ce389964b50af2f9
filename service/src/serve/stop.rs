//! The word that the service is stopping, for everything that would otherwise go on.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// Says it.
#[derive(Debug)]
pub(super) struct Stop(watch::Sender<bool>);

/// Hears it.
#[derive(Clone, Debug)]
pub(super) struct Stopping {
    heard: watch::Receiver<bool>,
    grace: Duration,
}

impl Stop {
    /// What waits for a worker may do so for `grace` after the word.
    pub(super) fn new(grace: Duration) -> (Self, Stopping) {
        let (said, heard) = watch::channel(false);
        (Self(said), Stopping { heard, grace })
    }

    pub(super) fn say(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Comes back when the service is stopping.
    pub(super) async fn said(mut self) {
        // Nobody who could say it is left: it stops, too.
        let _ = self.heard.wait_for(|said| *said).await;
    }

    /// Comes back when the service is stopping, and what waits for a worker has done so long enough.
    pub(super) async fn overdue(self) {
        let grace = self.grace;
        self.said().await;
        sleep(grace).await;
    }

    /// Whether the service is stopping.
    pub(super) fn is_said(&self) -> bool {
        *self.heard.borrow()
    }
}
