//! The word that the service is stopping, for everything that would otherwise go on.

use tokio::sync::watch;

/// Says it.
#[derive(Debug)]
pub(super) struct Stop(watch::Sender<bool>);

/// Hears it.
#[derive(Clone, Debug)]
pub(super) struct Stopping(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new() -> (Self, Stopping) {
        let (said, heard) = watch::channel(false);
        (Self(said), Stopping(heard))
    }

    pub(super) fn say(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Comes back when the service is stopping.
    pub(super) async fn said(mut self) {
        // Nobody who could say it is left: it stops, too.
        let _ = self.0.wait_for(|said| *said).await;
    }

    /// Whether the service is stopping.
    pub(super) fn is_said(&self) -> bool {
        *self.0.borrow()
    }
}
