//! The configuration read again: new pools and workers in place of the old, or everything as it was.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use knhk_pool::telemetry::semconv::KnhkServiceReloadOutcome as Outcome;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::configuration::{Configuration, Sources};
use super::crew::{Crew, Equipment};
use super::instruments;
use super::service::Service;
use super::{ServeError, Tell};
use crate::settings::Settings;

/// What can be replaced while the service runs.
pub(super) struct Running {
    pub(super) service: Arc<Service>,
    pub(super) tls: Arc<RwLock<Option<TlsAcceptor>>>,
    pub(super) sources: Sources,
    pub(super) tell: Tell,
    /// Those that the sockets and the queue were made with.
    started_with: Settings,
    crew: Mutex<Option<Crew>>,
}

impl Running {
    pub(super) fn new(
        service: Arc<Service>,
        tls: Arc<RwLock<Option<TlsAcceptor>>>,
        sources: Sources,
        tell: Tell,
        started_with: Settings,
        crew: Crew,
    ) -> Self {
        Self {
            service,
            tls,
            sources,
            tell,
            started_with,
            crew: Mutex::new(Some(crew)),
        }
    }

    /// Reads everything again, on a thread of its own. What comes back ends when the old workers are
    /// done with what they have in hand.
    pub(super) fn reload(self: &Arc<Self>) -> oneshot::Receiver<()> {
        let running = Arc::clone(self);
        let begun = aside("knhk-reload", move || running.report(running.try_reload()));
        begun.unwrap_or_else(|error| {
            self.report(Err(ServeError::Thread(error)));
            oneshot::channel().1
        })
    }

    fn report(&self, outcome: Result<(), ServeError>) {
        match outcome {
            Ok(()) => {
                instruments::count_reload(Outcome::Ok);
                (self.tell)("reload: the new configuration holds");
            }
            Err(error) => {
                instruments::count_reload(Outcome::Refused);
                (self.tell)(&format!(
                    "reload: the old configuration still holds: {error}"
                ));
            }
        }
    }

    /// Blocks.
    fn try_reload(&self) -> Result<(), ServeError> {
        let next = Configuration::load(&self.sources, Some(&self.started_with))?;
        for line in self.sources.pools.unused_tables()? {
            (self.tell)(&format!("warning: {line}"));
        }
        if let Some(journal) = &self.service.outlets.journal {
            journal.reopen()?;
        }
        // Last of what may be refused: it takes batches at once.
        let equipment = Equipment::of(&next.settings, next.buffers, &self.service.outlets);
        let crew = Crew::start(&equipment, &self.service.queue, &self.service.ledger)
            .map_err(ServeError::Thread)?;
        self.name_what_waits(&next.settings);
        self.service.replace(next.current);
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = next.tls;
        let old = self.lock_crew().replace(crew);
        if let Some(old) = old {
            old.dismiss();
        }
        Ok(())
    }

    /// Settings that cannot change under open sockets.
    fn name_what_waits(&self, next: &Settings) {
        let pairs = [
            ("queue_len", &self.started_with.queue_len, &next.queue_len),
            (
                "connections_max",
                &self.started_with.connections_max,
                &next.connections_max,
            ),
            (
                "monitor_interval_s",
                &self.started_with.monitor_interval_s,
                &next.monitor_interval_s,
            ),
        ];
        for (key, old, next) in pairs
            .into_iter()
            .filter(|(_, old, next)| old.value != next.value)
        {
            (self.tell)(&format!(
                "reload: {key} stays {} until the next start, which will have {}",
                old.value, next.value
            ));
        }
    }

    /// Ends the workers; whether they had ended after `limit`.
    pub(super) async fn dismiss(&self, limit: Duration) -> bool {
        let Some(crew) = self.lock_crew().take() else {
            return true;
        };
        // Where there is no thread to wait on, they are told all the same: `crew` is dropped.
        let Ok(ended) = aside("knhk-dismiss", move || crew.dismiss()) else {
            return false;
        };
        tokio::time::timeout(limit, ended).await.is_ok()
    }

    fn lock_crew(&self) -> std::sync::MutexGuard<'_, Option<Crew>> {
        self.crew.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does `work`, which blocks, on a thread of its own; what comes back ends with it. The runtime would
/// panic where the system has no thread left.
fn aside(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<oneshot::Receiver<()>> {
    let (done, ended) = oneshot::channel();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            work();
            let _ = done.send(());
        })?;
    Ok(ended)
}
