//! Decisions, from given flags and variables.

use super::*;

fn exports(choice: &TelemetryChoice, given: &[(&str, &str)]) -> (Exports, Vec<String>) {
    let read = |name: &str| {
        let value = given.iter().find(|(known, _)| *known == name)?.1;
        Some(value.into())
    };
    let variables = Variables::of(read);
    let exports = Exports::of(choice, &variables).expect("nothing is refused");
    (exports, variables.notes())
}

fn to(endpoint: &str) -> TelemetryChoice {
    TelemetryChoice {
        otlp_endpoint: Some(endpoint.to_owned()),
        ..TelemetryChoice::default()
    }
}

#[test]
fn nothing_is_exported_unasked() {
    let unrelated = [
        ("OTEL_SERVICE_NAME", "x"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "5"),
    ];
    let (exports, notes) = exports(&TelemetryChoice::default(), &unrelated);
    let routes = [&exports.metrics, &exports.traces, &exports.logs];
    assert!(routes.iter().all(|route| route.is_none()) && exports.scrape.is_none());
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_signals_path_goes_below_a_base_url_and_its_secrets_are_not_shown() {
    for (base, whole) in [
        ("http://h:1", "http://h:1/v1/metrics"),
        ("http://h:1/", "http://h:1/v1/metrics"),
        ("http://h/otel/", "http://h/otel/v1/metrics"),
        ("http://h/otel?k=v", "http://h/otel/v1/metrics?k=v"),
    ] {
        let route = exports(&to(base), &[]).0.metrics.expect("it is asked for");
        assert_eq!(route.endpoint, whole);
    }
    let route = exports(&to("http://me:secret@h/a@b?key=secret"), &[])
        .0
        .traces;
    let shown = route.expect("it is asked for").shown();
    assert_eq!(shown, "http://h/a@b/v1/traces");
}

#[test]
fn a_signals_own_variable_beats_the_general_one_and_the_shortest_timeout_holds() {
    let given = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs/x"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "7000"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "8000"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "6000"),
    ];
    let (exports, _) = exports(&TelemetryChoice::default(), &given);
    let of = |route: Option<Route>| {
        let route = route.expect("it is asked for");
        (route.endpoint, route.timeout.as_secs())
    };
    assert_eq!(of(exports.metrics), ("http://all/v1/metrics".to_owned(), 6));
    assert_eq!(of(exports.traces), ("http://all/v1/traces".to_owned(), 7));
    assert_eq!(of(exports.logs), ("http://logs/x".to_owned(), 8));
}

#[test]
fn lists_of_exporters_are_read_and_what_is_unknown_in_them_is_told_once() {
    for (list, otlp, scrape, notes) in [
        ("otlp", true, false, 0),
        ("prometheus", false, true, 0),
        ("OTLP, Prometheus", true, true, 0),
        ("none", false, false, 0),
        ("prometheus,none", false, false, 0),
        ("console", true, false, 1),
        ("console,prometheus", false, true, 1),
    ] {
        let given = [("OTEL_METRICS_EXPORTER", list)];
        let (exports, told) = exports(&to("http://h"), &given);
        assert_eq!(exports.metrics.is_some(), otlp, "{list}");
        assert_eq!(exports.scrape.is_some(), scrape, "{list}");
        assert_eq!(told.len(), notes, "{told:?}");
    }
    let given = [("OTEL_TRACES_EXPORTER", "otlp")];
    let (exports, _) = exports(&TelemetryChoice::default(), &given);
    let endpoint = exports.traces.map(|route| route.endpoint);
    assert_eq!(endpoint.as_deref(), Some("http://localhost:4318/v1/traces"));
}

#[test]
fn queues_stay_bounded_and_a_batch_fits_its_queue() {
    let given = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "100000000000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
    ];
    let (exports, notes) = exports(&TelemetryChoice::default(), &given);
    assert_eq!((exports.spans.queue, exports.spans.batch), (100, 100));
    assert_eq!((exports.records.queue, exports.records.batch), (2048, 512));
    assert_eq!(exports.spans.delay, Duration::from_secs(5));
    assert_eq!(notes.len(), 2, "{notes:?}");
}

#[test]
fn what_the_sdk_would_ignore_in_silence_is_told_and_no_secret_with_it() {
    for (name, value, part) in [
        (
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "zstd",
            "expected gzip, none",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,secret", "(pair 2)"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/x", "without TLS"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "x",
            "expected cumulative",
        ),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1", "expected 0 to"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9", "does not support it"),
        ("OTEL_LOG_LEVEL", "loud", "expected none, error"),
        ("OTEL_SDK_DISABLED", "1", "expected true or false"),
    ] {
        let (_, notes) = exports(&to("http://h"), &[(name, value)]);
        assert_eq!(notes.len(), 1, "{name}: {notes:?}");
        assert!(
            notes[0].starts_with(name) && notes[0].contains(part),
            "{notes:?}"
        );
        assert!(!notes[0].contains("secret"), "{notes:?}");
    }
    for (ratio, notes) in [("0.5", 0), ("1.5", 1), ("x", 1)] {
        let given = [
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", ratio),
        ];
        assert_eq!(exports(&to("http://h"), &given).1.len(), notes, "{ratio}");
    }
}

#[test]
fn an_address_may_be_a_port_alone_which_is_a_loopback_one() {
    for (text, socket) in [
        ("9464", "127.0.0.1:9464"),
        ("0", "127.0.0.1:0"),
        ("0.0.0.0:80", "0.0.0.0:80"),
        ("[::1]:80", "[::1]:80"),
    ] {
        assert_eq!(
            address(text).map(|it| it.to_string()),
            Ok(socket.to_owned())
        );
    }
    for bad in ["", "65536", "localhost", "127.0.0.1", "::1", ":80"] {
        assert!(address(bad).is_err(), "{bad}");
    }
}
