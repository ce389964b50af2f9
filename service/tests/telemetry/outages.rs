//! A collector that is down, slow, silent or talks nonsense: the service goes on, says so once, and is
//! right again as soon as the collector is.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::collector::{Answer, Collector, Received, sum};
use crate::delivery::SLOW_MONITOR;
use crate::program::{Ended, text};
use crate::service::{Held, quiet};

/// Exports often, and judges its pools at the end: no log record is on its way when the collector changes
/// its mind. An answer has to come within `timeout_ms`, which a collector that means well needs on
/// a machine that is busy.
fn hold(name: &str, address: SocketAddr, timeout_ms: &str) -> Held {
    let url = format!("http://{address}");
    let often = [
        ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", timeout_ms),
        // So that there is something to log.
        ("KNHK_POOL_SIZE", "1"),
    ];
    let arguments = ["--otlp-endpoint", &url, "--config", text(&SLOW_MONITOR)];
    Held::start(name, &arguments, &often)
}

/// For an answer that comes.
const LONG_MS: &str = "60000";

/// The collector takes everything now: waits until the service has seen that, and lets it end.
fn recover(held: Held, collector: &Collector) -> Ended {
    collector.answer(Answer::Take);
    // The second export that is taken tells that the first one was.
    let ok = |export: &_| sum(export, "knhk.telemetry.export", &["metrics", "ok"]) > 1;
    collector.wait(|it| it.metrics.iter().any(ok).then_some(()));
    let ended = held.release();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

/// One line for the outage, one for its end, and totals that hold what was done meanwhile.
fn assert_told_once_and_all_counted(ended: &Ended, collector: &Collector, reason: &str) {
    let lines = |part: &str| {
        ended
            .stderr
            .lines()
            .filter(|line| line.contains(part))
            .count()
    };
    assert_eq!(
        (lines("cannot export "), lines(reason)),
        (1, 1),
        "{ended:?}"
    );
    assert_eq!(lines("is exported to "), 1, "{ended:?}");
    // The third is the pool's, which is too small.
    assert_eq!(ended.stderr.lines().count(), 3, "{ended:?}");
    // The first may be a late try of an export from before.
    let (second, last) = collector.so_far(|it| {
        (
            it.metrics[1].clone(),
            it.metrics[it.metrics.len() - 1].clone(),
        )
    });
    let acquires = |export, outcome| sum(export, "knhk.buffer_pool.acquire", &["emit", outcome]);
    let meanwhile = acquires(&second, "hit") + acquires(&second, "miss");
    assert!(
        meanwhile > 0,
        "what was done in the outage is there right after it"
    );
    let emit = &ended.json()["pools"][0];
    assert_eq!(emit["hits"], acquires(&last, "hit"));
    assert_eq!(emit["misses"], acquires(&last, "miss"));
    // Of whichever signal met the outage: it may be over before the others export.
    assert!(sum(&last, "knhk.telemetry.export", &["failed"]) > 0);
}

#[test]
fn a_collector_that_is_not_there_is_told_once_and_so_is_its_return() {
    let address = Collector::nowhere();
    let mut held = hold("refused", address, LONG_MS);
    let told = held.lines_until("Connection refused");
    let collector = Collector::on(address, Answer::Take);
    let mut ended = recover(held, &collector);
    ended.stderr.insert_str(0, &told);
    assert_told_once_and_all_counted(&ended, &collector, "Connection refused");
}

fn assert_survives(name: &str, answer: Answer, timeout_ms: &str, reason: &str) {
    let collector = Collector::new(answer);
    let mut held = hold(name, collector.address, timeout_ms);
    let told = held.lines_until("cannot export ");
    // A signal's second export tells that its first has failed, with all its tries.
    let metrics = |it: &Received| {
        let of = it.heads.iter().filter(|it| it.contains("/v1/metrics"));
        of.count()
    };
    let seen = collector.so_far(metrics);
    collector.wait(|it| (metrics(it) > seen).then_some(()));
    let mut ended = recover(held, &collector);
    ended.stderr.insert_str(0, &told);
    assert_told_once_and_all_counted(&ended, &collector, reason);
}

#[test]
fn a_collector_that_refuses_is_told_once_and_so_is_its_change_of_mind() {
    assert_survives(
        "unavailable",
        Answer::Unavailable,
        LONG_MS,
        "it answers 503",
    );
}

#[test]
fn a_collector_that_talks_nonsense_is_told_once_and_so_is_its_recovery() {
    assert_survives("garbage", Answer::Garbage, LONG_MS, "cannot export ");
}

#[test]
fn a_collector_that_never_answers_is_told_once_and_so_is_its_awakening() {
    assert_survives("silent", Answer::Nothing, "8000", "timeout");
}

#[test]
fn a_slow_collector_and_one_with_a_strange_body_are_no_outage() {
    for (name, answer) in [("slow", Answer::TakeSlowly), ("body", Answer::GarbageBody)] {
        let collector = Collector::new(answer);
        let held = hold(name, collector.address, LONG_MS);
        collector.wait(|it| (it.requests > 4).then_some(()));
        let ended = held.release();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stderr.contains("export"), "{ended:?}");
    }
}

/// Runs against `url`, and asserts the one promise that is about time.
fn assert_ends_in_time(url: &str, more: &[&str]) {
    // For starting, working and ending under load, beside the five seconds of the contract.
    const SLACK: Duration = Duration::from_secs(15);
    let start = Instant::now();
    let output = quiet(&["run", "--generate", "2000", "--otlp-endpoint", url])
        .args(more)
        .output();
    let ended = Ended::of(&output.expect("the program starts"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.stderr.lines().count(),
        1,
        "one outage, one line: {ended:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(5) + SLACK, "{url}");
}

#[test]
fn the_end_comes_within_five_seconds_whatever_the_collector_does() {
    assert_ends_in_time(&format!("http://{}", Collector::nowhere()), &[]);
    for answer in [Answer::Unavailable, Answer::Garbage, Answer::Nothing] {
        assert_ends_in_time(&Collector::new(answer).url(), &[]);
    }
}

#[cfg(feature = "grpc")]
#[test]
fn the_end_comes_within_five_seconds_over_grpc_too() {
    let grpc = ["--otlp-protocol", "grpc"];
    assert_ends_in_time(&format!("http://{}", Collector::nowhere()), &grpc);
    // The system accepts, and nobody ever reads.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = silent.local_addr().expect("it is bound");
    assert_ends_in_time(&format!("http://{address}"), &grpc);
}
