//! A named helper thread that does something at an interval, until its guard is dropped.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::sync::{Arc, Condvar, Mutex, lock};

/// Ends its thread when it is dropped, and waits for it.
#[derive(Debug)]
pub(super) struct Ticker {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    is_wanted: Mutex<bool>,
    changed: Condvar,
}

impl Ticker {
    /// Calls `tick` every `interval`, for the first time after one. A tick that panics is the last
    /// thing it does; the next one comes all the same.
    pub(super) fn start(
        name: &str,
        interval: Duration,
        mut tick: impl FnMut() + Send + 'static,
    ) -> io::Result<Self> {
        if interval.is_zero() {
            let message = format!("the interval of {name} is 0 s, expected more");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while stopped.wait(interval) {
                    // The panic hook has told of it.
                    let _ = catch_unwind(AssertUnwindSafe(&mut tick));
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Stop {
    /// Waits for `interval`; `false` when the end came first.
    fn wait(&self, interval: Duration) -> bool {
        let is_wanted = lock(&self.is_wanted);
        let waited = self
            .changed
            .wait_timeout_while(is_wanted, interval, |is_wanted| !*is_wanted);
        let (is_wanted, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        !*is_wanted
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        *lock(&self.stop.is_wanted) = true;
        self.stop.changed.notify_all();
        let Some(thread) = self.thread.take() else {
            return;
        };
        // Dropped by a tick of its own: nobody could wait for whom.
        if thread.thread().id() != thread::current().id() {
            // It has caught its panics.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn it_ticks_until_it_is_dropped_even_after_a_panic() {
        let (told, ticks) = mpsc::channel();
        let mut nth = 0;
        let ticker = Ticker::start("ticks", Duration::from_millis(1), move || {
            nth += 1;
            told.send(thread::current().name().map(str::to_owned))
                .expect("the test listens");
            assert_ne!(nth, 1, "the first tick panics, which this test expects");
        });
        let ticker = ticker.expect("a thread can be started");
        for _ in 0..3 {
            assert_eq!(ticks.recv().expect("it ticks").as_deref(), Some("ticks"));
        }
        drop(ticker);
        // The thread is gone, and with it the sender.
        while ticks.try_recv().is_ok() {}
        assert_eq!(ticks.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }

    #[test]
    fn an_interval_of_zero_is_refused() {
        let error = Ticker::start("spins", Duration::ZERO, || ()).expect_err("it would spin");
        assert_eq!(
            error.to_string(),
            "the interval of spins is 0 s, expected more"
        );
    }

    #[test]
    fn the_end_does_not_wait_for_the_interval() {
        let ticker = Ticker::start("slow", Duration::MAX, || unreachable!("never due"));
        drop(ticker.expect("a thread can be started"));
    }
}
