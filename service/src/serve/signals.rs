//! What the operator's signals ask for.

use std::io;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The wish to reload, heard before anything can be done about it: it would end the process.
pub(super) struct Reloads(Signal);

/// The signals that the service hears.
pub(super) struct Signals {
    reload: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Read the configuration again: SIGHUP.
    Reload,
    /// End: SIGTERM, SIGINT.
    Stop,
}

impl Reloads {
    /// From now on SIGHUP does not end the process.
    pub(super) fn listen(runtime: &Runtime) -> io::Result<Self> {
        let _inside = runtime.enter();
        Ok(Self(signal(SignalKind::hangup())?))
    }
}

impl Signals {
    /// From now on none of them ends the process.
    pub(super) fn listen(Reloads(reload): Reloads) -> io::Result<Self> {
        Ok(Self {
            reload,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.reload.recv() => Wish::Reload,
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
        }
    }

    /// Waits for the end alone; a wish to reload is kept.
    pub(super) async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
