//! A run that is interrupted exports what it has before it ends.

use std::io;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::telemetry::Telemetry;

/// What a shell says of a program that a signal has ended: 128 and its number.
const INTERRUPTED: i32 = 130;
const TERMINATED: i32 = 143;

/// Telemetry that is finished by whoever comes first: the run's end, or a signal.
pub(super) struct Guarded(Arc<Mutex<Option<Telemetry>>>);

impl Guarded {
    /// From now on SIGINT and SIGTERM finish it, and end the process.
    pub(super) fn new(telemetry: Telemetry) -> io::Result<Self> {
        let guarded = Self(Arc::new(Mutex::new(Some(telemetry))));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let (mut interrupt, mut terminate) = {
            let _inside = runtime.enter();
            (
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
            )
        };
        let interrupted = Self(Arc::clone(&guarded.0));
        let wait = move || {
            let code = runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => INTERRUPTED,
                    _ = terminate.recv() => TERMINATED,
                }
            });
            interrupted.finish();
            process::exit(code);
        };
        // It is left to the end of the process.
        thread::Builder::new()
            .name("knhk-signals".to_owned())
            .spawn(wait)?;
        Ok(guarded)
    }

    /// Exports what is left. Who comes second waits for the first.
    pub(super) fn finish(&self) {
        let mut telemetry = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(telemetry) = telemetry.take() {
            telemetry.finish();
        }
    }
}
