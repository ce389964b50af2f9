//! Flags and the standard variables: who wins, what is off, what is refused.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Instant;

use crate::collector::{Answer, Collector, PATIENCE};
use crate::program::Ended;
use crate::service::{Held, patiently, quiet};

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let output = quiet(&["run", "--generate", "20000"])
        .args(arguments)
        .envs(variables.iter().copied())
        .output();
    Ended::of(&output.expect("the program starts"))
}

/// Requests for metrics, traces and logs, of a run on a pool that is too small.
fn requests(variables: &[(&str, &str)]) -> [usize; 3] {
    let (collector, ended) = patiently(|| {
        let collector = Collector::new(Answer::Take);
        let url = collector.url();
        let mut all = vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*url),
            ("KNHK_POOL_SIZE", "1"),
        ];
        all.extend(variables);
        let ended = run(&[], &all);
        (collector, ended)
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
    collector.so_far(|it| [it.metrics.len(), it.traces.len(), it.logs.len()])
}

#[test]
fn a_variable_alone_switches_all_three_signals_on() {
    let [metrics, traces, logs] = requests(&[]);
    assert!(
        metrics > 0 && traces > 0 && logs > 0,
        "{metrics} {traces} {logs}"
    );
}

#[test]
fn a_disabled_sdk_exports_nothing() {
    assert_eq!(requests(&[("OTEL_SDK_DISABLED", "true")]), [0; 3]);
    let collector = Collector::new(Answer::Take);
    let ended = run(
        &["--otlp-endpoint", &collector.url(), "--metrics-addr", "0"],
        &[("OTEL_SDK_DISABLED", "TRUE")],
    );
    assert_eq!(collector.so_far(|it| it.requests), 0);
    assert_eq!(
        ended.stderr.trim_end(),
        "warning: OTEL_SDK_DISABLED is true: nothing is exported"
    );
}

#[test]
fn each_signal_can_be_switched_off_by_itself() {
    for (off, name) in [
        "OTEL_METRICS_EXPORTER",
        "OTEL_TRACES_EXPORTER",
        "OTEL_LOGS_EXPORTER",
    ]
    .into_iter()
    .enumerate()
    {
        let requests = requests(&[(name, "none")]);
        for (signal, count) in requests.into_iter().enumerate() {
            assert_eq!(count == 0, signal == off, "{name}: {requests:?}");
        }
    }
}

#[test]
fn an_exporter_that_is_unknown_is_told_and_counts_as_not_set() {
    let collector = Collector::new(Answer::Take);
    let ended = run(
        &["--otlp-endpoint", &collector.url()],
        &[("OTEL_TRACES_EXPORTER", "zipkin")],
    );
    assert_eq!(
        ended.stderr.trim_end(),
        "warning: OTEL_TRACES_EXPORTER is \"zipkin\", expected otlp or none; it is ignored"
    );
    assert!(collector.so_far(|it| !it.traces.is_empty()));
}

#[test]
fn a_bad_number_is_told_with_name_value_and_range_and_does_not_stop_the_run() {
    let ended = run(
        &["--otlp-endpoint", &Collector::new(Answer::Take).url()],
        &[
            ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
            ("OTEL_TRACES_SAMPLER", "often"),
        ],
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for line in [
        "warning: OTEL_METRIC_EXPORT_INTERVAL is \"0\", expected 1 to 86400000; it is ignored",
        "warning: OTEL_TRACES_SAMPLER is \"often\", expected always_on, ",
    ] {
        assert!(ended.stderr.contains(line), "{ended:?}");
    }
}

#[test]
fn the_command_line_wins_over_the_variables() {
    let (flag, variable) = (Collector::new(Answer::Take), Collector::new(Answer::Take));
    let general = variable.url();
    let own = format!("{general}/v1/traces");
    let ended = run(
        &[
            "--otlp-endpoint",
            &flag.url(),
            "--otlp-protocol",
            "http/protobuf",
        ],
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &general),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &own),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ],
    );
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert!(flag.so_far(|it| !it.metrics.is_empty() && !it.traces.is_empty()));
    assert_eq!(variable.so_far(|it| it.requests), 0);
}

#[test]
fn a_signals_own_endpoint_is_for_that_signal_alone_and_taken_as_it_is() {
    let collector = Collector::new(Answer::Take);
    let own = format!("{}/v1/traces", collector.url());
    run(&[], &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &own)]);
    let (traces, requests) = collector.so_far(|it| (it.traces.len(), it.requests));
    assert!(traces > 0 && traces == requests, "{traces} of {requests}");
}

#[test]
fn an_endpoint_that_cannot_be_used_is_refused_before_anything_is_done() {
    for (value, expected) in [
        (
            "127.0.0.1:4318",
            "expected a URL: http://HOST[:PORT][/PATH]",
        ),
        (
            "localhost:4318",
            "expected a URL: http://HOST[:PORT][/PATH]",
        ),
        ("http://", "expected a URL: http://HOST[:PORT][/PATH]"),
        (
            "https://localhost:4318",
            "this program was built without TLS",
        ),
    ] {
        let refused = run(&["--otlp-endpoint", value], &[]);
        refused.assert_refused(2, &format!("--otlp-endpoint is {value:?}, "));
        refused.assert_refused(2, expected);
        let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
        run(&[], &[(name, value)]).assert_refused(2, &format!("{name} is {value:?}, "));
    }
}

#[test]
fn an_endpoint_that_is_not_utf_8_is_refused_and_nothing_goes_elsewhere() {
    let general = Collector::new(Answer::Take);
    for name in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        let output = quiet(&["run", "--generate", "2000"])
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", general.url())
            .env(name, OsStr::from_bytes(b"http://\xff"))
            .output();
        let ended = Ended::of(&output.expect("the program starts"));
        ended.assert_refused(2, &format!("{name} is "));
        assert_eq!(general.so_far(|it| it.requests), 0, "{name}");
    }
}

#[test]
fn a_password_in_an_endpoint_that_is_refused_is_not_shown() {
    let refused = run(&["--otlp-endpoint", "https://me:top-secret@h:4318"], &[]);
    refused.assert_refused(2, "--otlp-endpoint is \"https://h:4318\"");
    assert!(!refused.stderr.contains("top-secret"), "{refused:?}");
}

#[test]
fn a_protocol_that_is_not_there_is_refused() {
    let endpoint = ["--otlp-endpoint", "http://127.0.0.1:9"];
    let with = |protocol| {
        run(
            &[&endpoint[..], &["--otlp-protocol", protocol]].concat(),
            &[],
        )
    };
    with("http/json").assert_refused(2, "--otlp-protocol is \"http/json\", expected");
    with("carrier-pigeon").assert_refused(2, "--otlp-protocol is \"carrier-pigeon\", expected");
    if !cfg!(feature = "grpc") {
        with("grpc").assert_refused(2, "built without the feature `grpc`");
        run(&endpoint, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).assert_refused(
            2,
            "OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\", expected http/protobuf",
        );
    }
}

#[test]
fn a_port_that_is_taken_is_an_error_that_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound").to_string();
    run(&["--metrics-addr", &address], &[]).assert_refused(
        2,
        &format!("cannot serve metrics on {address}: Address already in use"),
    );
}

#[cfg(target_os = "linux")]
#[test]
fn unasked_for_telemetry_has_no_thread_but_the_monitors() {
    let threads = |held: &Held| {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", held.pid())).expect("it runs");
        // A thread may end while it is looked at.
        let name = |task: std::io::Result<std::fs::DirEntry>| {
            let name = std::fs::read_to_string(task.ok()?.path().join("comm"));
            Some(name.ok()?.trim().to_owned())
        };
        let mut names: Vec<String> = tasks.filter_map(name).collect();
        names.sort();
        names
    };
    let until = |arguments: &[&str], is_right: &dyn Fn(&[String]) -> bool| {
        let held = Held::start("threads", arguments, &[]);
        let end = Instant::now() + PATIENCE;
        // A thread gives itself its name, when it has its first turn.
        while !is_right(&threads(&held)) {
            assert!(Instant::now() < end, "{:?}", threads(&held));
        }
        assert_eq!(held.release().code, Some(0));
    };
    // Linux keeps 15 bytes; workers have the name of the program, and a signal ends any run in order.
    let plain = [
        "knhk-pool-monit",
        "knhk-poold",
        "knhk-poold",
        "knhk-poold",
        "knhk-signals",
    ];
    until(&[], &|names| names == plain);
    let metrics = |names: &[String]| names.iter().any(|it| it == "knhk-metrics");
    until(&["--metrics-addr", "0"], &metrics);
}

#[test]
fn a_run_for_a_time_repeats_its_passes_and_counts_one() {
    let json = |more: &[&str]| {
        let output = quiet(&["run", "--generate", "200", "--json"])
            .args(more)
            .output();
        Ended::of(&output.expect("the program starts")).json()
    };
    let (once, long) = (json(&[]), json(&["--for", "5s"]));
    assert!(long["passes"].as_u64() > Some(1), "{}", long["passes"]);
    assert_eq!(once["merged_receipt"], long["merged_receipt"]);
    assert!(json(&["--for", "5s", "--compare"])["compare"]["rounds"].as_u64() > Some(1));
    for bad in [
        &["--for", "0s"][..],
        &["--for", "5"],
        &["--for", "2d"],
        &["--for", "721h"],
    ] {
        assert_eq!(run(bad, &[]).code, Some(2), "{bad:?}");
    }
    assert_eq!(run(&["--for", "1s", "--repeat", "2"], &[]).code, Some(2));
}
