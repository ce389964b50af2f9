//! What all requests share.

use std::sync::{Arc, PoisonError, RwLock};

use super::configuration::Current;
use super::counts::Ledger;
use super::crew::Queue;
use super::held::Held;
use super::instruments;
use super::live::{Pipeline, PipelineSource, QueueFigures};
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
    current: RwLock<Arc<Current>>,
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
            current: RwLock::new(Arc::new(current)),
        }
    }

    /// The configuration of a request that begins now.
    pub(super) fn current(&self) -> Arc<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// From now on.
    pub(super) fn replace(&self, current: Current) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(current);
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
