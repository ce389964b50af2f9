//! What all requests share.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use super::configuration::Current;
use super::counts::Ledger;
use super::held::Held;
use super::instruments;
use super::live::{Pipeline, PipelineSource, QueueFigures};
use super::pending::Pending;
use super::queue::Queue;
use super::refusal::Refusal;
use super::station::Outlets;
use super::stop::Stopping;

/// One for the process.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) queue: Queue,
    pub(super) held: Arc<Held>,
    pub(super) outlets: Arc<Outlets>,
    pub(super) ledger: Ledger,
    pub(super) registry: prometheus::Registry,
    pub(super) stopping: Stopping,
    pub(super) pending: Pending,
    current: RwLock<Arc<Current>>,
    /// Told when clients must know another token.
    token_changes: watch::Sender<()>,
}

impl Service {
    pub(super) fn new(
        current: Current,
        queue: Queue,
        outlets: Outlets,
        registry: prometheus::Registry,
        stopping: Stopping,
    ) -> Self {
        Self {
            queue,
            held: Arc::default(),
            outlets: Arc::new(outlets),
            ledger: Ledger::default(),
            registry,
            stopping,
            pending: Pending::new(),
            current: RwLock::new(Arc::new(current)),
            token_changes: watch::Sender::default(),
        }
    }

    /// The configuration of a request that begins now.
    pub(super) fn current(&self) -> Arc<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// From now on.
    pub(super) fn replace(&self, current: Current) {
        let next = Arc::new(current);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Arc::clone(&next));
        drop(current);
        if old.token != next.token {
            self.token_changes.send_replace(());
        }
    }

    /// Hears of every other token from now on.
    pub(super) fn token_changes(&self) -> watch::Receiver<()> {
        self.token_changes.subscribe()
    }

    /// Why it cannot take triples now, if that is so.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.stopping.is_said() {
            return Err(Refusal::Stopping);
        }
        let journal = self.outlets.journal.as_ref();
        match journal.and_then(super::journal::Journal::lost) {
            Some(why) => Err(Refusal::JournalLost(why)),
            None => Ok(()),
        }
    }

    /// Whether it can take triples; nothing when it is stopping. The last figure that a collector has of a
    /// service that has ended stands for minutes: it must not say that it fails.
    pub(super) fn is_ready(&self) -> Option<bool> {
        match self.check() {
            Err(Refusal::Stopping) => None,
            checked => Some(checked.is_ok()),
        }
    }
}

impl PipelineSource for Service {
    fn pipeline(&self) -> Pipeline {
        Pipeline {
            workers: self.ledger.figures(),
            queue: QueueFigures {
                len: self.queue.len(),
                capacity: self.queue.capacity(),
            },
            rejected: instruments::rejected(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::configuration::{Configuration, Sources};
    use super::super::numbers::Numbers;
    use super::super::receipts::Receipts;
    use super::super::stop::Stop;
    use super::*;

    #[test]
    fn one_that_stops_is_neither_ready_nor_not() {
        let loaded = Configuration::load(&Sources::default(), None).expect("the defaults hold");
        let (stop, stopping) = Stop::new(Duration::ZERO);
        let outlets = Outlets {
            journal: None,
            numbers: Numbers::default(),
            receipts: Receipts::new(),
        };
        let registry = prometheus::Registry::new();
        let service = Service::new(loaded.current, Queue::new(1), outlets, registry, stopping);
        assert_eq!(service.is_ready(), Some(true));
        stop.say();
        assert_eq!(service.is_ready(), None);
    }
}
