//! A run that a signal ends.

use rustix::process::Signal;

use crate::collector::{Answer, Collector, sum};
use crate::service::Held;

#[test]
fn an_interrupted_run_exports_what_it_has_and_ends_with_the_signals_code() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let collector = Collector::new(Answer::Take);
        let held = Held::start("interrupted", &["--otlp-endpoint", &collector.url()], &[]);
        let exported = collector.so_far(|it| it.metrics.len());
        assert_eq!(exported, 0, "the interval is a minute");
        let ended = held.interrupt(signal);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert_eq!((&*ended.stdout, &*ended.stderr), ("", ""));
        let acquires = collector.so_far(|it| {
            let last = it.metrics.last().expect("it was exported");
            sum(last, "knhk.buffer_pool.acquire", &["emit"])
        });
        assert!(acquires > 0, "it had begun");
    }
}
