//! `/metrics`, as a Prometheus server sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use knhk_semconv::Registry;
use knhk_semconv::prometheus::series;
use knhk_semconv::registry::Instrument;

use crate::program::{file, text};
use crate::service::Held;

/// A service that waits in the middle of a pass, and the address that it serves metrics on.
fn served(name: &str, more: &[&str], variables: &[(&str, &str)]) -> (Held, String) {
    let mut held = Held::start(name, more, variables);
    let line = held.next_line();
    let address = line.strip_prefix("metrics are on http://");
    let address = address.and_then(|rest| rest.strip_suffix("/metrics"));
    let address = address.unwrap_or_else(|| panic!("{line:?}")).to_owned();
    (held, address)
}

/// Head and body of the answer to `request`.
fn ask(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("it answers and closes");
    let (head, body) = answer.split_once("\r\n\r\n").expect("it is HTTP");
    (head.to_owned(), body.to_owned())
}

fn metrics(address: &str) -> (String, String) {
    ask(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// The types of all families in `text`.
fn families(text: &str) -> BTreeMap<&str, &str> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split_once(' ')).collect()
}

#[test]
fn every_family_has_the_name_and_type_that_the_registry_gives_it() {
    let registry = Registry::of_this_project().expect("the registry can be read");
    let once = file("one-interval.toml", b"[poold]\nmonitor_interval_s = 3600\n");
    let (held, address) = served(
        "names",
        &["--metrics-addr", "0", "--config", text(&once)],
        &[("KNHK_POOL_SIZE", "1")],
    );
    let (head, text) = metrics(&address);
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    assert!(
        head.contains("connection: close"),
        "one request each: {head}"
    );
    let found = families(&text);
    let declared: BTreeMap<String, &str> = registry
        .metrics
        .iter()
        .map(|metric| {
            let kind = match metric.instrument {
                Instrument::Counter => "counter",
                Instrument::Histogram => "histogram",
                _ => "gauge",
            };
            (series(metric), kind)
        })
        .collect();
    for (name, kind) in &found {
        if *name != "target_info" {
            assert_eq!(declared.get(*name), Some(kind), "{name}");
        }
    }
    // Without a second interval there is no rate of one; sections and arenas are not used here, and a
    // run serves no requests.
    let missing: BTreeSet<&String> = declared
        .keys()
        .filter(|name| {
            let is_ours = [
                "knhk_buffer_pool",
                "knhk_object_pool",
                "knhk_service",
                "knhk_telemetry",
            ];
            is_ours.iter().any(|it| name.starts_with(it)) && !found.contains_key(name.as_str())
        })
        .collect();
    let late = [
        "knhk_buffer_pool_hit_rate_ratio",
        "knhk_object_pool_hit_rate_ratio",
        "knhk_service_ready",
        "knhk_service_request_duration_seconds",
    ];
    assert_eq!(
        missing.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        late
    );
    assert_eq!(held.release().code, Some(0));
}

#[test]
fn the_process_is_described_and_no_point_has_a_label_of_its_scope() {
    let (held, address) = served(
        "labels",
        &["--metrics-addr", "127.0.0.1:0"],
        &[("OTEL_SERVICE_NAME", "ingest-7")],
    );
    let (_, text) = metrics(&address);
    let info = text.lines().find(|line| line.starts_with("target_info{"));
    let info = info.expect("it is there");
    assert!(info.contains("service_name=\"ingest-7\""), "{info}");
    assert!(info.contains("service_version="), "{info}");
    assert!(!text.contains("otel_scope"), "{text}");
    assert_eq!(held.release().code, Some(0));
}

#[test]
fn attributes_that_are_no_label_names_do_not_cost_the_scrape() {
    let attributes = "2nd.region=eu,a:b=1,a.b=2,__name__=x,plain=y";
    let (held, address) = served(
        "names-of-labels",
        &["--metrics-addr", "127.0.0.1:0"],
        &[("OTEL_RESOURCE_ATTRIBUTES", attributes)],
    );
    let (_, text) = metrics(&address);
    let info = text.lines().find(|line| line.starts_with("target_info{"));
    let info = info.expect("it is there");
    for label in ["key_2nd_region=\"eu\"", "key_name__=\"x\"", "plain=\"y\""] {
        assert!(info.contains(label), "{info}");
    }
    let joined = ["a_b=\"1;2\"", "a_b=\"2;1\""];
    assert!(joined.iter().any(|it| info.contains(it)), "{info}");
    assert!(!info.contains("__name__="), "{info}");
    assert_eq!(held.release().code, Some(0));
}

#[test]
fn clients_that_say_nothing_or_nonsense_do_not_keep_a_scraper_out() {
    let (held, address) = served("clients", &["--metrics-addr", "0"], &[]);
    let half_open: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).expect("it listens");
            stream.write_all(b"GET /metrics HT").expect("it reads");
            stream
        })
        .collect();
    assert!(metrics(&address).0.starts_with("HTTP/1.1 200 "));
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
        ("DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "405"),
        ("\u{1}\u{2}\r\n\r\n", "400"),
    ] {
        let (head, _) = ask(&address, request);
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:?}: {head}"
        );
    }
    assert!(metrics(&address).0.starts_with("HTTP/1.1 200 "));
    drop(half_open);
    assert_eq!(held.release().code, Some(0));
}

#[test]
fn the_standard_variables_serve_it_too() {
    let (held, address) = served(
        "variables",
        &[],
        &[
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
        ],
    );
    assert!(
        metrics(&address)
            .1
            .contains("knhk_service_start_time_seconds")
    );
    assert_eq!(held.release().code, Some(0));
}
